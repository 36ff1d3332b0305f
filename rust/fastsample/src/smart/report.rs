//! `SmartReport`: counts and quantiles of all rows, and of the rows drawn.

use crate::error::Result;
use crate::exec::{Context, fold};
use crate::select::Selection;
use crate::sketch::Lengths;
use crate::sketch::minhash::BANDS;
use crate::smart::classes::{CLASSES, Class};
use crate::smart::kept_features::KeptFeatures;
use crate::smart::kinds::KindsFound;
use crate::smart::terms::duplicates::Copies;
use crate::smart::terms::weight::{Term, Terms, Weighed};
use crate::text::TextColumns;

/// The shares of rows whose length and weight are reported.
pub const QUANTILES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

/// Values of half of a weight's bits.
const HALVES: usize = 1 << 16;

/// Rows looked at by one task.
const ROWS_PER_TASK: usize = 1 << 17;

/// What a smart draw found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmartReport {
    /// The text columns that were read.
    pub text: TextColumns,
    /// Rows of weight 0: too short, or outside the entropy rule's limits.
    pub excluded: u64,
    /// Rows with the same texts as another row, one of each group not counted.
    pub copies: u64,
    /// Rows that have near-duplicates: an estimated two or more, copies included. None for rules
    /// that do not look for them.
    pub near_duplicates: Option<u64>,
    /// Rows of weight 0 that had to be drawn because no others were left.
    pub excluded_drawn: u64,
    /// Rows drawn with the same texts as another row drawn, one of each group not counted.
    pub copies_drawn: u64,
    /// Effective sample size (Kish): (sum of weights)^2 / sum of squared weights, over all rows.
    pub effective_rows: f64,
    /// Characters of the rows of the source, and of those drawn, at [`QUANTILES`].
    pub chars_before: Vec<u64>,
    /// See `chars_before`.
    pub chars_after: Vec<u64>,
    /// Weights above 0 at [`QUANTILES`]; 1 is their mean. Empty without weights.
    pub weights: Vec<f64>,
    /// Each term that counts, with its share in the variance of the logarithm of the weights.
    pub shares: Vec<(&'static str, f64)>,
    /// What was found of targets, and of rows to avoid.
    pub kinds: KindsFound,
    /// Files of the targets that are not read, in a sentence. See [`crate::Source::passed_over`].
    pub target_passed_over: Option<String>,
    /// The same of the rows to avoid.
    pub avoid_passed_over: Option<String>,
    /// What was done with a file of features, if one was named.
    pub kept: Option<KeptFeatures>,
}

/// What is told of the rows drawn.
#[derive(Debug, Default)]
pub(super) struct RowFacts {
    /// Characters of each row.
    pub(super) chars: Vec<u32>,
    /// Rows of equal texts.
    pub(super) copies: Copies,
    /// See [`crate::smart::terms::target::Likeness`]; empty where there is nothing to resemble.
    pub(super) likeness: Vec<u8>,
}

impl SmartReport {
    /// What is found before anything is drawn.
    pub(super) fn of(
        ctx: &Context,
        text: TextColumns,
        weighed: &Weighed,
        terms: &Terms,
        mut kinds: KindsFound,
    ) -> Result<Self> {
        let Weighed { features, weights, .. } = weighed;
        let totals = over_rows(
            ctx,
            weights.len(),
            Totals::default,
            |totals, row| totals.add(weights[row], features.near[row], features.chars[row]),
            |totals, other| totals.merge(&other),
        )?;
        if !kinds.is_empty() {
            kinds.see_all(features.likeness.iter().copied());
        }
        let shares = Term::ALL.into_iter().zip(weighed.shares);
        let mean = totals.sum as f64 / totals.weighted as f64;
        Ok(Self {
            text,
            excluded: weights.len() as u64 - totals.weighted,
            copies: weighed.copies.count(),
            near_duplicates: Some(totals.near_duplicates),
            effective_rows: if totals.weighted > 0 { totals.effective_rows() } else { 0.0 },
            chars_before: QUANTILES.map(|share| totals.chars.quantile(share)).to_vec(),
            weights: quantiles(ctx, weights, &totals)?
                .into_iter()
                .map(|weight| f64::from(weight) / mean)
                .collect(),
            shares: shares
                .filter(|(term, _)| terms.has(*term))
                .map(|(term, share)| (term.name(), share))
                .collect(),
            kinds,
            ..Self::default()
        })
    }

    /// What is found of a rule that weighs nothing.
    pub(super) fn unweighted(text: TextColumns, rows: &RowFacts) -> Self {
        let RowFacts { chars, copies, .. } = rows;
        let all = Selection::All { rows: chars.len() as u64 };
        Self {
            text,
            copies: copies.count(),
            effective_rows: chars.len() as f64,
            chars_before: lengths(&all, |row| chars[row]),
            ..Self::default()
        }
    }

    /// Lengths and copies of the rows drawn, and how many rows are of each class.
    pub(super) fn see_drawn(
        &mut self,
        counts: [u64; CLASSES.len()],
        drawn: &Selection,
        rows: &RowFacts,
    ) {
        self.excluded_drawn = counts[Class::Excluded as usize];
        self.copies_drawn = rows.copies.count_among(drawn);
        self.chars_after = lengths(drawn, |row| rows.chars[row]);
        let drawn = rows.likeness.iter().zip(0..).filter(|(_, row)| drawn.has(*row));
        self.kinds.see_drawn(drawn.map(|(&likeness, _)| likeness));
    }
}

/// Folds over rows on all cores.
fn over_rows<S: Send>(
    ctx: &Context,
    rows: usize,
    init: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize) + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<S> {
    let tasks = rows.div_ceil(ROWS_PER_TASK);
    let all = |state: &mut S, task: usize| {
        let first = task * ROWS_PER_TASK;
        (first..rows.min(first + ROWS_PER_TASK)).for_each(|row| step(state, row));
        Ok(())
    };
    fold(ctx, tasks, init, all, merge)
}

/// Sums over rows.
struct Totals {
    /// Rows with a weight above 0, and their weights.
    weighted: u64,
    sum: u128,
    squares: u128,
    /// How many of these weights have which upper half.
    upper: Vec<u64>,
    near_duplicates: u64,
    chars: Lengths,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            weighted: 0,
            sum: 0,
            squares: 0,
            upper: vec![0; HALVES],
            near_duplicates: 0,
            chars: Lengths::default(),
        }
    }
}

impl Totals {
    fn add(&mut self, weight: u32, count: u32, chars: u32) {
        if weight > 0 {
            self.weighted += 1;
            self.sum += u128::from(weight);
            self.squares += u128::from(weight).pow(2);
            self.upper[weight as usize / HALVES] += 1;
        }
        self.near_duplicates += u64::from(count >= 2 * BANDS as u32);
        self.chars.add(chars as usize);
    }

    fn merge(&mut self, other: &Self) {
        self.weighted += other.weighted;
        self.sum += other.sum;
        self.squares += other.squares;
        self.upper.iter_mut().zip(&other.upper).for_each(|(count, more)| *count += more);
        self.near_duplicates += other.near_duplicates;
        self.chars.merge(&other.chars);
    }

    fn effective_rows(&self) -> f64 {
        let sum = self.sum as f64;
        sum * sum / self.squares as f64
    }
}

/// The weights above 0 at [`QUANTILES`]; none without such weights.
///
/// The upper half of each is known by counting; those of the same upper half are counted once more.
fn quantiles(ctx: &Context, weights: &[u32], totals: &Totals) -> Result<Vec<u32>> {
    if totals.weighted == 0 {
        return Ok(Vec::new());
    }
    let places = QUANTILES.map(|share| {
        let rank = (totals.weighted as f64 * share).ceil() as u64;
        place(&totals.upper, rank.clamp(1, totals.weighted) - 1)
    });
    // Ranks of the same upper half share their counters.
    let mut halves = places.map(|(upper, _)| upper).to_vec();
    halves.dedup();
    let mut counters = vec![None; HALVES];
    halves.iter().enumerate().for_each(|(index, &upper)| counters[upper] = Some(index));
    let lower = over_rows(
        ctx,
        weights.len(),
        || vec![vec![0_u64; HALVES]; halves.len()],
        |lower, row| {
            let weight = weights[row] as usize;
            if let Some(index) = counters[weight / HALVES].filter(|_| weight > 0) {
                lower[index][weight % HALVES] += 1;
            }
        },
        |lower, other| {
            let counts = lower.iter_mut().flatten().zip(other.into_iter().flatten());
            counts.for_each(|(count, more)| *count += more);
        },
    )?;
    let weight = |(upper, rank): (usize, u64)| {
        let lower = counters[upper].map_or(0, |index| place(&lower[index], rank).0);
        (upper * HALVES + lower) as u32
    };
    Ok(places.into_iter().map(weight).collect())
}

/// In which counter the item of a rank is, and its rank there.
fn place(counts: &[u64], mut rank: u64) -> (usize, u64) {
    for (index, &count) in counts.iter().enumerate() {
        if rank < count {
            return (index, rank);
        }
        rank -= count;
    }
    (0, 0)
}

/// The characters of the rows that are selected, at [`QUANTILES`].
fn lengths(selection: &Selection, chars: impl Fn(usize) -> u32) -> Vec<u64> {
    let mut lengths = Lengths::default();
    let rows = selection.rows();
    let mut ids = Vec::new();
    for start in (0..rows).step_by(1 << 16) {
        ids.clear();
        selection.extend_ids(start..rows.min(start + (1 << 16)), &mut ids);
        ids.iter().for_each(|&row| lengths.add(chars(row as usize) as usize));
    }
    QUANTILES.map(|share| lengths.quantile(share)).to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_the_naive_ones(
            weights in prop::collection::vec(any::<u32>(), 0..300), shift in 0_u32..32, threads in 1_usize..4
        ) {
            let weights: Vec<u32> = weights.into_iter().map(|weight| weight >> shift).collect();
            let mut totals = Totals::default();
            weights.iter().for_each(|&weight| totals.add(weight, 0, 0));
            let mut sorted: Vec<u32> = weights.iter().copied().filter(|&weight| weight > 0).collect();
            sorted.sort_unstable();
            let naive = QUANTILES.map(|share| {
                let rank = (sorted.len() as f64 * share).ceil() as usize;
                sorted.get(rank.max(1) - 1).copied()
            });
            let found = quantiles(&Context::new(Some(threads)), &weights, &totals);
            let naive: Vec<u32> = naive.into_iter().flatten().collect();
            prop_assert_eq!(found.expect("not cancelled"), naive);
        }
    }
}
