//! `LetterRuns`: the shortest runs of letters of a given length, with a rolling hash.
//!
//! ```text
//!  letters   a b c d e f g      runs of length 4 from each letter on: abcd, bcde, cdef, defg
//! ```
//!
//! Two texts share letters of that length if and only if they share such a run: the letters tell
//! where a run ends.

use std::ops::Range;

use super::letters::length;
use crate::hash::mix;

/// An odd number with any bits set: the base of the polynomial that is the hash of a run.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Finds the runs of a text.
#[derive(Debug)]
pub(super) struct LetterRuns {
    length: u32,
    /// `BASE` to the power of each number of letters that a run can have.
    powers: Vec<u64>,
}

impl LetterRuns {
    /// Runs of letters that are together at least `length` long, and no longer than it takes.
    pub(super) fn new(length: u32) -> Self {
        let next = |power: &u64| Some(power.wrapping_mul(BASE));
        let powers = std::iter::successors(Some(1), next).take(length as usize + 1).collect();
        Self { length, powers }
    }

    /// How long a run is at least.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// The number of letters of the run at the beginning of `codes`.
    pub(super) fn first(&self, codes: &[u32]) -> usize {
        let mut long = 0;
        let is_before = |&&code: &&u32| {
            let is_before = long < self.length;
            long += length(code);
            is_before
        };
        codes.iter().take_while(is_before).count()
    }

    /// Calls `each` with every run and its hash, in order.
    pub(super) fn each(&self, codes: &[u32], mut each: impl FnMut(Range<usize>, u64)) {
        let value = |code: u32| u64::from(code) + 1;
        let (mut end, mut long, mut hash) = (0, 0, 0_u64);
        for (start, &first) in codes.iter().enumerate() {
            while long < self.length {
                let Some(&code) = codes.get(end) else { return };
                hash = hash.wrapping_mul(BASE).wrapping_add(value(code));
                long += length(code);
                end += 1;
            }
            each(start..end, mix(hash));
            let power = self.powers[end - start - 1];
            hash = hash.wrapping_sub(value(first).wrapping_mul(power));
            long -= length(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_the_naive_ones_and_equal_ones_have_equal_hashes(
            text in prop::collection::vec(prop::sample::select(vec!['a', 'b', '你', 'あ']), 0..60),
            length_wanted in 1_u32..12
        ) {
            let codes: Vec<u32> = text.iter().map(|&letter| letter.into()).collect();
            let mut found = Vec::new();
            LetterRuns::new(length_wanted).each(&codes, |run, hash| found.push((run, hash)));
            let mut expected = Vec::new();
            for start in 0..codes.len() {
                let long = |end: &usize| codes[start..*end].iter().copied().map(length).sum::<u32>();
                expected.extend((start..=codes.len()).find(|end| long(end) >= length_wanted).map(|end| start..end));
            }
            let runs: Vec<Range<usize>> = found.iter().map(|(run, _)| run.clone()).collect();
            prop_assert_eq!(runs, expected);
            for (a, first) in &found {
                for (b, second) in &found {
                    prop_assert_eq!(codes[a.clone()] == codes[b.clone()], first == second);
                }
            }
        }
    }
}
