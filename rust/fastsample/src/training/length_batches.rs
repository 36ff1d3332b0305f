//! Length bucketing: batches of rows of similar length, so that little of a batch is padding.
//!
//! ```text
//!  rows in the random order of the epoch ─▶ windows ─▶ each sorted by length ─▶ cut into steps
//!  ─▶ all steps of the epoch in random order ─▶ a step's rows dealt to the ranks in turn
//! ```
//!
//! A step is what all ranks process at once; dealing neighbours to different ranks gives every
//! rank rows of about the same length, so that none waits for another.

use crate::error::{Error, Result};
use crate::exec::memory;
use crate::hash::{Permutation, RowHash};

/// How many rows a rank's batch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Rows at most.
    pub rows: usize,
    /// Rows times the longest of them, at most; a single longer row is a batch of its own.
    pub budget: Option<u64>,
}

/// The steps of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPlan {
    /// Rows, step by step, by length within a step.
    pub rows: Vec<u64>,
    /// Where each step ends in `rows`.
    pub ends: Vec<u64>,
    /// Sum of the lengths of all rows.
    pub used: u64,
    /// Rows times the longest of them, summed over all batches of all ranks.
    pub padded: u64,
    /// The same for batches of the same mean number of rows in the random order.
    pub padded_unsorted: u64,
}

/// Plans epoch `epoch` over rows of the given lengths. `window` counts steps.
///
/// # Errors
/// [`Error::Argument`] for sizes of 0.
///
/// # Examples
/// ```
/// use fastsample::training::length_batches::{BatchSize, plan};
///
/// let lengths: Vec<u32> = (0..1000).map(|row| 1 + row % 100).collect();
/// let size = BatchSize { rows: 10, budget: None };
/// let found = plan(&lengths, 42, 0, 1, size, 50)?;
/// assert_eq!(found.rows.len(), 1000);
/// assert!(found.padded < found.padded_unsorted);
/// # Ok::<(), fastsample::Error>(())
/// ```
pub fn plan(
    lengths: &[u32],
    seed: u64,
    epoch: u64,
    ranks: usize,
    size: BatchSize,
    window: usize,
) -> Result<BatchPlan> {
    if ranks == 0 || size.rows == 0 || window == 0 {
        return Err(Error::Argument("ranks, rows of a batch and the window count from 1".into()));
    }
    let n = lengths.len() as u64;
    memory::require_rows::<[u64; 4]>(n, "the batches")?;
    let order = Permutation::of_epoch(n, seed, epoch).strided(0, 1, lengths.len());
    let length = |row: u64| lengths[row as usize];
    let mean = lengths.iter().map(|&l| u64::from(l)).sum::<u64>() / n.max(1);
    let typical = size.budget.map_or(size.rows, |budget| {
        ((budget / mean.max(1)) as usize).clamp(1, size.rows.min(lengths.len().max(1)))
    });
    let window_rows = typical.saturating_mul(ranks).saturating_mul(window);

    let mut steps: Vec<Vec<u64>> = Vec::new();
    let mut last = None;
    for rows in order.chunks(window_rows) {
        let mut rows = rows.to_vec();
        // Ties in the order of the epoch: the sort is stable.
        rows.sort_by_key(|&row| length(row));
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let taken = step_rows(rest, &length, ranks, size);
            let (step, after) = rest.split_at(taken);
            // Only the end of the order can be short of rows for every rank.
            if step.len() % ranks == 0 && (size.budget.is_some() || taken == size.rows * ranks) {
                steps.push(step.to_vec());
            } else {
                last = Some(step.to_vec());
            }
            rest = after;
        }
    }
    // A step that is not full comes last, where it can be dropped.
    let shuffle = RowHash::derive(seed, "steps").of(epoch);
    let order_of_steps = Permutation::new(steps.len() as u64, shuffle);
    let mut plan = BatchPlan {
        rows: Vec::with_capacity(lengths.len()),
        ends: Vec::new(),
        used: lengths.iter().map(|&length| u64::from(length)).sum(),
        padded: 0,
        padded_unsorted: 0,
    };
    let shuffled = (0..steps.len() as u64).map(|at| &steps[order_of_steps.at(at) as usize]);
    for step in shuffled.chain(&last) {
        for rank in 0..ranks.min(step.len()) {
            let of_rank = step.iter().skip(rank).step_by(ranks);
            plan.padded += cells(of_rank.map(|&row| length(row)));
        }
        plan.rows.extend(step);
        plan.ends.push(plan.rows.len() as u64);
    }
    let batches = plan.ends.len().saturating_mul(ranks).max(1);
    let mean_rows = lengths.len().div_ceil(batches).max(1);
    plan.padded_unsorted =
        order.chunks(mean_rows).map(|rows| cells(rows.iter().map(|&row| length(row)))).sum();
    Ok(plan)
}

/// Rows of the next step out of `rest`, which is sorted by length.
fn step_rows(rest: &[u64], length: &impl Fn(u64) -> u32, ranks: usize, size: BatchSize) -> usize {
    let most = rest.len().min(size.rows.saturating_mul(ranks));
    let Some(budget) = size.budget else { return most };
    // Rows of a rank, as many as keep within the budget: their cost grows with their number.
    let (mut fits, mut most_rows) = (1, most / ranks);
    while fits < most_rows {
        let rows = (fits + most_rows).div_ceil(2);
        if rows as u64 * u64::from(length(rest[rows * ranks - 1])) <= budget {
            fits = rows;
        } else {
            most_rows = rows - 1;
        }
    }
    (fits * ranks).min(rest.len())
}

/// Elements of a batch whose rows are padded to the longest.
fn cells(lengths: impl Iterator<Item = u32>) -> u64 {
    let (rows, longest) = lengths.fold((0, 0), |(rows, longest), l| (rows + 1, l.max(longest)));
    rows * u64::from(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(plan: &BatchPlan) -> Vec<&[u64]> {
        let starts = [0].into_iter().chain(plan.ends.iter().copied());
        starts
            .zip(&plan.ends)
            .map(|(start, &end)| &plan.rows[start as usize..end as usize])
            .collect()
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_step(
            lengths in prop::collection::vec(0_u32..500, 0..800),
            ranks in 1_usize..5, rows in 1_usize..30, budget in prop::option::of(1_u64..4000),
            window in 1_usize..20, seed: u64
        ) {
            let plan = plan(&lengths, seed, 1, ranks, BatchSize { rows, budget }, window)
                .expect("sizes above 0");
            let mut seen = plan.rows.clone();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len() as u64).collect::<Vec<_>>());
            let steps = steps(&plan);
            for (i, step) in steps.iter().enumerate() {
                prop_assert!(!step.is_empty() && step.len() <= rows * ranks);
                let full = step.len() % ranks == 0 && (budget.is_some() || step.len() == rows * ranks);
                prop_assert!(full || i + 1 == steps.len());
                for rank in 0..ranks.min(step.len()) {
                    let batch = || step.iter().skip(rank).step_by(ranks).map(|&r| lengths[r as usize]);
                    let alone = batch().count() == 1;
                    prop_assert!(budget.is_none_or(|budget| alone || cells(batch()) <= budget));
                }
            }
            prop_assert!(plan.padded >= plan.used);
        }
    }

    #[test]
    fn sorting_saves_padding_and_epochs_differ() {
        let lengths: Vec<u32> = (0..4000_u32).map(|i| (i * 7919) % 1000).collect();
        let size = BatchSize { rows: 16, budget: None };
        let first = plan(&lengths, 1, 0, 2, size, 50).expect("sizes above 0");
        assert!(first.padded < first.used * 11 / 10);
        assert!(first.padded_unsorted > first.used * 3 / 2);
        let second = plan(&lengths, 1, 1, 2, size, 50).expect("sizes above 0");
        assert_ne!(first.rows, second.rows);
    }
}
