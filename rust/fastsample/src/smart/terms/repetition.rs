//! Repetition: distinct shingles over all shingles of a row; low for laughter, lines of dashes.

use crate::select::fixed_point::{FRACTION_BITS, ONE, log2};

/// A row of hardly more than one shingle keeps this share of its weight: 1/16.
const FLOOR: i64 = -4 * ONE;

/// Repetition is judged by the first shingles of a row.
const JUDGED: usize = 1024;

/// Places in which distinct shingles are counted: eight for each that there may be.
const PLACES: usize = JUDGED * 8;

/// Bits after the point of a row's value.
const VALUE_BITS: u32 = 12;

/// Counts distinct shingles, row after row.
pub struct Repetition {
    /// The last row that had a shingle in the place.
    seen: Box<[u8; PLACES]>,
    /// The number of the row, from 1 to 255; then all places are cleared.
    row: u8,
}

impl Default for Repetition {
    fn default() -> Self {
        Self { seen: Box::new([0; PLACES]), row: 0 }
    }
}

impl Repetition {
    /// How often a shingle of the row occurs: `log2(all / distinct)`, with 12 bits after the point.
    pub fn of(&mut self, shingles: &[u64]) -> u16 {
        let judged = &shingles[..shingles.len().min(JUDGED)];
        if judged.is_empty() {
            return 0;
        }
        self.row = self.row.wrapping_add(1);
        if self.row == 0 {
            self.seen.fill(0);
            self.row = 1;
        }
        let mut distinct = 0;
        for &hash in judged {
            let seen = &mut self.seen[hash as usize % PLACES];
            distinct += u64::from(*seen != self.row);
            *seen = self.row;
        }
        let log = log2(judged.len() as u64) - log2(distinct);
        (log >> (FRACTION_BITS - VALUE_BITS)) as u16
    }
}

/// `log2` of the factor of a row: twice its distinct shingles over all its shingles, between 1/16 and
/// 1. Up to half of them may be repetitions, as in long texts and programs that have nothing wrong.
#[must_use]
pub fn log_factor(repetition: u16) -> i64 {
    (ONE - (i64::from(repetition) << (FRACTION_BITS - VALUE_BITS))).clamp(FLOOR, 0)
}

/// The share of distinct shingles that a row's value stands for.
#[must_use]
pub fn distinct_share(repetition: u16) -> f32 {
    (-f32::from(repetition) / f32::from(1_u16 << VALUE_BITS)).exp2()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::text::shingle::Shingles;

    #[test]
    fn no_row_leaves_anything_behind() {
        let mut repetition = Repetition::default();
        let mut shingles = Shingles::default();
        shingles.add("这句话里没有任何重复的片段");
        let first = repetition.of(shingles.hashes());
        assert!((0..1000).all(|_| repetition.of(shingles.hashes()) == first));
    }

    #[test]
    fn the_factor_is_twice_the_share_of_distinct_shingles() {
        let mut repetition = Repetition::default();
        let laugh = "哈".repeat(100);
        let dashes = "-".repeat(5000);
        for text in ["", "好", "这句话里没有任何重复的片段", "你好你好你好你好呀", &laugh, &dashes]
        {
            let mut shingles = Shingles::default();
            shingles.add(text);
            let judged = &shingles.hashes()[..shingles.hashes().len().min(JUDGED)];
            let distinct: HashSet<_> = judged.iter().collect();
            let share = distinct.len().max(1) as f64 / judged.len().max(1) as f64;
            let naive = (2.0 * share).clamp(1.0 / 16.0, 1.0);
            let found = log_factor(repetition.of(judged)) as f64 / ONE as f64;
            assert!((naive.log2() - found).abs() < 1e-3, "{text}: {}, not {found}", naive.log2());
        }
    }
}
