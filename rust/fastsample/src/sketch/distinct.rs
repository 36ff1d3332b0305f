//! Bottom-k sketch: distinct values and the number of their occurrences, in bounded memory.
//!
//! After Cohen and Kaplan, 2008, with counts: of the distinct hashes seen, the `limit` smallest are
//! kept, each with the exact number of its occurrences. A hash that is dropped never comes back,
//! since the threshold only falls. So the counts are exact, the result depends on no order,
//! and sketches of parts merge. Up to `limit` distinct values everything is exact; beyond, the kept
//! ones are a uniform sample of the distinct values, and shares are estimates.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use crate::hash::AsItIs;

/// The smallest distinct hashes, with counts.
#[derive(Debug, Clone)]
pub struct Distinct {
    limit: usize,
    /// Hashes above are not kept.
    threshold: u64,
    counts: HashMap<u64, u64, BuildHasherDefault<AsItIs>>,
}

impl Distinct {
    /// An empty sketch that keeps up to `limit` distinct hashes, and up to 7/4 as many while it
    /// works: for a power of two, as many as a hash table of twice the limit takes, 34 bytes each.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), threshold: u64::MAX, counts: HashMap::default() }
    }

    /// Counts one occurrence of a hash, which must be uniform over all of u64.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        self.add_times(hash, 1);
    }

    #[inline]
    fn add_times(&mut self, hash: u64, times: u64) {
        if hash <= self.threshold {
            *self.counts.entry(hash).or_insert(0) += times;
            if self.counts.len() >= self.limit / 4 * 7 + self.limit % 4 {
                self.prune();
            }
        }
    }

    /// Takes in the sketch of another part.
    pub fn merge(&mut self, other: Self) {
        self.threshold = self.threshold.min(other.threshold);
        for (hash, times) in other.counts {
            self.add_times(hash, times);
        }
        self.prune();
    }

    /// Cuts the sketch back to its limit.
    pub fn prune(&mut self) {
        if self.counts.len() > self.limit {
            let mut hashes: Vec<u64> = self.counts.keys().copied().collect();
            self.threshold = *hashes.select_nth_unstable(self.limit - 1).1;
        }
        // Removed one by one, they would leave tombstones in the table, which would make it grow.
        let kept = self.counts.drain().filter(|&(hash, _)| hash <= self.threshold);
        let kept: Vec<_> = kept.collect();
        self.counts.extend(kept);
    }

    /// Whether every distinct value is kept, so that nothing is an estimate.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.threshold == u64::MAX
    }

    /// Distinct values that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.counts.len()
    }

    /// How many distinct values there are; an estimate unless [`Distinct::is_exact`].
    #[must_use]
    pub fn distinct(&self) -> f64 {
        let kept = self.counts.len() as f64;
        if self.is_exact() {
            kept
        } else {
            (kept - 1.0) / (self.threshold as f64 / u64::MAX as f64)
        }
    }

    /// The share of occurrences that repeat an earlier one.
    #[must_use]
    pub fn repeated(&self) -> f64 {
        let all: u64 = self.counts.values().sum();
        if all == 0 { 0.0 } else { (all - self.counts.len() as u64) as f64 / all as f64 }
    }

    /// The share of occurrences whose value occurs more than once.
    #[must_use]
    pub fn shared(&self) -> f64 {
        let all: u64 = self.counts.values().sum();
        let shared: u64 = self.counts.values().filter(|&&count| count > 1).sum();
        if all == 0 { 0.0 } else { shared as f64 / all as f64 }
    }

    /// [`Distinct::repeated`] of a uniform sample of the share `f`, as expected.
    #[must_use]
    pub fn repeated_in_sample(&self, f: f64) -> f64 {
        // By count, ascending: a sum in the order of a hash map would differ in its last bits.
        let mut values_by_count = BTreeMap::new();
        for &count in self.counts.values() {
            *values_by_count.entry(count).or_insert(0_u64) += 1;
        }
        let (mut all, mut distinct) = (0.0, 0.0);
        for (count, values) in values_by_count {
            let (count, values) = (count as f64, values as f64);
            all += values * f * count;
            distinct += values * (1.0 - (1.0 - f).powf(count));
        }
        if all == 0.0 { 0.0 } else { (1.0 - distinct / all).max(0.0) }
    }

    /// Of the values that both sketches can judge: the share of `self`'s distinct values that
    /// `other` has, and the share of `self`'s occurrences whose value `other` has.
    #[must_use]
    pub fn found_in(&self, other: &Self) -> (f64, f64) {
        let threshold = self.threshold.min(other.threshold);
        let (mut values, mut values_found, mut times, mut times_found) = (0_u64, 0_u64, 0, 0);
        for (hash, &count) in self.counts.iter().filter(|&(&hash, _)| hash <= threshold) {
            let found = other.counts.contains_key(hash);
            values += 1;
            values_found += u64::from(found);
            times += count;
            times_found += if found { count } else { 0 };
        }
        let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        (share(values_found, values), share(times_found, times))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::mix;

    proptest! {
        /// Any split, merged in any order, keeps the smallest hashes with their exact counts.
        #[test]
        fn parts_merge_to_the_bottom_of_the_whole(
            values in prop::collection::vec(0_u64..60, 0..300),
            limit in 1_usize..80,
            parts in 1_usize..5,
        ) {
            let mut exact = BTreeMap::new();
            let mut sketches = vec![Distinct::new(limit); parts];
            for (i, &value) in values.iter().enumerate() {
                *exact.entry(mix(value)).or_insert(0) += 1;
                sketches[i * 7 % parts].add(mix(value));
            }
            let mut total = Distinct::new(limit);
            sketches.into_iter().rev().for_each(|sketch| total.merge(sketch));
            let expected: BTreeMap<u64, u64> = exact.clone().into_iter().take(limit).collect();
            prop_assert_eq!(total.is_exact(), exact.len() <= limit);
            prop_assert_eq!(total.counts.into_iter().collect::<BTreeMap<_, _>>(), expected);
        }
    }

    #[test]
    fn estimates_are_close() {
        let mut sketch = Distinct::new(4096);
        // 100,000 values, every fourth of them twice.
        (0..100_000).for_each(|i| sketch.add(mix(i)));
        (0..25_000).for_each(|i| sketch.add(mix(i * 4)));
        sketch.prune();
        assert!((sketch.distinct() / 100_000.0 - 1.0).abs() < 0.06, "{}", sketch.distinct());
        assert!((sketch.repeated() - 0.2).abs() < 0.03);
        assert!((sketch.shared() - 0.4).abs() < 0.04);
        // Pairs survive a half sample with a chance of 1/4: 6,250 of 62,500 rows.
        assert!((sketch.repeated_in_sample(0.5) - 0.1).abs() < 0.02);
    }

    #[test]
    fn overlap() {
        let sketch = |range: std::ops::Range<u64>| {
            let mut sketch = Distinct::new(1000);
            range.for_each(|i| sketch.add(mix(i)));
            sketch.prune();
            sketch
        };
        let (values, times) = sketch(0..50).found_in(&sketch(25..500));
        assert!((values - 0.5).abs() < 1e-9 && (times - 0.5).abs() < 1e-9);
        let (values, _) = sketch(0..20_000).found_in(&sketch(10_000..1_000_000));
        assert!((values - 0.5).abs() < 0.3, "{values}");
        assert!(Distinct::new(3).repeated().abs() < 1e-9);
    }
}
