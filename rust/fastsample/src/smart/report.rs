//! What a smart draw found among all rows, and what it did to them.

use super::draw::{CLASSES, Class};
use super::weigh::{Term, Terms, Weighed};
use crate::context::Context;
use crate::error::Result;
use crate::inspect::Lengths;
use crate::select::{Selection, at_rank};

/// The shares of rows whose length and weight are reported.
pub const QUANTILES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

/// What a smart draw found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmartReport {
    /// The text columns that were looked at.
    pub text: Vec<String>,
    /// Rows of weight 0: too short, or outside the entropy rule's limits.
    pub excluded: u64,
    /// Rows that are copies of another row.
    pub copies: u64,
    /// Rows that have near-duplicates: estimated as two or more alike, copies included.
    pub near_duplicates: u64,
    /// Rows of weight 0 that had to be drawn because no others were left.
    pub excluded_drawn: u64,
    /// Copies that had to be drawn because no others were left.
    pub copies_drawn: u64,
    /// (sum of weights)^2 / sum of squared weights, over all rows: how many rows of equal weight
    /// are as diverse.
    pub effective_rows: f64,
    /// Characters of the rows of the source, and of those drawn, at [`QUANTILES`].
    pub chars_before: Vec<u64>,
    /// See `chars_before`.
    pub chars_after: Vec<u64>,
    /// Weights above 0 at [`QUANTILES`]; 1 is their mean. Empty without weights.
    pub weights: Vec<f64>,
    /// Each term that counts, with its share in the variance of the logarithm of the weights.
    pub shares: Vec<(&'static str, f64)>,
}

impl SmartReport {
    /// What is found before anything is drawn.
    pub(super) fn of(
        ctx: &Context,
        text: Vec<String>,
        weighed: &Weighed,
        terms: &Terms,
    ) -> Result<Self> {
        let two = 2 * super::minhash::BANDS as u32;
        let all = Selection::All { rows: weighed.weights.len() as u64 };
        let shares = Term::ALL.into_iter().zip(weighed.shares);
        Self {
            text,
            excluded: weighed.weights.iter().filter(|&&weight| weight == 0).count() as u64,
            copies: weighed.copies.count(),
            near_duplicates: weighed.counts.iter().filter(|&&count| count >= two).count() as u64,
            chars_before: lengths(&all, |row| weighed.features.chars[row]),
            shares: shares
                .filter(|(term, _)| terms.has(*term))
                .map(|(term, share)| (term.name(), share))
                .collect(),
            ..Self::default()
        }
        .with_weights(ctx, &weighed.weights)
    }

    fn with_weights(mut self, ctx: &Context, weights: &[u32]) -> Result<Self> {
        let above_zero = weights.iter().copied().filter(|&weight| weight > 0);
        let (mut rows, mut sum, mut squares) = (0, 0, 0);
        for weight in above_zero.map(u128::from) {
            (rows, sum, squares) = (rows + 1, sum + weight, squares + weight * weight);
        }
        if rows == 0 {
            return Ok(self);
        }
        let (sum, squares) = (sum as f64, squares as f64);
        self.effective_rows = sum * sum / squares;
        let mean = sum / rows as f64;
        for share in QUANTILES {
            let rank = ((rows as f64 * share).ceil() as u64).clamp(1, rows) - 1;
            let weight = |row: u64| Some(weights[row as usize]).filter(|&weight| weight > 0);
            let found = at_rank(ctx, weights.len() as u64, rank, weight, |weight| {
                u64::from(weight) << u32::BITS
            })?;
            self.weights.extend(found.map(|weight| f64::from(weight) / mean));
        }
        Ok(self)
    }

    /// Lengths of the rows drawn, if they are known, and how many rows are of each class.
    pub(super) fn see_drawn(
        &mut self,
        counts: [u64; CLASSES.len()],
        drawn: &Selection,
        chars: &[u32],
    ) {
        self.excluded_drawn = counts[Class::Excluded as usize];
        self.copies_drawn = counts[Class::Copy as usize];
        if !chars.is_empty() {
            self.chars_after = lengths(drawn, |row| chars[row]);
        }
    }
}

/// The characters of the rows that are selected, at [`QUANTILES`].
pub(super) fn lengths(selection: &Selection, chars: impl Fn(usize) -> u32) -> Vec<u64> {
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
