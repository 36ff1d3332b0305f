//! Column parallelism: the columns of a row group are decoded on several cores, in lanes.
//!
//! ```text
//!  lane 0   response ▒▒▒▒▒▒▒▒▒▒▒▒ ──▶ ┐
//!  lane 1   prompt ▒▒▒▒▒ id ▒ ──▶     ┴─▶ zip ──▶ batches
//! ```
//!
//! A row group whose columns are one huge page each can't be cut by rows. So it is cut by columns:
//! each lane reads some of them, a batch or two ahead of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::file::ParquetFile;
use super::read::read;
use super::wanted::Wanted;
use super::zip::{Columns, Zip};
use crate::error::{Error, Result};
use crate::exec::{Context, panicked, threads};
use crate::source::batches::Batches;

/// A span of fewer uncompressed bytes is not worth threads of its own; spans that were cut by rows
/// have about 64 MiB.
const LEAST_BYTES: usize = 96 << 20;

/// Batches that a lane may be ahead.
const AHEAD: usize = 2;

/// Reads as [`read`] does, on as many threads as `ctx` allows and columns suggest.
/// `None` if one thread is as good.
///
/// The threads take permits of `ctx`; the consumer of the batches must hold none.
pub(crate) fn read_in_lanes(
    ctx: &Context,
    file: &ParquetFile,
    wanted: &Wanted,
    roots: &[usize],
) -> Result<Option<Batches<'static>>> {
    let Wanted { group, range, .. } = wanted;
    let rows = file.metadata().row_group(*group).num_rows() as u64;
    let bytes = file.bytes(*group, roots) as u128 * u128::from(range.end - range.start);
    let lanes = ctx.threads().min(roots.len());
    if lanes < 2 || bytes < LEAST_BYTES as u128 * u128::from(rows) {
        return Ok(None);
    }
    in_lanes(ctx, file, wanted, roots, lanes).map(Some)
}

/// Reads columns on `lanes` threads.
pub(super) fn in_lanes(
    ctx: &Context,
    file: &ParquetFile,
    wanted: &Wanted,
    roots: &[usize],
    lanes: usize,
) -> Result<Batches<'static>> {
    let mut parts = Vec::new();
    for places in share_out(file, wanted.group, roots, lanes) {
        let columns: Vec<usize> = places.iter().map(|&place| roots[place]).collect();
        let (file, wanted) = (file.clone(), wanted.clone());
        parts.push(Columns::new(places, start(ctx, move || read(&file, &wanted, &columns))?));
    }
    Ok(Box::new(Zip::new(parts)))
}

/// Shares the columns out to lanes, the heaviest first, each to the lightest lane. Returns the
/// places of each lane's columns among `roots`, ascending.
fn share_out(file: &ParquetFile, group: usize, roots: &[usize], lanes: usize) -> Vec<Vec<usize>> {
    let mut weights: Vec<(usize, usize)> = roots
        .iter()
        .enumerate()
        .map(|(place, &root)| (file.bytes(group, &[root]), place))
        .collect();
    weights.sort_by_key(|&(bytes, place)| (std::cmp::Reverse(bytes), place));
    let mut shares = vec![(0, Vec::new()); lanes];
    for (bytes, place) in weights {
        if let Some(lightest) = shares.iter_mut().min_by_key(|(load, _)| *load) {
            lightest.0 += bytes;
            lightest.1.push(place);
        }
    }
    shares.retain(|(_, places)| !places.is_empty());
    for (_, places) in &mut shares {
        places.sort_unstable();
    }
    shares.into_iter().map(|(_, places)| places).collect()
}

/// Runs a reader on a thread of its own. It ends with the reader, or when the receiver is dropped.
fn start(
    ctx: &Context,
    open: impl FnOnce() -> Result<Batches<'static>> + Send + 'static,
) -> Result<Batches<'static>> {
    let (sender, receiver) = sync_channel(AHEAD);
    let ctx = ctx.clone();
    threads::spawn("fastsample-lane".into(), move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&ctx, open, &sender)))
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        if let Err(error) = outcome {
            let _ = sender.send(Err(error));
        }
    })
    .map_err(|error| Error::no_thread(&error))?;
    Ok(Box::new(receiver.into_iter()))
}

fn run(
    ctx: &Context,
    open: impl FnOnce() -> Result<Batches<'static>>,
    sender: &SyncSender<Result<arrow_array::RecordBatch>>,
) -> Result<()> {
    let mut batches = ctx.compute(open)?;
    while let Some(batch) = ctx.check().and_then(|()| ctx.compute(|| batches.next()).transpose())? {
        if sender.send(Ok(batch)).is_err() {
            break;
        }
    }
    Ok(())
}
