//! External shuffle: a random permutation of a whole sample, in bounded memory.
//!
//! ```text
//!  row r of the sample belongs at position p = order.position_of(r)
//!
//!  fits in memory:  collect, then pick rows position by position
//!  does not:        1. scatter rows into buckets (files without names): positions 0..k, k..2k, ...
//!                   2. bucket by bucket: load, put in order, hand on
//! ```
//!
//! The order is a keyed bijection, so neither step stores a list of rows, and the result does not
//! depend on the number of buckets.

use std::io::{BufReader, BufWriter};
use std::ops::Range;
use std::path::Path;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;

use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::files::{Workspace, reason};
use crate::gather::Picker;
use crate::gather::compact::batch_bytes;
use crate::hash::Permutation;
use crate::source::Batches;

/// Rows of a batch that is handed on.
const BATCH_ROWS: u64 = 8192;

/// Where temporary files lie, and the output that they are for.
#[derive(Clone, Copy)]
pub(super) struct Scratch<'a> {
    pub(super) folder: &'a Path,
    pub(super) output: &'a Path,
}

/// The rows of `batches` in `order`.
///
/// Temporary files, if any are needed, lie beside the output, where there must be room for it anyway.
pub(super) fn shuffled<'a>(
    ctx: &Context,
    mut batches: Batches<'a>,
    schema: &SchemaRef,
    order: Permutation,
    memory_limit: usize,
    scratch: Scratch<'_>,
) -> Result<Batches<'a>> {
    let n = order.n();
    let (mut held, mut bytes) = (Vec::new(), 0);
    for batch in batches.by_ref() {
        let batch = batch?;
        bytes += batch_bytes(&batch);
        held.push(batch);
        if bytes > memory_limit {
            return scatter(ctx, held, bytes, batches, schema, order, memory_limit, scratch);
        }
    }
    let ctx = ctx.clone();
    let rows = Picker::new(held.into());
    Ok(Box::new(in_order(ctx, rows, schema.clone(), 0..n, move |position| {
        order.at(position) as usize
    })))
}

#[expect(clippy::too_many_arguments, reason = "the second half of `shuffled`")]
fn scatter<'a>(
    ctx: &Context,
    held: Vec<RecordBatch>,
    bytes: usize,
    batches: Batches<'a>,
    schema: &SchemaRef,
    order: Permutation,
    memory_limit: usize,
    scratch: Scratch<'_>,
) -> Result<Batches<'a>> {
    let n = order.n();
    let seen: usize = held.iter().map(RecordBatch::num_rows).sum();
    let row_bytes = bytes.div_ceil(seen.max(1)).max(1);
    // A bucket is read back whole and copied once: half of the memory each.
    let bucket_rows = ((memory_limit / 2 / row_bytes) as u64).max(1024).min(n);
    let output = scratch.output.to_path_buf();
    let fail = move |why: &dyn std::fmt::Display| {
        Error::output(&output, format!("temporary files for the shuffle: {why}"))
    };
    let io_fail = |error: &std::io::Error| fail(&reason(error));
    let workspace = Workspace::new(ctx, scratch.folder);
    let (mut drafts, mut writers) = (Vec::new(), Vec::new());
    for bucket in 0..n.div_ceil(bucket_rows) {
        let draft = workspace.draft(&bucket.to_string(), false).map_err(|e| io_fail(&e))?;
        let file = draft.writer().map_err(|error| io_fail(&error))?;
        let file = BufWriter::with_capacity(64 << 10, file);
        writers.push(StreamWriter::try_new(file, schema).map_err(|error| fail(&why(&error)))?);
        drafts.push(draft);
    }
    // Many batches at once, so that each bucket gets a fair piece and not some rows.
    let piece_bytes = memory_limit / 4;
    let (mut rank, mut piece, mut size) = (0, Vec::new(), 0);
    let mut all = held.into_iter().map(Ok).chain(batches);
    loop {
        let next = all.next().transpose()?;
        let done = next.is_none();
        if let Some(batch) = next {
            size += batch_bytes(&batch);
            piece.push(batch);
        }
        if size > piece_bytes || (done && !piece.is_empty()) {
            ctx.check()?;
            memory::require(2 * size, || "rows to be shuffled".to_owned())?;
            ctx.compute(|| -> Result<()> {
                let rows = concat_batches(schema, &piece).map_err(Error::kernel)?;
                let mut indices = vec![Vec::new(); writers.len()];
                for row in 0..rows.num_rows() as u64 {
                    indices[(order.position_of(rank + row) / bucket_rows) as usize].push(row);
                }
                rank += rows.num_rows() as u64;
                for (writer, indices) in writers.iter_mut().zip(indices) {
                    let part = take_record_batch(&rows, &UInt64Array::from(indices))
                        .map_err(Error::kernel)?;
                    writer.write(&part).map_err(|error| fail(&why(&error)))?;
                }
                Ok(())
            })?;
            piece.clear();
            size = 0;
        }
        if done {
            break;
        }
    }
    for writer in writers {
        let file = writer.into_inner().map_err(|error| fail(&why(&error)))?;
        file.into_inner().map_err(|error| io_fail(error.error()))?;
    }
    let (ctx, schema) = (ctx.clone(), schema.clone());
    let buckets = drafts.into_iter().zip(0..).map(move |(draft, bucket)| {
        // Kept until the last row has been handed on.
        let _ = &workspace;
        let positions = bucket * bucket_rows..n.min((bucket + 1) * bucket_rows);
        let bytes = (positions.end - positions.start) as usize * row_bytes;
        memory::require(bytes, || "rows to be shuffled".to_owned())?;
        let read = || -> Result<Vec<RecordBatch>, ArrowError> {
            StreamReader::try_new(BufReader::with_capacity(1 << 20, draft.reader()?), None)?
                .collect()
        };
        let batches = read().map_err(|error| fail(&why(&error)))?;
        draft.discard();
        let mut ranks: Vec<u64> = positions.clone().map(|position| order.at(position)).collect();
        ranks.sort_unstable();
        let (rows, order) = (Picker::new(batches.into()), order.clone());
        let row_at = move |position| ranks.partition_point(|&rank| rank < order.at(position));
        Ok(in_order(ctx.clone(), rows, schema.clone(), positions, row_at))
    });
    Ok(Box::new(buckets.flat_map(|bucket: Result<_>| -> Batches<'a> {
        match bucket {
            Ok(rows) => Box::new(rows),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    })))
}

/// An error's own words, without the names of layers and numbers.
fn why(error: &ArrowError) -> String {
    match error {
        ArrowError::IoError(_, error) => reason(error),
        other => other.to_string(),
    }
}

/// Batches of the rows that belong at `positions`; `row_at` says where each is among `rows`.
fn in_order<'a>(
    ctx: Context,
    rows: Picker,
    schema: SchemaRef,
    positions: Range<u64>,
    row_at: impl Fn(u64) -> usize + Send + 'a,
) -> impl Iterator<Item = Result<RecordBatch>> + Send + 'a {
    let end = positions.end;
    positions.step_by(BATCH_ROWS as usize).flat_map(move |start| {
        let wanted: Vec<usize> = (start..end.min(start + BATCH_ROWS)).map(&row_at).collect();
        let picked = ctx.check().and_then(|()| ctx.compute(|| rows.pick(&schema, &wanted)));
        match picked {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }
    })
}
