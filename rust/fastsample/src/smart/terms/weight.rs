//! From features to weights: the product of the terms, each raised to its strength.

use crate::error::{Error, Result};
use crate::exec::{Context, SharedSlice, fold, memory};
use crate::select::fixed_point::{self, FRACTION_BITS, ONE};
use crate::smart::features::Features;
use crate::smart::options::Smart;
use crate::smart::terms::commonness::CommonnessLimits;
use crate::smart::terms::duplicates::{self, Copies};
use crate::smart::terms::{avoid, importance, length, repetition, template};

/// A factor of the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// See [`crate::smart::terms::duplicates`].
    Duplicates,
    /// See [`crate::smart::terms::commonness`].
    Commonness,
    /// See [`crate::smart::terms::length`].
    Length,
    /// See [`crate::smart::terms::repetition`].
    Repetition,
    /// See [`crate::smart::terms::target`].
    Target,
    /// See [`crate::smart::terms::avoid`].
    Avoid,
}

impl Term {
    /// All of them, in the order of everything that is reported of them.
    pub const ALL: [Self; 6] = [
        Self::Duplicates,
        Self::Commonness,
        Self::Length,
        Self::Repetition,
        Self::Target,
        Self::Avoid,
    ];

    /// What users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicates => "duplicates",
            Self::Commonness => "commonness",
            Self::Length => "length",
            Self::Repetition => "repetition",
            Self::Target => "target",
            Self::Avoid => "avoid",
        }
    }
}

/// A value for each of [`Term::ALL`].
type PerTerm<T> = [T; Term::ALL.len()];

/// Rows weighed by one task.
const ROWS_PER_TASK: usize = 1 << 16;

/// Strengths in fixed point, and limits of lengths.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    strengths: PerTerm<i64>,
    target_clip: i64,
    avoid_clip: i64,
    min_chars: u32,
    max_chars: u32,
}

impl Terms {
    /// Checks and converts what a user asks for.
    ///
    /// # Errors
    /// [`Error::Argument`] for strengths out of range.
    pub fn new(smart: &Smart) -> Result<Self> {
        let fixed = |name: &str, value: f64| {
            if (0.0..=16.0).contains(&value) {
                return Ok((value * ONE as f64).round() as i64);
            }
            Err(Error::Argument(format!("{name} is {value}; it must be from 0 (off) to 16")))
        };
        if smart.min_chars > smart.max_chars {
            return Err(Error::Argument(format!(
                "min_chars is {}, more than max_chars, which is {}",
                smart.min_chars, smart.max_chars
            )));
        }
        let target =
            smart.target.as_ref().map_or((0.0, 0.0), |target| (target.strength, target.clip));
        let avoid = smart.avoid.as_ref().map_or((0.0, 0.0), |avoid| (avoid.strength, avoid.clip));
        Ok(Self {
            strengths: [
                fixed("duplicates", smart.duplicates)?,
                fixed("commonness", smart.commonness)?,
                fixed("length", smart.length)?,
                fixed("repetition", smart.repetition)?,
                fixed("target_strength", target.0)?,
                fixed("avoid_strength", avoid.0)?,
            ],
            target_clip: fixed("target_clip", target.1)?,
            avoid_clip: fixed("target_clip", avoid.1)?,
            min_chars: smart.min_chars,
            max_chars: smart.max_chars,
        })
    }

    /// Whether a term counts.
    #[must_use]
    pub fn has(&self, term: Term) -> bool {
        self.strengths[term as usize] > 0
    }

    /// Whether no term counts.
    #[must_use]
    pub fn all_off(&self) -> bool {
        self.strengths.iter().all(|&strength| strength == 0)
    }

    /// `log2` of each term's factor; none for a row that is too short.
    fn log_factors(
        &self,
        rows: &Features,
        limits: CommonnessLimits,
        row: usize,
    ) -> Option<PerTerm<i64>> {
        let length = if self.has(Term::Length) {
            length::log_factor(rows.chars[row], self.min_chars, self.max_chars)?
        } else {
            0
        };
        let raised =
            |term: Term, factor: i64| (factor * self.strengths[term as usize]) >> FRACTION_BITS;
        let commonness =
            raised(Term::Commonness, limits.log_factor(Features::of(&rows.commonness, row)));
        // Rows of one template are common, too: by its novelty a row weighs as much as a row of median
        // commonness, and not more.
        let common = raised(Term::Commonness, limits.middle_log_factor()) - commonness;
        let least = template::log_factor(rows.novelty[row]).map_or(i64::MIN, |own| own + common);
        let duplicates = duplicates::log_factor(rows.near[row]).max(least);
        let fit = Features::of(&rows.importance, row);
        let avoided = Features::of(&rows.avoided, row);
        Some([
            raised(Term::Duplicates, duplicates).min(common.max(0)),
            commonness,
            raised(Term::Length, length),
            raised(Term::Repetition, repetition::log_factor(rows.repetition[row])),
            raised(Term::Target, importance::log_factor(fit, self.target_clip)),
            raised(Term::Avoid, avoid::log_factor(avoided, self.avoid_clip)),
        ])
    }
}

/// What is known of every row once all have been seen.
#[derive(Debug)]
pub struct Weighed {
    /// Features, once near-duplicates are counted, without the hashes of texts.
    pub features: Features,
    /// Rows with equal texts.
    pub copies: Copies,
    /// The weight of each row; 0 for one that is too short.
    pub weights: Vec<u32>,
    /// Each term's share in the variance of the logarithm of the weights.
    pub shares: [f64; Term::ALL.len()],
    limits: CommonnessLimits,
    /// The mean of each term's `log2`, over rows that are not too short.
    means: PerTerm<i64>,
}

/// What lowered the weight of a row, in comparison with the geometric mean of all weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lowered {
    /// It is too short to have a weight.
    Excluded,
    /// It has less than half of the mean, and this term took most of it.
    By(Term),
    /// It has half of the mean or more.
    Little,
}

impl Weighed {
    /// Weighs all rows of a source, of which `copies` have equal texts.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn new(
        ctx: &Context,
        mut features: Features,
        copies: Copies,
        terms: &Terms,
    ) -> Result<Self> {
        features.exact = Vec::new();
        memory::require_rows::<u32>(features.len() as u64, "the weights")?;
        let limits = CommonnessLimits::new(&features.commonness);
        let rows = features.len();
        let mut weights = vec![0; rows];
        let shared = SharedSlice::new(&mut weights);
        let spread = fold(
            ctx,
            rows.div_ceil(ROWS_PER_TASK),
            Spread::default,
            |spread, task| {
                let range = task * ROWS_PER_TASK..rows.min((task + 1) * ROWS_PER_TASK);
                let first = range.start;
                let weigh = |row| match terms.log_factors(&features, limits, row) {
                    Some(factors) => fixed_point::exp2(spread.add(factors)),
                    None => 0,
                };
                shared.put(first, &range.map(weigh).collect::<Vec<u32>>());
                Ok(())
            },
            |spread, other| spread.merge(&other),
        )?;
        drop(shared);
        let means = spread.means();
        Ok(Self { features, copies, weights, shares: spread.shares(), limits, means })
    }

    /// What lowered the weight of each row.
    pub(crate) fn lowered(&self, terms: &Terms) -> impl Fn(usize) -> Lowered {
        move |row| {
            let factors = terms.log_factors(&self.features, self.limits, row);
            factors.map_or(Lowered::Excluded, |factors| lowered_by(factors, self.means))
        }
    }
}

fn lowered_by(factors: PerTerm<i64>, means: PerTerm<i64>) -> Lowered {
    let off = |term: Term| factors[term as usize] - means[term as usize];
    if Term::ALL.into_iter().map(off).sum::<i64>() >= -ONE {
        return Lowered::Little;
    }
    Term::ALL.into_iter().min_by_key(|&term| off(term)).map_or(Lowered::Little, Lowered::By)
}

/// Sums from which the terms' shares in the variance follow; whole numbers, so in any order.
#[derive(Debug, Default, Clone, Copy)]
struct Spread {
    rows: i128,
    sums: PerTerm<i128>,
    products: PerTerm<i128>,
}

impl Spread {
    /// Takes in a row; returns the logarithm of its weight.
    fn add(&mut self, factors: PerTerm<i64>) -> i64 {
        let log: i64 = factors.iter().sum();
        self.rows += 1;
        for (term, factor) in factors.into_iter().enumerate() {
            self.sums[term] += i128::from(factor);
            self.products[term] += i128::from(factor) * i128::from(log);
        }
        log
    }

    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for term in 0..Term::ALL.len() {
            self.sums[term] += other.sums[term];
            self.products[term] += other.products[term];
        }
    }

    fn means(&self) -> PerTerm<i64> {
        self.sums.map(|sum| (sum / self.rows.max(1)) as i64)
    }

    /// Cov(term, log weight) / Var(log weight): the shares add up to 1, unless all are 0.
    fn shares(&self) -> PerTerm<f64> {
        let sum: i128 = self.sums.iter().sum();
        let covariance =
            |term: usize| (self.rows * self.products[term] - self.sums[term] * sum) as f64;
        let covariances: PerTerm<f64> = std::array::from_fn(covariance);
        let variance: f64 = covariances.iter().sum();
        covariances.map(|covariance| if variance > 0.0 { covariance / variance } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lowers_a_weight_is_named_from_half_of_the_mean_on() {
        let means = [0, -ONE, 0, 0, 0, 0];
        assert_eq!(lowered_by([0, -2 * ONE, 0, 0, 0, 0], means), Lowered::Little, "half");
        assert_eq!(lowered_by([0, -2 * ONE - 1, 0, 0, 0, 0], means), Lowered::By(Term::Commonness));
        // Below the mean in one term, above it in another.
        assert_eq!(lowered_by([-3 * ONE, ONE, 0, 0, 0, 0], means), Lowered::Little);
        assert_eq!(
            lowered_by([-3 * ONE, -ONE, 0, -ONE, 0, 0], means),
            Lowered::By(Term::Duplicates)
        );
        let mut spread = Spread::default();
        (0..4).for_each(|i| _ = spread.add([-i * ONE, 0, 0, 0, 0, 0]));
        assert_eq!(spread.means()[0], -ONE * 3 / 2);
    }

    #[test]
    fn shares_are_those_of_the_variance() {
        let mut spread = Spread::default();
        for i in 0..100 {
            spread.add([-(i % 10) * ONE, 0, -(i / 10) * 2 * ONE, 0, 0, 0]);
        }
        // The second is as wide twice over, so four times in variance.
        let shares = spread.shares();
        assert!((shares[0] - 0.2).abs() < 1e-9 && (shares[2] - 0.8).abs() < 1e-9, "{shares:?}");
        assert!(Spread::default().shares().iter().all(|share| share.abs() < 1e-9));
    }
}
