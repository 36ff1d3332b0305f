//! Epochs of whole groups.

use std::collections::HashSet;

/// Groups that are drawn one epoch after the other: each takes of those that are left, in their
/// order, each that still fits in whole. When all have been drawn, they begin again.
pub(super) struct Passes<'a> {
    order: Vec<usize>,
    rows: &'a [u64],
    n: u64,
    /// Rows of the smallest group.
    least: u64,
}

/// Groups that are left of a pass: some that did not fit in before, and all from a place on.
#[derive(Default)]
struct Left {
    before: Vec<usize>,
    from: usize,
}

impl<'a> Passes<'a> {
    pub(super) fn new(order: &[usize], rows: &'a [u64], n: u64) -> Self {
        let order: Vec<usize> = order.iter().copied().filter(|&group| rows[group] <= n).collect();
        let least = order.iter().map(|&group| rows[group]).min().unwrap_or(u64::MAX);
        Self { order, rows, n, least }
    }

    fn is_over(&self, left: &Left) -> bool {
        left.before.is_empty() && left.from == self.order.len()
    }

    /// Takes groups out of `left` that `taken` does not have yet; returns the rows still missing.
    fn take(&self, left: &mut Left, missing: u64, taken: &mut Vec<usize>) -> u64 {
        let (before, mut missing) = (std::mem::take(&mut left.before), missing);
        let known: HashSet<usize> = taken.iter().copied().collect();
        let mut goes_on = missing >= self.least;
        let mut visit = |group: usize, kept: &mut Vec<usize>| {
            if self.rows[group] <= missing && !known.contains(&group) {
                missing -= self.rows[group];
                taken.push(group);
            } else {
                kept.push(group);
            }
            missing >= self.least
        };
        let mut before = before.into_iter();
        while goes_on && let Some(group) = before.next() {
            goes_on = visit(group, &mut left.before);
        }
        while goes_on && let Some(&group) = self.order.get(left.from) {
            left.from += 1;
            goes_on = visit(group, &mut left.before);
        }
        left.before.extend(before);
        missing
    }

    /// Takes the groups of the next epoch; returns whether all had been drawn before it was full.
    fn next(&self, left: &mut Left, taken: &mut Vec<usize>) -> bool {
        let missing = self.take(left, self.n, taken);
        let is_over = missing > 0 && self.is_over(left);
        if self.is_over(left) {
            *left = Left::default();
            if missing > 0 {
                self.take(left, missing, taken);
            }
        }
        is_over
    }

    /// The groups of an epoch; none if no group is small enough.
    pub(super) fn epoch(&self, epoch: u64) -> Option<Vec<usize>> {
        if self.order.is_empty() {
            return None;
        }
        let (mut left, mut taken) = (Left::default(), Vec::new());
        for _ in 0..=epoch {
            taken.clear();
            self.next(&mut left, &mut taken);
        }
        Some(taken)
    }

    /// Epochs of which no two share a group; one at least.
    pub(super) fn count(&self) -> u64 {
        let (mut left, mut count) = (Left::default(), 0);
        while !self.is_over(&left) {
            let missing = self.take(&mut left, self.n, &mut Vec::new());
            count += u64::from(count == 0 || missing == 0 || !self.is_over(&left));
        }
        count.max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Epochs in plain words.
    fn naive(rows: &[u64], n: u64, epochs: usize) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..rows.len()).filter(|&group| rows[group] <= n).collect();
        let mut left = all.clone();
        let mut found = Vec::new();
        for _ in 0..epochs {
            let (mut taken, mut missing) = (Vec::new(), n);
            for again in [false, true] {
                let mut new = Vec::new();
                for group in left.clone() {
                    if rows[group] <= missing && !taken.contains(&group) {
                        missing -= rows[group];
                        new.push(group);
                    }
                }
                left.retain(|group| !new.contains(group));
                taken.append(&mut new);
                if !left.is_empty() || again {
                    break;
                }
                left.clone_from(&all);
                if missing == 0 {
                    break;
                }
            }
            found.push(taken);
        }
        found
    }

    proptest! {
        #[test]
        fn epochs_are_the_naive_ones(
            rows in prop::collection::vec(1_u64..9, 1..30), n in 1_u64..40
        ) {
            let order: Vec<usize> = (0..rows.len()).collect();
            let passes = Passes::new(&order, &rows, n);
            let expected = naive(&rows, n, 8);
            for (epoch, expected) in (0..).zip(expected) {
                match passes.epoch(epoch) {
                    Some(found) => prop_assert_eq!(found, expected),
                    None => prop_assert!(expected.is_empty()),
                }
            }
            let once: Vec<usize> = (0..passes.count()).filter_map(|e| passes.epoch(e)).flatten().collect();
            let distinct: HashSet<usize> = once.iter().copied().collect();
            prop_assert_eq!(once.len(), distinct.len());
        }
    }
}
