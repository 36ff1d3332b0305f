//! Reservoir sampling: a draw from a stream of unknown length that can be read once.

use arrow_array::{BooleanArray, RecordBatch, RecordBatchReader};
use arrow_buffer::BooleanBuffer;
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;

use crate::error::{Error, Result};
use crate::exec::threads::spawn_within;
use crate::exec::{Context, memory, panicked};
use crate::gather::compact::compact_batch;
use crate::hash::RowHash;
use crate::select::{BottomN, Candidate};

/// The rows that were drawn, and what was seen on the way.
#[derive(Debug)]
pub(crate) struct ReservoirDraw {
    /// The schema of the stream.
    pub(crate) schema: SchemaRef,
    /// The chosen rows, in the order of the stream.
    pub(crate) batches: Vec<RecordBatch>,
    /// Their ordinals, ascending.
    pub(crate) row_ids: Vec<u64>,
    /// Rows that the stream had.
    pub(crate) rows: u64,
}

/// Draws `n` rows from a stream, the same that [`crate::select::uniform()`] draws from a file.
///
/// ```text
/// for each batch:   keep a reference to it if any row's number is below the bound
/// when n + n/4 rows are kept:
///                   cut back to the n smallest numbers, which lowers the bound
///                   copy the living rows out of each batch that is more than half dead
/// ```
///
/// Memory is that of the sample and a fraction, whatever the length of the stream. If the stream
/// has fewer than `n` rows, all of them are returned: the caller decides what that means.
///
/// # Errors
/// When the stream fails, or the call is cancelled.
pub(crate) fn draw(
    ctx: &Context,
    stream: impl RecordBatchReader,
    n: usize,
    seed: u64,
) -> Result<ReservoirDraw> {
    let schema = stream.schema();
    let hash = RowHash::new(seed);
    let (mut bottom, mut held, mut rows) = (BottomN::new(n), Vec::new(), 0);
    ctx.begin(0);
    for batch in stream {
        ctx.check()?;
        let batch = batch.map_err(|error| Error::stream(rows, &error))?;
        bottom.make_room(batch.num_rows())?;
        let ordinals: Vec<u64> = (rows..rows + batch.num_rows() as u64).collect();
        rows += batch.num_rows() as u64;
        ctx.advance(batch.num_rows() as u64);
        let kept: Vec<bool> = ordinals
            .iter()
            .map(|&ordinal| bottom.push(Candidate { u: hash.of(ordinal), weight: 1, ordinal }))
            .collect();
        let mut arrived = Held { batch, ordinals };
        arrived.retain(kept.into(), DEAD_SHARE)?;
        if !arrived.ordinals.is_empty() {
            held.push(arrived);
        }
        if bottom.is_full() {
            bottom.cut();
            prune(ctx, &mut held, hash, &bottom, DEAD_SHARE)?;
        }
    }
    bottom.cut();
    prune(ctx, &mut held, hash, &bottom, 0)?;
    memory::require_rows::<u64>(rows.min(n as u64), "the ordinals")?;
    let row_ids = held.iter().flat_map(|held| held.ordinals.iter().copied()).collect();
    let batches = held.into_iter().map(|held| held.batch).collect();
    Ok(ReservoirDraw { schema, batches, row_ids, rows })
}

/// A batch is copied when this share of its rows (in percent) is dead: copying earlier costs more
/// time, later more memory.
const DEAD_SHARE: usize = 50;

/// A batch of the stream, or what is left of it.
struct Held {
    batch: RecordBatch,
    ordinals: Vec<u64>,
}

impl Held {
    /// Copies the living rows out if more than `dead_share` percent of the rows are dead.
    fn retain(&mut self, living: BooleanBuffer, dead_share: usize) -> Result<()> {
        let dead = self.ordinals.len() - living.count_set_bits();
        if dead * 100 <= self.ordinals.len() * dead_share {
            return Ok(());
        }
        self.ordinals = living.set_indices().map(|row| self.ordinals[row]).collect();
        let filtered = filter_record_batch(&self.batch, &BooleanArray::from(living));
        self.batch = compact_batch(&filtered.map_err(Error::kernel)?)?;
        Ok(())
    }
}

/// Copies the living rows out of every batch of which more than `dead_share` percent is dead.
fn prune(
    ctx: &Context,
    held: &mut Vec<Held>,
    hash: RowHash,
    bottom: &BottomN,
    dead_share: usize,
) -> Result<()> {
    let Some(worst) = bottom.bound() else { return Ok(()) };
    let share = held.len().div_ceil(ctx.threads()).max(1);
    let prune_some = |some: &mut [Held]| -> Result<()> {
        for held in some {
            ctx.check()?;
            let lives = |&ordinal: &u64| hash.of(ordinal) <= worst.u;
            let living: BooleanBuffer = held.ordinals.iter().map(lives).collect();
            held.retain(living, dead_share)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for (index, some) in held.chunks_mut(share).enumerate() {
            let name = format!("fastsample-{index}");
            let prune_some = &prune_some;
            let thread = std::thread::Builder::new().name(name);
            let worker = spawn_within(scope, thread, move || prune_some(some))
                .map_err(|error| Error::no_thread(&error))?;
            workers.push(worker);
        }
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| Err(panicked(&*panic))))
    })?;
    held.retain(|held| !held.ordinals.is_empty());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    use arrow_array::{RecordBatchIterator, UInt64Array};
    use proptest::prelude::*;

    use super::*;
    use crate::select::uniform;

    proptest! {
        #[test]
        fn a_stream_gives_the_rows_of_the_file(
            rows in 0_u64..20_000, n in 1_usize..5000, batch in 1_u64..3000, seed: u64
        ) {
            let ctx = Context::new(Some(2));
            let batches: Vec<RecordBatch> = (0..rows)
                .step_by(batch as usize)
                .map(|start| {
                    let column = UInt64Array::from_iter_values(start..rows.min(start + batch));
                    RecordBatch::try_from_iter([("id", Arc::new(column) as _)]).expect("one column")
                })
                .collect();
            let empty = RecordBatch::try_from_iter([("id", Arc::new(UInt64Array::from_iter_values([])) as _)]);
            let schema = empty.expect("one column").schema();
            let stream = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
            let drawn = draw(&ctx, stream, n, seed).expect("the stream is sound");
            let mut expected = Vec::new();
            let chosen = uniform(&ctx, rows, rows.min(n as u64), seed).expect("not cancelled");
            chosen.extend_ids(0..rows, &mut expected);
            prop_assert_eq!(&drawn.row_ids, &expected);
            let values: Vec<u64> = drawn
                .batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec())
                .collect();
            prop_assert_eq!(values, expected);
        }
    }
}
