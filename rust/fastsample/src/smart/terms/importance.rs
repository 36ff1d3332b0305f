//! DSIR importance weight: the likelihood ratio of a row's shingles in a target and in the source.
//!
//! Source: S. M. Xie, S. Santurkar, T. Ma, P. Liang, *Data selection for language models via
//! importance resampling*, `NeurIPS` 2023. Different from there: the ratio is averaged over the
//! shingles of a row, so that its length does not decide; and the target's shares are drawn
//! towards the source's where the target is small.

use crate::hash::mix_two;
use crate::select::fixed_point::{FRACTION_BITS, log2_with};

/// Classes that shingles are hashed into.
const CLASS_BITS: u32 = 16;

/// Bits after the point of a ratio's logarithm.
pub(crate) const VALUE_BITS: u32 = 10;

/// Ratios beyond 2^8 are no better known than that.
pub(crate) const MOST: i64 = 8 << VALUE_BITS;

/// For each class of shingles: `log2(share in the target / share in the source)`.
#[derive(Debug, Clone)]
pub struct ImportanceRatio(Vec<i16>);

impl ImportanceRatio {
    /// Compares how many rows have each shingle, in the target and in the source.
    ///
    /// With `c` and `C` the target's counts of a class and of all, and `q` the source's share:
    ///
    /// ```text
    /// ratio = (c + m q) / ((C + m) q)      m = number of classes: on average one count a class
    /// ```
    #[must_use]
    pub fn new(
        target: impl Iterator<Item = (u64, u32)>,
        source: impl Iterator<Item = (u64, u32)>,
    ) -> Self {
        let (target, source) = (classes(target), classes(source));
        // Each class gets one more count, so that none has share 0.
        let source: Vec<u64> = source.into_iter().map(|count| count + 1).collect();
        let (all, all_source) = (target.iter().sum::<u64>(), source.iter().sum::<u64>());
        let classes = 1_u64 << CLASS_BITS;
        let log = |x: u128| {
            // Numbers of more than 64 bits lose their low ones; logarithms do not see it.
            let shift = (u128::BITS - x.leading_zeros()).saturating_sub(u64::BITS);
            log2_with((x >> shift) as u64, VALUE_BITS) + (i64::from(shift) << VALUE_BITS)
        };
        let ratio = |(&count, &of_source): (&u64, &u64)| {
            let (count, of_source) = (u128::from(count), u128::from(of_source));
            let drawn = count * u128::from(all_source) + u128::from(classes) * of_source;
            let expected = u128::from(all + classes) * of_source;
            (log(drawn) - log(expected)).clamp(-MOST, MOST) as i16
        };
        Self(target.iter().zip(&source).map(ratio).collect())
    }

    /// A hash of the table: rows that were judged by another one can't be compared.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.0.iter().fold(0, |all, &ratio| mix_two(all, ratio as u64))
    }

    /// The mean log ratio of the row's shingles, with 10 bits after the point.
    #[must_use]
    pub fn of(&self, shingles: &[u64]) -> i16 {
        if shingles.is_empty() {
            return -(MOST as i16);
        }
        let sum: i64 = shingles.iter().map(|&hash| i64::from(self.0[class_of(hash)])).sum();
        sum.div_euclid(shingles.len() as i64) as i16
    }
}

fn classes(counts: impl Iterator<Item = (u64, u32)>) -> Vec<u64> {
    let mut classes = vec![0; 1 << CLASS_BITS];
    counts.for_each(|(hash, rows)| classes[class_of(hash)] += u64::from(rows));
    classes
}

fn class_of(hash: u64) -> usize {
    (hash >> (u64::BITS - CLASS_BITS)) as usize
}

/// `log2` of the factor of a row: its ratio, at most 1 at `clip` (in bits, fixed point).
#[must_use]
pub fn log_factor(importance: i16, clip: i64) -> i64 {
    (i64::from(importance) << (FRACTION_BITS - VALUE_BITS)).clamp(-clip, clip) - clip
}

/// The mean log ratio that a row's value stands for.
#[must_use]
pub fn mean_log_ratio(importance: i16) -> f32 {
    f32::from(importance) / f32::from(1_u16 << VALUE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::fixed_point::ONE;

    #[test]
    fn ratios_are_the_formula() {
        let hash = |class: u64| class << (u64::BITS - CLASS_BITS);
        let target = [(hash(1), 5000), (hash(2), 10), (hash(3) + 7, 1000)];
        let source = [(hash(1), 900), (hash(3), 40_000), (hash(3) + 9, 2), (hash(4), 3)];
        let found = ImportanceRatio::new(target.into_iter(), source.into_iter());
        let classes = f64::from(1 << CLASS_BITS);
        let all_source = 900.0 + 40_002.0 + 3.0 + classes;
        for (class, count, of_source) in
            [(1, 5000.0, 901.0), (2, 10.0, 1.0), (3, 1000.0, 40_003.0), (4, 0.0, 4.0)]
        {
            let q = of_source / all_source;
            let naive: f64 = (count + classes * q) / ((6010.0 + classes) * q);
            let value = f64::from(mean_log_ratio(found.of(&[hash(class)])));
            assert!((value - naive.log2()).abs() < 0.003, "{value}, not {}", naive.log2());
        }
        let both = found.of(&[hash(1), hash(4)]);
        assert_eq!(both, (found.of(&[hash(1)]) + found.of(&[hash(4)])).div_euclid(2));
    }

    #[test]
    fn the_factor_is_clipped() {
        let bit = 1 << VALUE_BITS;
        assert_eq!(log_factor(bit, 2 * ONE), -ONE);
        assert_eq!(
            [log_factor(9 * bit / 2, 2 * ONE), log_factor(-8 * bit, 2 * ONE)],
            [0, -4 * ONE]
        );
    }
}
