//! Interleaving: the rows of several streams in the even order, or in another one, batch by batch.
//!
//! ```text
//!  stream 0  ▒▒▒▒ ▒▒▒▒ ...  ─┐
//!  stream 1  ▒▒▒▒ ▒▒▒▒ ...  ─┼─▶ EvenOrder ─▶ rows of all streams, some thousand at a time
//!  stream 2  ▒▒▒▒ ▒▒▒▒ ...  ─┘
//! ```
//!
//! One batch of each stream is held.

use std::collections::VecDeque;
use std::iter::once;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave;

use super::compact::{batch_bytes, finish};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::select::EvenOrder;
use crate::source::{Batches, bytes_of};

/// Rows of a batch that is handed on, where their bytes allow.
const BATCH_ROWS: usize = 8192;

/// Bytes, estimated, at which a batch is handed on.
const BATCH_BYTES: usize = 8 << 20;

/// Bytes of the batches from which one is made: 32-bit offsets hold any rows of them.
const TOUCHED_BYTES: usize = 1 << 30;

/// The rows of `streams`, of which each has the number of rows that comes with it.
pub(crate) fn interleaved<'a>(
    ctx: &Context,
    streams: Vec<(Batches<'a>, u64)>,
    schema: &SchemaRef,
) -> Result<Batches<'a>> {
    let (streams, rows): (Vec<_>, Vec<u64>) = streams.into_iter().unzip();
    let order = Box::new(EvenOrder::new(&rows)?);
    Ok(interleaved_by(ctx, streams, order, schema))
}

/// The rows of `streams`, of which `order` says from which each comes.
pub(crate) fn interleaved_by<'a>(
    ctx: &Context,
    streams: Vec<Batches<'a>>,
    order: StreamOrder<'a>,
    schema: &SchemaRef,
) -> Batches<'a> {
    let streams = streams.into_iter().map(|batches| MixedStream { batches, held: None });
    Box::new(Interleaved {
        ctx: ctx.clone(),
        schema: schema.clone(),
        order,
        next: None,
        streams: streams.collect(),
        ready: VecDeque::new(),
        ended: false,
    })
}

/// The number of the stream that each row comes from.
type StreamOrder<'a> = Box<dyn Iterator<Item = usize> + Send + 'a>;

struct Interleaved<'a> {
    ctx: Context,
    schema: SchemaRef,
    order: StreamOrder<'a>,
    /// The stream of the next row, if it was asked for already.
    next: Option<usize>,
    streams: Vec<MixedStream<'a>>,
    ready: VecDeque<RecordBatch>,
    ended: bool,
}

struct MixedStream<'a> {
    batches: Batches<'a>,
    held: Option<MixedBatch>,
}

/// A batch, of which some rows have been taken.
struct MixedBatch {
    batch: RecordBatch,
    taken: usize,
    bytes: usize,
    /// Its number among the batches from which the next one is made.
    place: Option<usize>,
}

impl MixedStream<'_> {
    /// The batch that has the next row.
    fn held(&mut self) -> Result<&mut MixedBatch> {
        while self.held.as_ref().is_none_or(|held| held.taken == held.batch.num_rows()) {
            let batch = self.batches.next().unwrap_or_else(|| {
                Err(Error::Internal("a source has fewer rows than were drawn from it".into()))
            })?;
            let bytes = batch_bytes(&batch);
            self.held = Some(MixedBatch { batch, taken: 0, bytes, place: None });
        }
        self.held.as_mut().ok_or_else(|| Error::Internal("no batch is held".into()))
    }
}

/// The batches that some rows lie in; of each row the number of its batch, and its place there.
type RowsTaken = (Vec<RecordBatch>, Vec<(usize, usize)>);

impl Interleaved<'_> {
    /// Takes the rows of the next batch.
    fn take(&mut self) -> Result<RowsTaken> {
        let (mut batches, mut rows) = (Vec::new(), Vec::with_capacity(BATCH_ROWS));
        let (mut bytes, mut touched) = (0, 0);
        while rows.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(stream) = self.next.take().or_else(|| self.order.next()) else { break };
            let held = self.streams[stream].held()?;
            let place = if let Some(place) = held.place {
                place
            } else {
                if touched + held.bytes > TOUCHED_BYTES && !rows.is_empty() {
                    self.next = Some(stream);
                    break;
                }
                touched += held.bytes;
                batches.push(held.batch.clone());
                *held.place.insert(batches.len() - 1)
            };
            rows.push((place, held.taken));
            held.taken += 1;
            bytes += held.bytes / held.batch.num_rows().max(1);
            if held.taken == held.batch.num_rows() && rows.len() == held.taken {
                break; // all rows of one batch and no others: it is handed on as it is
            }
        }
        for held in self.streams.iter_mut().filter_map(|stream| stream.held.as_mut()) {
            held.place = None;
        }
        Ok((batches, rows))
    }

    fn fill(&mut self) -> Result<()> {
        self.ctx.check()?;
        let (batches, rows) = self.take()?;
        self.ended = rows.is_empty();
        if self.ended {
            return Ok(());
        }
        if let [batch] = batches.as_slice()
            && batch.num_rows() == rows.len()
        {
            self.ready.push_back(batch.clone());
            return Ok(());
        }
        let schema = &self.schema;
        let made = self.ctx.compute(|| -> Result<Vec<RecordBatch>> {
            let of_row = |&(batch, row): &(usize, usize)| {
                let columns = batches[batch].columns().iter();
                columns.map(|column| bytes_of(column, once(row))).sum::<usize>()
            };
            let bytes = rows.iter().map(of_row).sum();
            memory::require(bytes, || "rows of several sources".to_owned())?;
            let column = |index: usize| -> Result<ArrayRef> {
                let columns: Vec<&dyn Array> =
                    batches.iter().map(|batch| batch.column(index).as_ref()).collect();
                let name = schema.field(index).name();
                interleave(&columns, &rows).map_err(|error| not_together(name, error))
            };
            let columns = (0..schema.fields().len()).map(column).collect::<Result<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options)
                .map_err(Error::kernel)?;
            let mut made = Vec::new();
            finish(&batch, schema, &mut made)?;
            Ok(made)
        });
        self.ready.extend(made?);
        Ok(())
    }
}

fn not_together(name: &str, error: ArrowError) -> Error {
    match error {
        ArrowError::DictionaryKeyOverflowError => Error::Schema(format!(
            "column {name:?} has more distinct values in all sources than the keys of its \
             dictionary can count; cast it to a plain or wider dictionary column first"
        )),
        other => Error::kernel(other),
    }
}

impl Iterator for Interleaved<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.fill() {
                self.ended = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}
