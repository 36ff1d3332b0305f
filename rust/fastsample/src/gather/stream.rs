//! The chosen rows, read back in order, in bounded memory, on all cores.

use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::error::{Error, Result};
use crate::exec::{Context, Emitter, Ordered};
use crate::gather::compact::{batch_bytes, finish};
use crate::gather::repeat::repeated;
use crate::select::{RowMask, Selection};
use crate::source::{Batches, Projected, Span};

/// Rows that a batch should have, where its bytes allow: fewer cost more per row downstream.
const BATCH_ROWS: usize = 8192;

/// Bytes at which a batch is handed on, however few rows it has.
const BATCH_BYTES: usize = 8 << 20;

/// Bytes of batches that may wait for the consumer.
const WAITING_BYTES: usize = 64 << 20;

/// The chosen rows of a source as an iterator of batches in row order.
pub struct Gather {
    batches: Batches<'static>,
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

/// What looks at a batch.
pub(crate) type See = dyn Fn(&RecordBatch) -> Result<()> + Send + Sync;

/// Looks at each batch before its rows are copied, on any thread and in any order; of what is looked at,
/// only some columns are handed on.
#[derive(Clone)]
pub(crate) struct Look {
    /// What is done with a batch.
    pub(crate) see: Arc<See>,
    /// The columns that are handed on, by index, and their schema.
    pub(crate) kept: Vec<usize>,
    pub(crate) schema: SchemaRef,
}

/// The share of a gather in what the machine has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// Threads of its own.
    pub(crate) threads: usize,
    /// Gathers that share the memory.
    pub(crate) of: usize,
}

impl Gather {
    /// Starts reading. Work continues in the background, a bounded amount ahead of the consumer, and
    /// stops when this is dropped.
    #[must_use]
    pub fn start(ctx: &Context, source: &Projected, selection: &Selection) -> Self {
        Self::start_repeated(ctx, source, selection, None, None)
    }

    /// As [`Gather::start`], of rows of which each comes as often as `counts` says, ascending by row, and
    /// which are looked at.
    pub(crate) fn start_repeated(
        ctx: &Context,
        source: &Projected,
        selection: &Selection,
        counts: Option<&Arc<[u32]>>,
        look: Option<Look>,
    ) -> Self {
        let total = |counts: &Arc<[u32]>| counts.iter().map(|&count| u64::from(count)).sum();
        ctx.begin(counts.map_or_else(|| selection.len(), total));
        let share = Share { threads: ctx.threads(), of: 1 };
        Self::start_with(ctx, source, selection, counts, look, share)
    }

    /// As [`Gather::start`], for one of several that run together and whose rows are counted as one.
    pub(crate) fn start_one(
        ctx: &Context,
        source: &Projected,
        selection: &Selection,
        share: Share,
    ) -> Self {
        Self::start_with(ctx, source, selection, None, None, share)
    }

    fn start_with(
        ctx: &Context,
        source: &Projected,
        selection: &Selection,
        counts: Option<&Arc<[u32]>>,
        look: Option<Look>,
        share: Share,
    ) -> Self {
        let schema = look.as_ref().map_or_else(|| source.schema(), |look| &look.schema).clone();
        let handed_on = schema.clone();
        let spans = source.spans();
        let runs = source.runs(&spans);
        let tasks = runs.len();
        let (source, selection, worker) = (source.clone(), selection.clone(), ctx.clone());
        let waiting = WAITING_BYTES / share.of;
        let counts = counts.map(|counts| SpanCounts::new(counts.clone(), &spans, &selection));
        let batches = Ordered::run(share.threads, tasks, waiting, move |task, out| {
            let mut pending = SmallBatches::new(handed_on.clone(), look.clone(), share.of);
            for span in runs[task].clone() {
                let mask = worker.compute(|| selection.mask(spans[span].ordinals.clone()));
                if mask.count() > 0 {
                    let counts = counts.as_ref().map(|counts| counts.of(span));
                    gather_span(&worker, &source, &spans[span], &mask, counts, &mut pending, out)?;
                }
            }
            send(&worker, worker.compute(|| pending.flush()), out)
        });
        Self { batches: Box::new(batches), schema, weights: None }
    }

    /// Rows that come from elsewhere.
    pub(crate) fn of_batches(batches: Batches<'static>, schema: SchemaRef) -> Self {
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

/// How often each chosen row comes, and where the rows of each span begin.
struct SpanCounts {
    counts: Arc<[u32]>,
    starts: Vec<usize>,
}

impl SpanCounts {
    fn new(counts: Arc<[u32]>, spans: &[Span], selection: &Selection) -> Self {
        let mut start = 0;
        let mut next = |span: &Span| {
            let first = start;
            start += selection.mask(span.ordinals.clone()).count();
            first
        };
        let starts = spans.iter().map(&mut next).collect();
        Self { counts, starts }
    }

    /// Those of the rows of a span, and behind them those of others.
    fn of(&self, span: usize) -> &[u32] {
        self.counts.get(self.starts[span]..).unwrap_or_default()
    }
}

fn gather_span(
    ctx: &Context,
    source: &Projected,
    span: &Span,
    mask: &RowMask,
    mut counts: Option<&[u32]>,
    pending: &mut SmallBatches,
    out: &Emitter<'_, RecordBatch>,
) -> Result<()> {
    let mut found = source.read_in_lanes(ctx, span, mask)?;
    loop {
        ctx.check()?;
        // Reading takes permits of its own: it may have to wait for another thread.
        let Some(batch) = found.next().transpose()? else { return Ok(()) };
        if let Some(all) = &mut counts {
            let (mine, others) = all.split_at(batch.num_rows().min(all.len()));
            *all = others;
            let mut copies = repeated(batch, source.schema(), mine);
            while let Some(copies) = ctx.compute(|| copies.next()).transpose()? {
                ctx.check()?;
                send(ctx, ctx.compute(|| pending.push(&copies))?, out)?;
            }
            continue;
        }
        send(ctx, ctx.compute(|| pending.push(&batch))?, out)?;
    }
}

fn send(ctx: &Context, batches: Vec<RecordBatch>, out: &Emitter<'_, RecordBatch>) -> Result<()> {
    for batch in batches {
        ctx.advance(batch.num_rows() as u64);
        let bytes = batch_bytes(&batch);
        out.send(batch, bytes)?;
    }
    Ok(())
}

/// Finished batches that are too small to be handed on alone.
struct SmallBatches {
    schema: SchemaRef,
    look: Option<Look>,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    most_rows: usize,
    most_bytes: usize,
}

impl SmallBatches {
    fn new(schema: SchemaRef, look: Option<Look>, of: usize) -> Self {
        let (most_rows, most_bytes) = (BATCH_ROWS.div_ceil(of), BATCH_BYTES.div_ceil(of));
        Self { schema, look, batches: Vec::new(), rows: 0, bytes: 0, most_rows, most_bytes }
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut finished = Vec::new();
        match &self.look {
            None => finish(batch, &self.schema, &mut finished)?,
            Some(Look { see, kept, .. }) => {
                see(batch)?;
                let batch = batch.project(kept).map_err(Error::kernel)?;
                finish(&batch, &self.schema, &mut finished)?;
            }
        }
        let mut ready = Vec::new();
        for batch in finished {
            let bytes = batch_bytes(&batch);
            if self.bytes + bytes > self.most_bytes {
                ready.append(&mut self.flush());
            }
            self.rows += batch.num_rows();
            self.bytes += bytes;
            self.batches.push(batch);
            if self.rows >= self.most_rows {
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
