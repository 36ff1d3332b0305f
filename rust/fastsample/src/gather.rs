//! The chosen rows, read back in order, in bounded memory, on all cores.

use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, Float64Array, GenericStringArray, OffsetSizeTrait, RecordBatch,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave_record_batch;

use crate::compact::{batch_bytes, finish};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ordered::{Emitter, Ordered};
use crate::select::{RowMask, Selection};
use crate::source::Projected;

/// Rows that a batch should have, where its bytes allow: fewer cost more per row downstream.
const BATCH_ROWS: usize = 8192;

/// Bytes at which a batch is handed on, however few rows it has.
const BATCH_BYTES: usize = 8 << 20;

/// Bytes of batches that may wait for whoever takes them.
const WAITING_BYTES: usize = 64 << 20;

/// Bytes that rows picked at once may have at the very most, so that 32-bit offsets hold them.
const PICK_BYTES: usize = 1 << 30;

/// The chosen rows of a source as an iterator of batches in row order.
pub struct Gather {
    batches: Ordered<RecordBatch>,
    schema: SchemaRef,
    /// The column of weights, and how many of them have been handed out.
    weights: Option<(Float64Array, usize)>,
}

/// The name of the column of weights.
pub const WEIGHT: &str = "_weight";

/// `schema` with a column of weights behind the others.
pub(crate) fn with_weight(schema: &Schema) -> SchemaRef {
    let weight = Arc::new(Field::new(WEIGHT, DataType::Float64, false));
    let fields = schema.fields().iter().cloned().chain([weight]);
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

impl Gather {
    /// Starts reading. Work goes on in the background, a bounded amount ahead of the consumer, and
    /// stops when this is dropped.
    #[must_use]
    pub fn start(ctx: &Context, source: &Projected, selection: &Selection) -> Self {
        ctx.begin(selection.len());
        let schema = source.schema().clone();
        let spans = source.spans();
        let tasks = spans.len();
        let (source, selection, worker) = (source.clone(), selection.clone(), ctx.clone());
        let batches = Ordered::run(ctx, tasks, WAITING_BYTES, move |task, out| {
            let mask = worker.compute(|| selection.mask(spans[task].ordinals.clone()));
            if mask.count() == 0 {
                return Ok(());
            }
            gather_span(&worker, &source, &spans[task], &mask, out)
        });
        Self { batches, schema, weights: None }
    }

    /// Adds a column [`WEIGHT`]: one value for each row that will come.
    #[must_use]
    pub(crate) fn with_weights(mut self, weights: Float64Array) -> Self {
        self.schema = with_weight(&self.schema);
        self.weights = Some((weights, 0));
        self
    }

    fn add_weights(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some((weights, used)) = &mut self.weights else { return Ok(batch) };
        let weight = weights.slice(*used, batch.num_rows());
        *used += batch.num_rows();
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(weight));
        RecordBatch::try_new(self.schema.clone(), columns).map_err(Error::kernel)
    }

    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Iterator for Gather {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.and_then(|batch| self.add_weights(batch)))
    }
}

fn gather_span(
    ctx: &Context,
    source: &Projected,
    span: &crate::source::Span,
    mask: &RowMask,
    out: &Emitter<'_, RecordBatch>,
) -> Result<()> {
    let schema = source.schema();
    let mut found = source.read_in_lanes(ctx, span, mask)?;
    let mut pending = Pending::new(schema.clone());
    loop {
        ctx.check()?;
        // Reading takes permits of its own: it may have to wait for another thread.
        let batch = found.next().transpose()?;
        let last = batch.is_none();
        let batches = ctx.compute(|| match batch {
            None => Ok(pending.flush()),
            Some(batch) => pending.push(&batch),
        })?;
        for batch in batches {
            ctx.advance(batch.num_rows() as u64);
            let bytes = batch_bytes(&batch);
            out.send(batch, bytes)?;
        }
        if last {
            return Ok(());
        }
    }
}

/// Finished batches that are too small to be handed on alone.
struct Pending {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Pending {
    fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), rows: 0, bytes: 0 }
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut finished = Vec::new();
        finish(batch, &self.schema, &mut finished)?;
        let mut ready = Vec::new();
        for batch in finished {
            let bytes = batch_bytes(&batch);
            if self.bytes + bytes > BATCH_BYTES {
                ready.append(&mut self.flush());
            }
            self.rows += batch.num_rows();
            self.bytes += bytes;
            self.batches.push(batch);
            if self.rows >= BATCH_ROWS {
                ready.append(&mut self.flush());
            }
        }
        Ok(ready)
    }

    fn flush(&mut self) -> Vec<RecordBatch> {
        (self.rows, self.bytes) = (0, 0);
        let batches = std::mem::take(&mut self.batches);
        if batches.len() <= 1 {
            return batches;
        }
        // Dictionaries with few keys may not be joinable; then the batches stay as they are.
        concat_batches(&self.schema, &batches).map_or(batches, |joined| vec![joined])
    }
}

/// All rows of a gather at once.
///
/// # Errors
/// The first failure.
pub fn collect(gather: Gather) -> Result<(SchemaRef, Arc<[RecordBatch]>)> {
    let schema = gather.schema().clone();
    Ok((schema, gather.collect::<Result<Vec<_>>>()?.into()))
}

/// Rows in memory, picked by position.
#[derive(Debug, Clone)]
pub struct Picker {
    batches: Arc<[RecordBatch]>,
    /// The first row of each batch.
    starts: Vec<usize>,
    rows: usize,
    /// Bytes that no row exceeds, once somebody needed them: rows that are mapped from a file are
    /// better not touched before.
    row_bytes: OnceLock<usize>,
}

impl Picker {
    /// Rows of `batches`, numbered through.
    #[must_use]
    pub fn new(batches: Arc<[RecordBatch]>) -> Self {
        let mut rows = 0;
        let mut start_of = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows - batch.num_rows()
        };
        let starts = batches.iter().map(&mut start_of).collect();
        Self { batches, starts, rows, row_bytes: OnceLock::new() }
    }

    /// Rows in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The batches.
    #[must_use]
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows at `positions`, in that order, as one batch.
    ///
    /// # Errors
    /// [`Error::Argument`] for a position that does not exist.
    pub fn take(&self, schema: &SchemaRef, positions: &[usize]) -> Result<RecordBatch> {
        let picked = self.pick(schema, positions)?;
        concat_batches(schema, &picked).map_err(Error::kernel)
    }

    /// As [`Picker::take`], in several batches if 32-bit offsets demand it.
    pub(crate) fn pick(&self, schema: &SchemaRef, positions: &[usize]) -> Result<Vec<RecordBatch>> {
        let places = positions.iter().map(|&at| self.place(at)).collect::<Result<Vec<_>>>()?;
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let largest = || self.batches.iter().map(largest_row).max().unwrap_or(0);
        let safe = (PICK_BYTES / (*self.row_bytes.get_or_init(largest)).max(1)).max(1);
        let mut picked = Vec::new();
        for places in places.chunks(safe) {
            let rows = interleave_record_batch(&batches, places).map_err(Error::kernel)?;
            finish(&rows, schema, &mut picked)?;
        }
        Ok(picked)
    }

    /// The bytes of the texts of column `column` at `positions`, where they lie; `None` for nulls.
    ///
    /// Nothing but these texts is touched. Whether they are UTF-8 is for the caller to check: the
    /// rows may be mapped from a file that anyone can have written.
    ///
    /// # Errors
    /// [`Error::Argument`] for a position that does not exist, [`Error::Schema`] unless the column
    /// is `string` or `large_string`, [`Error::Invalid`] for offsets outside of the data.
    pub fn texts(&self, column: usize, positions: &[usize]) -> Result<Vec<Option<&[u8]>>> {
        let text = |&position: &usize| {
            let (batch, row) = self.place(position)?;
            let column = self.batches[batch].column(column);
            match column.data_type() {
                _ if column.is_null(row) => Ok(None),
                DataType::Utf8 => text_at(column.as_string::<i32>(), row).map(Some),
                DataType::LargeUtf8 => text_at(column.as_string::<i64>(), row).map(Some),
                other => Err(Error::Schema(format!("a column of type {other} is no plain text"))),
            }
        };
        positions.iter().map(text).collect()
    }

    /// The batch of a row, and its place there.
    fn place(&self, position: usize) -> Result<(usize, usize)> {
        if position >= self.rows {
            return Err(Error::Argument(format!(
                "there is no row {position}; the sample has {} rows",
                self.rows
            )));
        }
        let batch = self.starts.partition_point(|&start| start <= position) - 1;
        Ok((batch, position - self.starts[batch]))
    }
}

fn text_at<O: OffsetSizeTrait>(column: &GenericStringArray<O>, row: usize) -> Result<&[u8]> {
    let offsets = column.value_offsets();
    let range = offsets[row].as_usize()..offsets[row + 1].as_usize();
    column.value_data().get(range).ok_or_else(|| {
        Error::Invalid("a text lies outside of its column's data; write the file again".into())
    })
}

/// Bytes that no row of a batch exceeds in any column with 32-bit offsets.
fn largest_row(batch: &RecordBatch) -> usize {
    let widest = |offsets: &[i32]| {
        offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize).max().unwrap_or(0)
    };
    let of_column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => widest(column.as_string::<i32>().value_offsets()),
        DataType::Binary => widest(column.as_binary::<i32>().value_offsets()),
        kind if kind.is_nested() => column.get_array_memory_size(),
        _ => 0,
    };
    batch.columns().iter().map(of_column).max().unwrap_or(0)
}
