//! Radix partition and sort of hashes: all of them, or those that may occur more than once.
//!
//! Hashes should be uniform in 64 bits. They are dealt into parts by their highest byte, and each
//! part is sorted within a core's cache.

use std::ops::Range;

/// With fewer hashes, dealing costs more than it saves.
const FEW: usize = 1 << 12;

/// Parts that hashes are dealt into: by a byte.
const PARTS: usize = 1 << u8::BITS;

/// Classes for each hash of a part, at least: few hashes share theirs by chance.
const CLASSES: usize = 4;

/// Bits of a hash, below the highest byte, that its class may depend on: with that byte, a half.
const CLASS_BITS: u32 = 24;

/// All hashes in ascending order.
pub(crate) fn sorted(hashes: impl Iterator<Item = u64> + Clone) -> Vec<u64> {
    let mut all = vec![0; hashes.clone().count()];
    if all.len() < FEW {
        all.iter_mut().zip(hashes).for_each(|(place, hash)| *place = hash);
        all.sort_unstable();
        return all;
    }
    let mut spare = Vec::new();
    for part in deal(hashes, 1, &mut all) {
        let part = &mut all[part];
        if part.len() < FEW {
            part.sort_unstable();
        } else {
            spare.clear();
            spare.extend_from_slice(part);
            for few in deal(spare.iter().copied(), 2, part) {
                part[few].sort_unstable();
            }
        }
    }
    all
}

/// Orders hashes by the byte of number `byte`, from the highest on, and returns the parts.
fn deal(
    hashes: impl Iterator<Item = u64> + Clone,
    byte: u32,
    all: &mut [u64],
) -> [Range<usize>; PARTS] {
    let part = |hash: u64| usize::from((hash >> (u64::BITS - byte * u8::BITS)) as u8);
    let mut next = [0; PARTS];
    hashes.clone().for_each(|hash| next[part(hash)] += 1);
    let mut total = 0;
    for start in &mut next {
        (*start, total) = (total, total + *start);
    }
    hashes.for_each(|hash| {
        let place = &mut next[part(hash)];
        all[*place] = hash;
        *place += 1;
    });
    // Each part now ends where the next one begins.
    let mut start = 0;
    next.map(|end| std::mem::replace(&mut start, end)..end)
}

/// Hashes of which the upper half may occur more than once. Memory is kept between calls.
#[derive(Default)]
pub(crate) struct Repeated {
    /// The hashes found, followed by unused memory.
    hashes: Vec<u64>,
    found: usize,
    seen: Vec<SeenBits>,
}

/// For 64 classes of hashes a bit each: whether one was seen, and whether another one was.
#[derive(Clone, Copy, Default)]
struct SeenBits {
    once: u64,
    again: u64,
}

impl Repeated {
    /// Finds all hashes whose upper half occurs more than once, and by chance a few others. Usually
    /// nearly all hashes occur once, and need not be sorted then. Returns them in ascending order,
    /// in memory that the next call overwrites.
    pub(crate) fn find(&mut self, hashes: impl Iterator<Item = u64> + Clone) -> &mut [u64] {
        self.hashes.resize(hashes.clone().count(), 0);
        self.found = 0;
        for part in deal(hashes, 1, &mut self.hashes) {
            self.find_in(part);
        }
        &mut self.hashes[..self.found]
    }

    /// The same for a part of the hashes.
    fn find_in(&mut self, part: Range<usize>) {
        let classes = (part.len() * CLASSES).next_power_of_two();
        let bits = classes.ilog2().clamp(u64::BITS.ilog2(), CLASS_BITS);
        let place = |hash: u64| {
            let class = hash << u8::BITS >> (u64::BITS - bits);
            ((class / u64::from(u64::BITS)) as usize, 1 << (class % u64::from(u64::BITS)))
        };
        self.seen.clear();
        self.seen.resize(1 << (bits - u64::BITS.ilog2()), SeenBits::default());
        for &hash in &self.hashes[part.clone()] {
            let (word, bit) = place(hash);
            let seen = &mut self.seen[word];
            seen.again |= seen.once & bit;
            seen.once |= bit;
        }
        let first = self.found;
        for at in part {
            let hash = self.hashes[at];
            let (word, bit) = place(hash);
            // Overwritten by the next one unless it counts, so that there is no branch.
            self.hashes[self.found] = hash;
            self.found += usize::from(self.seen[word].again & bit != 0);
        }
        self.hashes[first..self.found].sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn hashes() -> impl Strategy<Value = Vec<u64>> {
        let hashes = prop::collection::vec(any::<u64>(), 0..3 * FEW);
        (hashes, 0_u32..64, any::<bool>()).prop_map(|(hashes, shift, high)| {
            let few = |hash: u64| if high { hash >> shift << shift } else { hash >> shift };
            hashes.into_iter().map(few).collect()
        })
    }

    proptest! {
        #[test]
        fn it_sorts(hashes in hashes()) {
            let mut naive = hashes.clone();
            naive.sort_unstable();
            prop_assert_eq!(sorted(hashes.into_iter()), naive);
        }

        #[test]
        fn no_repeated_hash_is_lost(first in hashes(), second in hashes()) {
            let mut repeated = Repeated::default();
            for hashes in [first, second] {
                let mut naive = BTreeMap::<u32, Vec<u64>>::new();
                for &hash in &hashes {
                    naive.entry((hash >> 32) as u32).or_default().push(hash);
                }
                let found = repeated.find(hashes.iter().copied());
                prop_assert!(found.is_sorted());
                for found in found.chunk_by(|a, b| a >> 32 == b >> 32) {
                    let mut group = naive.remove(&((found[0] >> 32) as u32)).unwrap_or_default();
                    group.sort_unstable();
                    prop_assert_eq!(found, group);
                }
                prop_assert!(naive.into_values().all(|left_out| left_out.len() == 1));
            }
        }
    }

    #[test]
    fn hashes_that_are_alone_are_mostly_left_out() {
        let hash = crate::hash::RowHash::new(5);
        let mut repeated = Repeated::default();
        let found = repeated.find((0..100_000).map(|i| hash.of(i))).len();
        assert!(found < 40_000, "{found}");
    }
}
