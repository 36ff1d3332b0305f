//! A linear classifier: how likely it is that a row is of the target, and not of the source.
//!
//! Logistic regression on hashed shingles, as in fastText (A. Joulin, E. Grave, P. Bojanowski,
//! T. Mikolov, *Bag of tricks for efficient text classification*, EACL 2017) but without hidden
//! layer, and as it is used to choose training data by J. Li et al., *DataComp-LM*, `NeurIPS` 2024.
//! With `k` shingles in a row, of classes `c`, and a weight `w` for each class:
//!
//! ```text
//! log odds  z = sum of w[c] / sqrt(k)             probability  p = 2^z / (1 + 2^z)
//! learn from a row of the target (y = 1) or of the source (y = 0):  w[c] += rate (y - p) / sqrt(k)
//! ```
//!
//! Rows of both take turns, so they count alike. Logarithms are to base 2, and all numbers are
//! integers with 20 bits after the point: every machine learns the same weights.

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::mix_two;
use crate::select::fixed_point::{FRACTION_BITS, WEIGHT_ONE, exp2};
use crate::smart::terms::importance::{MOST, VALUE_BITS};

/// Classes that shingles are hashed into.
const CLASS_BITS: u32 = 16;

/// Bits after the point of weights, log odds, probabilities and rates.
const BITS: u32 = 20;

/// Shingles of a row that count: its first ones.
pub(crate) const MOST_SHINGLES: usize = 1024;

/// The rate at first; it falls to 0 along a straight line.
const RATE: u64 = 5 << (BITS - 4);

/// Steps between two looks at whether the call was cancelled.
const STEPS_PER_CHECK: usize = 256;

/// The class of a shingle.
pub(crate) fn class_of(hash: u64) -> u16 {
    (hash >> (u64::BITS - CLASS_BITS)) as u16
}

/// The weight of each class of shingles.
#[derive(Debug, Clone)]
pub struct Classifier(Vec<i32>);

impl Classifier {
    /// Learns to tell rows of the target from rows of the source, given by their classes. Every row
    /// of the larger side is seen once.
    ///
    /// # Errors
    /// [`Error::Argument`] where one side has no text; [`Error::Cancelled`].
    pub fn learn<R: AsRef<[u16]>>(ctx: &Context, target: &[R], source: &[R]) -> Result<Self> {
        let mut learned = Self(vec![0; 1 << CLASS_BITS]);
        let steps = target.len().max(source.len());
        let (mut wanted, mut others) = (target.iter().cycle(), source.iter().cycle());
        for step in 0..steps {
            if step.is_multiple_of(STEPS_PER_CHECK) {
                ctx.check()?;
            }
            let (Some(wanted), Some(other)) = (wanted.next(), others.next()) else {
                return Err(Error::Argument(
                    "the target or the source has no text to learn from; name text columns that \
                     have some"
                        .into(),
                ));
            };
            let rate = RATE * (steps - step) as u64 / steps as u64;
            learned.step(other.as_ref(), 0, rate as i64);
            learned.step(wanted.as_ref(), 1 << BITS, rate as i64);
        }
        Ok(learned)
    }

    /// Moves the weights of a row towards a probability.
    fn step(&mut self, row: &[u16], wanted: i64, rate: i64) {
        let share = inverse_root(row.len());
        let missing = wanted - probability(self.judge(row));
        let by = ((((missing * rate) >> BITS) * share) >> BITS) as i32;
        for &class in row {
            let weight = &mut self.0[usize::from(class)];
            *weight = weight.saturating_add(by);
        }
    }

    /// The log odds of a row given by its classes, with 20 bits after the point.
    pub(super) fn judge(&self, row: &[u16]) -> i64 {
        self.log_odds(row.iter().copied(), row.len())
    }

    fn log_odds(&self, classes: impl Iterator<Item = u16>, shingles: usize) -> i64 {
        let sum: i64 = classes.map(|class| i64::from(self.0[usize::from(class)])).sum();
        (sum * inverse_root(shingles)) >> BITS
    }

    /// A hash of the weights: rows that were judged by others can't be compared.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.0.iter().fold(1, |all, &weight| mix_two(all, weight as u64))
    }

    /// The log odds of a row's first shingles, with 10 bits after the point.
    #[must_use]
    pub fn of(&self, shingles: &[u64]) -> i16 {
        if shingles.is_empty() {
            return -(MOST as i16);
        }
        let first = &shingles[..shingles.len().min(MOST_SHINGLES)];
        let odds = self.log_odds(first.iter().map(|&hash| class_of(hash)), first.len());
        (odds >> (BITS - VALUE_BITS)).clamp(-MOST, MOST) as i16
    }
}

/// `1 / sqrt(x)` of a number from 1 to [`MOST_SHINGLES`].
fn inverse_root(x: usize) -> i64 {
    let root = ((x as u64) << (2 * BITS)).isqrt();
    ((1_u64 << (2 * BITS)) / root.max(1)) as i64
}

/// `2^z / (1 + 2^z)`.
fn probability(log_odds: i64) -> i64 {
    let odds = u64::from(exp2(-log_odds.abs() >> (BITS - FRACTION_BITS)));
    let smaller = ((odds << BITS) / (u64::from(WEIGHT_ONE) + odds)) as i64;
    if log_odds > 0 { (1 << BITS) - smaller } else { smaller }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: f64 = (1 << BITS) as f64;

    #[test]
    fn probabilities_and_roots_are_those_of_the_library() {
        for log_odds in (-20 << BITS..20 << BITS).step_by(98_765) {
            let z = log_odds as f64 / ONE;
            let naive = z.exp2() / (1.0 + z.exp2());
            let found = probability(log_odds) as f64 / ONE;
            assert!((found - naive).abs() < 1e-5, "{z}: {found}, not {naive}");
        }
        for x in 1..=MOST_SHINGLES {
            let found = inverse_root(x) as f64 / ONE;
            assert!((found - 1.0 / (x as f64).sqrt()).abs() < 3e-6, "{x}: {found}");
        }
    }

    /// Rows of one to forty shingles; those of the target have more of the first quarter of the classes.
    fn rows(many: u64, of_target: bool) -> Vec<Vec<u16>> {
        let class = |row: u64, place: u64| {
            let random = mix_two(row * 2 + u64::from(of_target), place);
            let limit = if of_target && random.is_multiple_of(2) { 1 << 14 } else { 1 << 16 };
            ((random >> 8) % limit) as u16 / 128 * 128
        };
        (0..many)
            .map(|row| (0..=mix_two(row, 5) % 40).map(|place| class(row, place)).collect())
            .collect()
    }

    /// The formulas of the module's documentation in floating point.
    fn naive(target: &[Vec<u16>], source: &[Vec<u16>]) -> Vec<f64> {
        let mut weights = vec![0.0_f64; 1 << CLASS_BITS];
        let steps = target.len().max(source.len());
        for step in 0..steps {
            let rate = 0.3125 * (steps - step) as f64 / steps as f64;
            for (rows, y) in [(source, 0.0), (target, 1.0)] {
                let row = &rows[step % rows.len()];
                let root = (row.len() as f64).sqrt();
                let z = row.iter().map(|&class| weights[usize::from(class)]).sum::<f64>() / root;
                let p = z.exp2() / (1.0 + z.exp2());
                row.iter().for_each(|&class| weights[usize::from(class)] += rate * (y - p) / root);
            }
        }
        weights
    }

    #[test]
    fn it_learns_what_the_formulas_say() {
        let ctx = Context::new(Some(1));
        let (target, source) = (rows(70, true), rows(900, false));
        let learned = Classifier::learn(&ctx, &target, &source).expect("text on both sides");
        for (found, naive) in learned.0.iter().zip(naive(&target, &source)) {
            let found = f64::from(*found) / ONE;
            assert!((found - naive).abs() < 0.01, "{found}, not {naive}");
        }
    }

    #[test]
    fn it_tells_rows_it_has_not_seen() {
        let ctx = Context::new(Some(1));
        let (mut target, mut source) = (rows(800, true), rows(3000, false));
        let (new, old) = (target.split_off(400), source.split_off(2000));
        let learned = Classifier::learn(&ctx, &target, &source).expect("text on both sides");
        let is_taken = |row: &Vec<u16>| {
            let hashes: Vec<u64> = row.iter().map(|&class| u64::from(class) << 48).collect();
            learned.of(&hashes) > 0
        };
        let taken = |rows: &[Vec<u16>]| {
            rows.iter().filter(|row| is_taken(row)).count() as f64 / rows.len() as f64
        };
        assert!(taken(&new) > 0.8 && taken(&old) < 0.2, "{} {}", taken(&new), taken(&old));
        assert_eq!(learned.of(&[]), -(MOST as i16));
    }

    #[test]
    fn a_side_without_text_is_an_error() {
        let ctx = Context::new(Some(1));
        for (target, source) in [(0, 5), (5, 0)] {
            let learned = Classifier::learn(&ctx, &rows(target, true), &rows(source, false));
            assert!(matches!(learned, Err(Error::Argument(_))), "{learned:?}");
        }
    }
}
