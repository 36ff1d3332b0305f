//! Uniform sampling: n of a known number of rows, each with the same chance.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::{Selection, at_rank};
use crate::error::{Error, Result};
use crate::exec::{Context, map};
use crate::hash::RowHash;

/// Draws exactly `n` of `rows` rows, without replacement, each set with the same chance.
///
/// The rows with the n smallest numbers `u(i)` are chosen, so that a draw of fewer rows with the
/// same seed is a part of a draw of more. Numbers are distinct (see [`RowHash`]), so exactly n rows
/// have `u(i) <= tau`, the n-th smallest of them.
///
/// Requires `n <= rows`. Fails only when cancelled.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn uniform(ctx: &Context, rows: u64, n: u64, seed: u64) -> Result<Selection> {
    window(ctx, rows, n, seed, 0)
}

/// Draws the `n` rows from rank `first` on, in the order of their numbers; behind the last rank
/// comes the first. Windows side by side share no row until all rows were drawn once.
///
/// Requires `n <= rows` and `first < rows`, if there are rows. Fails only when cancelled.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn window(ctx: &Context, rows: u64, n: u64, seed: u64, first: u64) -> Result<Selection> {
    debug_assert!(n <= rows, "the caller checks that there are enough rows");
    if n == rows {
        return Ok(Selection::All { rows });
    }
    let hash = RowHash::new(seed);
    if n == 0 {
        return Ok(Selection::Bits { bits: BooleanBuffer::new_unset(rows as usize), n });
    }
    let from = if first == 0 { 0 } else { number_at(ctx, rows, hash, first)? };
    let tau = number_at(ctx, rows, hash, (first + n - 1) % rows)?;
    Ok(Selection::Threshold { hash, from, tau, rows, n })
}

/// The number of rank `rank`, from 0, among those of all rows.
fn number_at(ctx: &Context, rows: u64, hash: RowHash, rank: u64) -> Result<u64> {
    let number = at_rank(ctx, rows, rank, |row| Some(hash.of(row)), |number| number)?;
    number.ok_or_else(|| Error::Internal(format!("{rows} rows have no rank {rank}")))
}

/// Rows looked at by one task: whole words of bits.
const ROWS_PER_TASK: u64 = 1 << 17;

/// As [`window`], of the rows that `among` chooses: a row has the same number as in a draw from
/// all rows.
///
/// Requires `n <= among.len()` and `first < among.len()`, if it chooses any.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn window_among(
    ctx: &Context,
    among: &Selection,
    n: u64,
    seed: u64,
    first: u64,
) -> Result<Selection> {
    let (rows, all) = (among.rows(), among.len());
    debug_assert!(n <= all, "the caller checks that there are enough rows");
    if let Selection::All { .. } = among {
        return window(ctx, rows, n, seed, first);
    }
    if n == all {
        return Ok(among.clone());
    }
    if n == 0 {
        return Ok(Selection::Bits { bits: BooleanBuffer::new_unset(rows as usize), n });
    }
    let hash = RowHash::new(seed);
    let number_at = |rank| {
        let number = |row| among.has(row).then(|| hash.of(row));
        let number = at_rank(ctx, rows, rank, number, |number| number)?;
        number.ok_or_else(|| Error::Internal(format!("{all} rows have no rank {rank}")))
    };
    let from = if first == 0 { 0 } else { number_at(first)? };
    let tau = number_at((first + n - 1) % all)?;
    let ring = Selection::Threshold { hash, from, tau, rows, n };
    let blocks = map(ctx, rows.div_ceil(ROWS_PER_TASK) as usize, |task| {
        let first = task as u64 * ROWS_PER_TASK;
        let len = ROWS_PER_TASK.min(rows - first) as usize;
        let is_drawn = |row: u64| among.has(row) && ring.has(row);
        Ok(BooleanBuffer::collect_bool(len, |row| is_drawn(first + row as u64)))
    })?;
    let mut bits = BooleanBufferBuilder::new(rows as usize);
    blocks.iter().for_each(|block| bits.append_buffer(block));
    Ok(Selection::Bits { bits: bits.finish(), n })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(selection: &Selection) -> Vec<u64> {
        let mut ids = Vec::new();
        selection.extend_ids(0..selection.rows(), &mut ids);
        ids
    }

    fn naive(rows: u64, n: usize, seed: u64) -> Vec<u64> {
        let hash = RowHash::new(seed);
        let mut all: Vec<u64> = (0..rows).collect();
        all.sort_by_key(|&i| hash.of(i));
        all.truncate(n);
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn the_draw_is_the_naive_one(
            rows in 1_u64..3000, share in 0.0..=1.0, seed: u64, threads in 1_usize..4
        ) {
            let n = (rows as f64 * share) as u64;
            let drawn = uniform(&Context::new(Some(threads)), rows, n, seed).expect("not cancelled");
            prop_assert_eq!(drawn.len(), n);
            prop_assert_eq!(ids(&drawn), naive(rows, n as usize, seed));
        }
    }

    proptest! {
        #[test]
        fn windows_are_slices_of_one_order(
            rows in 1_u64..2000, share in 0.01..=1.0, first in 0_u64..2000, seed: u64
        ) {
            let n = ((rows as f64 * share) as u64).clamp(1, rows);
            let first = first % rows;
            let ctx = Context::new(Some(2));
            let drawn = window(&ctx, rows, n, seed, first).expect("not cancelled");
            let hash = RowHash::new(seed);
            let mut order: Vec<u64> = (0..rows).collect();
            order.sort_by_key(|&i| hash.of(i));
            order.rotate_left(first as usize);
            order.truncate(n as usize);
            order.sort_unstable();
            prop_assert_eq!(ids(&drawn), order);
        }
    }

    proptest! {
        #[test]
        fn windows_among_some_rows_are_slices_of_their_order(
            among in prop::collection::vec(any::<bool>(), 1..2000), share in 0.0..=1.0,
            first in 0_u64..2000, seed: u64
        ) {
            let among = Selection::of_bits(among.into());
            prop_assume!(!among.is_empty());
            let (n, first) = ((among.len() as f64 * share) as u64, first % among.len());
            let ctx = Context::new(Some(2));
            let drawn = window_among(&ctx, &among, n, seed, first).expect("not cancelled");
            let hash = RowHash::new(seed);
            let mut order = ids(&among);
            order.sort_by_key(|&i| hash.of(i));
            order.rotate_left(first as usize);
            order.truncate(n as usize);
            order.sort_unstable();
            prop_assert_eq!(drawn.len(), n);
            prop_assert_eq!(ids(&drawn), order);
        }
    }

    #[test]
    fn several_tasks_give_one_draw() {
        let ctx = Context::new(Some(3));
        let rows = (2 << 20) + 17;
        let few = ids(&uniform(&ctx, rows, 1000, 7).expect("not cancelled"));
        let more = ids(&uniform(&ctx, rows, 1_500_000, 7).expect("not cancelled"));
        assert_eq!((few.len(), more.len()), (1000, 1_500_000));
        assert!(few.iter().all(|id| more.binary_search(id).is_ok()), "draws are nested");
        assert_eq!(few, naive(rows, 1000, 7));
    }
}
