//! Texts that repeat themselves: laughter, dashes, tables of nothing.

use super::fixed::{FRACTION_BITS, ONE, log2};

/// A row of nothing but one shingle keeps this share of its weight: 1/16.
const FLOOR: i64 = -4 * ONE;

/// Repetition is judged by the first shingles of a row.
const JUDGED: usize = 1024;

/// Bits of the bitmap that counts distinct shingles: eight for each that it may hold.
const BITS: usize = JUDGED * 8;

/// Bits after the point of a row's value.
const VALUE_BITS: u32 = 12;

/// Counts distinct shingles, row after row.
pub struct Repetition(Box<[u64; BITS / 64]>);

impl Default for Repetition {
    fn default() -> Self {
        Self(Box::new([0; BITS / 64]))
    }
}

impl Repetition {
    /// How often a shingle of the row occurs: `log2(all / distinct)`, with 12 bits after the point.
    pub fn of(&mut self, shingles: &[u64]) -> u16 {
        let judged = &shingles[..shingles.len().min(JUDGED)];
        if judged.is_empty() {
            return 0;
        }
        self.0.fill(0);
        let mut distinct = 0;
        for hash in judged {
            let bit = *hash as usize % BITS;
            let word = &mut self.0[bit / 64];
            distinct += !*word >> (bit % 64) & 1;
            *word |= 1 << (bit % 64);
        }
        let log = log2(judged.len() as u64) - log2(distinct);
        (log >> (FRACTION_BITS - VALUE_BITS)) as u16
    }
}

/// `log2` of the factor of a row: distinct shingles over all shingles, at least 1/16.
#[must_use]
pub fn log_factor(repetition: u16) -> i64 {
    (-(i64::from(repetition) << (FRACTION_BITS - VALUE_BITS))).max(FLOOR)
}

/// The share of distinct shingles that a row's value stands for.
#[must_use]
pub fn distinct_share(repetition: u16) -> f32 {
    (-f32::from(repetition) / f32::from(1_u16 << VALUE_BITS)).exp2()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::shingle::Shingles;
    use super::*;

    #[test]
    fn the_factor_is_the_share_of_distinct_shingles() {
        let mut repetition = Repetition::default();
        let laugh = "哈".repeat(100);
        let dashes = "-".repeat(5000);
        for text in ["", "好", "这句话里没有任何重复的片段", "你好你好你好你好呀", &laugh, &dashes]
        {
            let mut shingles = Shingles::default();
            shingles.add(text);
            let judged = &shingles.hashes()[..shingles.hashes().len().min(JUDGED)];
            let distinct: HashSet<_> = judged.iter().collect();
            let naive = (distinct.len().max(1) as f64 / judged.len().max(1) as f64).max(1.0 / 16.0);
            let found = log_factor(repetition.of(judged)) as f64 / ONE as f64;
            assert!((naive.log2() - found).abs() < 1e-3, "{text}: {}, not {found}", naive.log2());
        }
    }
}
