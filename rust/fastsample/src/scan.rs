//! Parallel scan: a fold over the batches of a source, in no particular order; or what is made of each,
//! in the order of rows.
//!
//! ```text
//!  spans ─▶ workers: read ─▶ step: a batch, the ordinal of its first row ─▶ state ─▶ merge
//! ```

use std::ops::Range;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::exec::{Context, fold};
use crate::select::RowMask;
use crate::source::Projected;

/// Folds over the batches of those rows that `chosen` chooses of a range of ordinals.
///
/// `step` also gets the ordinal of the batch's first row, which is meaningless if rows are left out.
/// States and `merge` are those of [`fold`].
pub(crate) fn scan<S: Send>(
    ctx: &Context,
    rows: &Projected,
    chosen: impl Fn(Range<u64>) -> RowMask + Sync,
    init: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, u64, &RecordBatch) -> Result<()> + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<S> {
    let spans = rows.spans();
    fold(
        ctx,
        spans.len(),
        init,
        |state, task| {
            let span = &spans[task];
            let mut first = span.ordinals.start;
            let mut batches = rows.read_in_lanes(ctx, span, &chosen(span.ordinals.clone()))?;
            while let Some(batch) = batches.next().transpose()? {
                ctx.check()?;
                let len = batch.num_rows() as u64;
                ctx.compute(|| step(state, first, &batch))?;
                ctx.advance(len);
                first += len;
            }
            Ok(())
        },
        merge,
    )
}

/// What `each` makes of the batches of all rows, in the order of rows. It also gets the ordinal of a
/// batch's first row.
pub(crate) fn in_order<T: Send>(
    ctx: &Context,
    rows: &Projected,
    each: impl Fn(u64, &RecordBatch) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut found = scan(
        ctx,
        rows,
        all,
        Vec::new,
        |found, first, batch| {
            found.push((first, each(first, batch)?));
            Ok(())
        },
        |found: &mut Vec<_>, mut more| found.append(&mut more),
    )?;
    found.sort_unstable_by_key(|(first, _)| *first);
    Ok(found.into_iter().map(|(_, result)| result).collect())
}

/// Every row of a range, for [`scan`].
pub(crate) fn all(ordinals: Range<u64>) -> RowMask {
    RowMask::AllTrue((ordinals.end - ordinals.start) as usize)
}
