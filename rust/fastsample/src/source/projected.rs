//! Projection: a source restricted to some of its columns, as scans and gathers read it.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;

use super::batches::Batches;
use super::buffers::Buffers;
use super::parquet::{self, ParquetFile, Wanted};
use super::unify::ColumnMap;
use super::{Data, Source, Span, valid};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::RowMask;

/// Uncompressed bytes that a span should have: enough that opening it and reading a page twice at
/// its ends cost nothing, few enough that many are under way at once in bounded memory.
const SPAN_BYTES: usize = 64 << 20;

/// Rows of an in-memory or IPC batch that are filtered at once.
const SLICE_ROWS: usize = 32 * 1024;

/// A source restricted to some of its columns, as scans and gathers read it.
#[derive(Debug, Clone)]
pub struct Projected {
    source: Source,
    schema: SchemaRef,
    columns: Vec<ColumnMap>,
    /// Memory that spans read into, one after the other.
    buffers: Buffers,
}

impl Source {
    /// The same rows with only some of the columns, by index.
    ///
    /// # Errors
    /// Never for indices of [`Source::schema`].
    pub fn project(&self, indices: &[usize]) -> Result<Projected> {
        let schema = Arc::new(self.schema.project(indices).map_err(Error::kernel)?);
        let columns =
            self.parts.iter().map(|part| ColumnMap::new(&schema, part.data.schema())).collect();
        Ok(Projected { source: self.clone(), schema, columns, buffers: Buffers::default() })
    }
}

impl From<&Source> for Projected {
    fn from(source: &Source) -> Self {
        let columns = source.parts.iter().map(|part| part.columns.clone()).collect();
        let (source, schema) = (source.clone(), source.schema.clone());
        Self { source, schema, columns, buffers: Buffers::default() }
    }
}

impl Projected {
    /// The columns that are read.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Cuts the source into spans, in order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (index, fragment) in self.source.fragments.iter().enumerate() {
            let part = &self.source.parts[fragment.part];
            let splits = match &part.data {
                Data::Parquet(file) => parquet::splits(
                    file,
                    fragment.unit,
                    self.columns[fragment.part].roots(),
                    SPAN_BYTES,
                ),
                Data::Ipc(_) => Vec::new(),
                Data::Batches { .. } => (1..fragment.rows.div_ceil(SLICE_ROWS as u64))
                    .map(|i| i * SLICE_ROWS as u64)
                    .collect(),
            };
            let ends = splits.iter().copied().chain([fragment.rows]);
            let starts = [0].into_iter().chain(splits.iter().copied());
            spans.extend(starts.zip(ends).map(|(start, end)| Span {
                fragment: index,
                range: start..end,
                ordinals: fragment.first + start..fragment.first + end,
            }));
        }
        spans
    }

    fn wanted(&self, file: &ParquetFile, span: &Span, mask: &RowMask) -> Wanted {
        let fragment = &self.source.fragments[span.fragment];
        let roots = self.columns[fragment.part].roots();
        Wanted::new(file, fragment.unit, span.range.clone(), mask, roots, &self.buffers)
    }

    /// Reads the rows of a span that `mask` chooses, batch by batch, in order.
    ///
    /// Columns are those of [`Projected::schema`]; text may come in another layout than the schema
    /// says (as views that refer to whole pages).
    ///
    /// # Errors
    /// As the file is opened; later failures come as items.
    pub fn read(&self, span: &Span, mask: &RowMask) -> Result<Batches<'_>> {
        debug_assert_eq!(mask.len() as u64, span.range.end - span.range.start);
        let fragment = &self.source.fragments[span.fragment];
        let columns = &self.columns[fragment.part];
        let batches: Batches<'static> = match &self.source.parts[fragment.part].data {
            _ if mask.count() == 0 => Box::new(std::iter::empty()),
            Data::Parquet(file) => {
                parquet::read(file, &self.wanted(file, span, mask), columns.roots())?
            }
            Data::Ipc(file) => {
                let batch = file.read(fragment.unit, columns.roots())?;
                Box::new(filtered(batch, 0, mask.clone()))
            }
            Data::Batches { batches, .. } => {
                let batch =
                    batches[fragment.unit].project(columns.roots()).map_err(Error::kernel)?;
                let found = filtered(batch, span.range.start as usize, mask.clone());
                Box::new(found.map(|batch| {
                    let batch = batch?;
                    valid::check_text(&batch)?;
                    Ok(batch)
                }))
            }
        };
        Ok(Box::new(batches.map(|batch| columns.arrange(&self.schema, &batch?))))
    }

    /// As [`Projected::read`], holding a permit of `ctx` for each batch, and reading the columns of
    /// a span that could not be cut on several cores.
    ///
    /// # Errors
    /// As [`Projected::read`].
    pub fn read_in_lanes<'a>(
        &'a self,
        ctx: &'a Context,
        span: &Span,
        mask: &RowMask,
    ) -> Result<Batches<'a>> {
        let fragment = &self.source.fragments[span.fragment];
        let columns = &self.columns[fragment.part];
        if let Data::Parquet(file) = &self.source.parts[fragment.part].data
            && mask.count() > 0
            && let Some(lanes) =
                parquet::read_in_lanes(ctx, file, &self.wanted(file, span, mask), columns.roots())?
        {
            return Ok(Box::new(lanes.map(|batch| columns.arrange(&self.schema, &batch?))));
        }
        let mut batches = ctx.compute(|| self.read(span, mask))?;
        Ok(Box::new(std::iter::from_fn(move || ctx.compute(|| batches.next()))))
    }
}

/// The rows of `batch` from `start` on that `mask` chooses, some thousand rows at a time.
fn filtered(
    batch: RecordBatch,
    start: usize,
    mask: RowMask,
) -> impl Iterator<Item = Result<RecordBatch>> + Send {
    let slices = (0..mask.len()).step_by(SLICE_ROWS);
    slices.filter_map(move |at| {
        let len = SLICE_ROWS.min(mask.len() - at);
        let rows = batch.slice(start + at, len);
        match mask.slice(at..at + len) {
            RowMask::AllTrue(_) => Some(Ok(rows)),
            RowMask::AllFalse(_) => None,
            RowMask::Values(bits) => {
                Some(filter_record_batch(&rows, &BooleanArray::from(bits)).map_err(Error::kernel))
            }
        }
    })
}
