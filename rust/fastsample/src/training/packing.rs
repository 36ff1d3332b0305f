//! Packing by index: rows whose lengths together come close to a number of tokens, by best fit.
//!
//! ```text
//!  rows in the random order of the epoch ─▶ windows ─▶ best fit, long rows first ─▶ packs
//!  ─▶ all packs of the epoch in random order ─▶ dealt to the ranks in turn
//! ```
//!
//! No pack depends on the number of ranks, so a run that resumes on other ranks has the same packs.
//!
//! Source: best fit decreasing, at most 11/9 of the least number of packs and 4 more: D. S. Johnson,
//! *Near-optimal bin packing algorithms*, thesis, MIT 1973.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::exec::memory;
use crate::hash::{Permutation, RowHash};

/// How rows are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Tokens of a pack, at most.
    pub capacity: u32,
    /// A longer row counts as one of `capacity`, since the collator cuts it; otherwise it is left out.
    pub cut: bool,
    /// Packs that are filled together.
    pub window: usize,
}

/// The packs of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackPlan {
    /// Rows, pack by pack, in a pack in the order of the epoch.
    pub rows: Vec<u64>,
    /// Where each pack ends in `rows`.
    pub ends: Vec<u64>,
    /// Tokens of all packs.
    pub tokens: u64,
}

/// Packs the rows of epoch `epoch`.
///
/// # Errors
/// [`Error::Argument`] for a capacity or a window of 0.
///
/// # Examples
/// ```
/// use fastsample::training::packing::{Packing, pack};
///
/// let lengths: Vec<u32> = (0..1000).map(|row| 1 + row % 100).collect();
/// let found = pack(&lengths, 42, 0, Packing { capacity: 512, cut: false, window: 1000 })?;
/// assert_eq!(found.rows.len(), 1000);
/// assert_eq!(found.ends.len() as u64, found.tokens.div_ceil(512));
/// # Ok::<(), fastsample::Error>(())
/// ```
pub fn pack(lengths: &[u32], seed: u64, epoch: u64, packing: Packing) -> Result<PackPlan> {
    if packing.capacity == 0 || packing.window == 0 {
        return Err(Error::Argument("tokens of a pack and the window count from 1".into()));
    }
    memory::require_rows::<[u64; 5]>(lengths.len() as u64, "the packs")?;
    let mut order =
        Permutation::of_epoch(lengths.len() as u64, seed, epoch).strided(0, 1, lengths.len());
    if !packing.cut {
        order.retain(|&row| lengths[row as usize] <= packing.capacity);
    }
    let length = |row: u64| lengths[row as usize].min(packing.capacity);
    let tokens: u64 = order.iter().map(|&row| u64::from(length(row))).sum();
    // As many rows as fill the packs of a window, by the mean length.
    let room = u128::from(packing.capacity) * packing.window as u128;
    let rows_of_window = room * order.len() as u128 / u128::from(tokens.max(1));
    let rows_of_window = usize::try_from(rows_of_window.max(1)).unwrap_or(usize::MAX);

    let packs: Vec<Vec<u64>> = order
        .chunks(rows_of_window)
        .flat_map(|rows| best_fit(rows, &length, packing.capacity))
        .collect();
    let shuffle = RowHash::derive(seed, "packs").of(epoch);
    let order_of_packs = Permutation::new(packs.len() as u64, shuffle);
    let mut plan = PackPlan {
        rows: Vec::with_capacity(order.len()),
        ends: Vec::with_capacity(packs.len()),
        tokens,
    };
    for at in 0..packs.len() as u64 {
        plan.rows.extend(&packs[order_of_packs.at(at) as usize]);
        plan.ends.push(plan.rows.len() as u64);
    }
    Ok(plan)
}

/// Puts each row, long ones first, into the pack with the least space that holds it.
fn best_fit(rows: &[u64], length: &impl Fn(u64) -> u32, capacity: u32) -> Vec<Vec<u64>> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    // Ties in the order of the epoch: the sort is stable.
    places.sort_by_key(|&place| std::cmp::Reverse(length(rows[place])));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut open: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for place in places {
        let needed = length(rows[place]);
        let (pack, space) = take(&mut open, needed).unwrap_or_else(|| {
            packs.push(Vec::new());
            (packs.len() - 1, capacity)
        });
        packs[pack].push(place);
        open.entry(space - needed).or_default().push(pack);
    }
    // Within a pack, no row comes first because it is long.
    let in_order = |mut pack: Vec<usize>| {
        pack.sort_unstable();
        pack.into_iter().map(|place| rows[place]).collect()
    };
    packs.into_iter().map(in_order).collect()
}

/// Takes a pack of the least space that is at least `needed`.
fn take(open: &mut BTreeMap<u32, Vec<usize>>, needed: u32) -> Option<(usize, u32)> {
    let mut fits = open.range_mut(needed..);
    let (&space, packs) = fits.next()?;
    let pack = packs.pop()?;
    if packs.is_empty() {
        open.remove(&space);
    }
    Some((pack, space))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Best fit as the book has it: of all packs that have room, the fullest.
    fn naive_number_of_packs(lengths: &[u32], capacity: u32) -> usize {
        let mut lengths = lengths.to_vec();
        lengths.sort_unstable_by_key(|&length| std::cmp::Reverse(length));
        let mut spaces: Vec<u32> = Vec::new();
        for length in lengths {
            match spaces.iter_mut().filter(|space| **space >= length).min() {
                Some(space) => *space -= length,
                None => spaces.push(capacity - length),
            }
        }
        spaces.len()
    }

    proptest! {
        #[test]
        fn each_row_is_in_one_pack_that_holds_it(
            lengths in prop::collection::vec(0_u32..300, 0..500),
            capacity in 1_u32..400, window in 1_usize..20, cut: bool, seed: u64
        ) {
            let plan = pack(&lengths, seed, 1, Packing { capacity, cut, window }).expect("above 0");
            let mut seen = plan.rows.clone();
            seen.sort_unstable();
            let kept = |row: &u64| cut || lengths[*row as usize] <= capacity;
            prop_assert_eq!(seen, (0..lengths.len() as u64).filter(kept).collect::<Vec<_>>());
            let mut start = 0;
            for &end in &plan.ends {
                let rows = &plan.rows[start..end as usize];
                prop_assert!(!rows.is_empty());
                let tokens: u64 =
                    rows.iter().map(|&row| u64::from(lengths[row as usize].min(capacity))).sum();
                prop_assert!(tokens <= u64::from(capacity));
                start = end as usize;
            }
            prop_assert_eq!(start, plan.rows.len());
        }

        #[test]
        fn one_window_is_packed_by_best_fit(
            lengths in prop::collection::vec(0_u32..300, 1..300), seed: u64
        ) {
            let packing = Packing { capacity: 300, cut: false, window: usize::MAX };
            let plan = pack(&lengths, seed, 0, packing).expect("above 0");
            prop_assert_eq!(plan.ends.len(), naive_number_of_packs(&lengths, 300));
        }
    }

    #[test]
    fn packs_are_full_and_epochs_differ() {
        let lengths: Vec<u32> = (0..40_000_u32).map(|i| 1 + (i * 7919) % 1000).collect();
        let packing = Packing { capacity: 2048, cut: false, window: 1000 };
        let first = pack(&lengths, 1, 0, packing).expect("above 0");
        assert!(first.ends.len() as u64 * 2048 * 99 < first.tokens * 100);
        let second = pack(&lengths, 1, 1, packing).expect("above 0");
        assert_ne!(first.rows, second.rows);
    }
}
