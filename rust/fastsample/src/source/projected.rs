//! Projection: a source restricted to some of its columns, as scans and gathers read it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::batches::Batches;
use super::buffers::Buffers;
use super::joint::keep;
use super::lines::Passes;
use super::narrow::{KeptColumn, narrowed};
use super::unify::{ColumnMap, unify};
use super::unit_rows::Rows;
use super::zones::{ReadRows, Zones, rows_that_may_match};
use super::{Fragment, Part, Source, Span};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::RowMask;
use crate::text::{Kept, TextColumns};

/// The column of lines as they are in the files, see [`Projected::with_lines`].
pub(crate) const LINE: &str = "_line";

/// Rows and bytes of a run of small spans: as many as make a batch.
const RUN_ROWS: u64 = 8192;
const RUN_BYTES: usize = 8 << 20;

/// A source restricted to some of its columns, as scans and gathers read it.
#[derive(Debug, Clone)]
pub struct Projected {
    source: Source,
    schema: SchemaRef,
    columns: Vec<ColumnMap>,
    /// Memory that spans read into, one after the other.
    buffers: Buffers,
    /// How far compressed files of lines have been read.
    passes: Passes,
    /// Whether the last column is [`LINE`].
    lines: bool,
    /// Of each part and unit the rows that are read; all, if there are none.
    read: Option<Arc<[ReadRows]>>,
}

impl Source {
    /// The same rows with only some of the columns, by index.
    ///
    /// # Errors
    /// Never for indices of [`Source::schema`].
    pub fn project(&self, indices: &[usize]) -> Result<Projected> {
        let schema = Arc::new(self.schema.project(indices).map_err(Error::kernel)?);
        let columns = self.parts.iter().map(|part| part.columns_of(&schema)).collect();
        Ok(Projected::new(self.clone(), schema, columns))
    }

    /// The same rows with only the columns of these names, whether the source keeps them or not.
    /// `option` is what names them.
    ///
    /// # Errors
    /// [`Error::Column`] for one that no part has, [`Error::Schema`] where parts do not fit together.
    pub fn project_columns(&self, names: &[String], option: &str) -> Result<Projected> {
        let part = |part: &Part| {
            let name =
                part.data.path().map_or("the data".into(), |path| path.display().to_string());
            (name, Arc::new(keep(part.data.schema(), names)))
        };
        let parts: Vec<(String, SchemaRef)> = self.parts.iter().map(part).collect();
        let unified = unify(&parts)?;
        check_names(&self.schema, &unified, names, option)?;
        for part in &*self.parts {
            names.iter().try_for_each(|name| part.data.check_column(name))?;
        }
        Ok(self.project_as(&unified))
    }

    /// The same rows with the columns of `schema`, whether the source keeps them or not; they are
    /// null in parts that lack them.
    pub(crate) fn project_as(&self, schema: &SchemaRef) -> Projected {
        let columns = self.parts.iter().map(|part| part.columns_of(schema)).collect();
        Projected::new(self.clone(), schema.clone(), columns)
    }
}

/// Fails unless all `names` are columns that are `read`; `kept` are told. `option` is what names them.
///
/// # Errors
/// [`Error::Column`].
pub(crate) fn check_names(
    kept: &Schema,
    read: &Schema,
    names: &[String],
    option: &str,
) -> Result<()> {
    let Some(name) = names.iter().find(|name| read.index_of(name).is_err()) else { return Ok(()) };
    let known: Vec<&str> = kept.fields().iter().map(|field| field.name().as_str()).collect();
    Err(Error::Column(format!(
        "{option}: there is no column {name:?}; the columns are {}",
        known.join(", ")
    )))
}

impl Source {
    /// The same rows with only their texts, as [`TextColumns::of`] takes them, and behind these
    /// other columns, by index. Of nested columns, only what holds the texts is read.
    ///
    /// # Errors
    /// [`Error::Invalid`] for damaged nested data in memory.
    pub fn project_text(&self, text: &TextColumns, others: &[usize]) -> Result<Projected> {
        let indices = [text.roots(), others].concat();
        if text.kept().iter().all(|kept| *kept == Kept::Whole) {
            return self.project(&indices);
        }
        self.narrowed(text)?.project(&indices)
    }

    /// The same rows, with only what is to be read of the columns that the texts lie in.
    fn narrowed(&self, text: &TextColumns) -> Result<Self> {
        let kept = || text.roots().iter().copied().zip(text.kept());
        let schema = Arc::new(narrowed(&self.schema, &kept().collect::<Vec<_>>()));
        let narrow = |part: &Part| {
            let fields = part.data.schema().fields().iter().enumerate();
            let places: HashMap<&str, usize> =
                fields.map(|(place, field)| (field.name().as_str(), place)).collect();
            let place = |root: usize| places.get(self.schema.field(root).name().as_str()).copied();
            let kept: Vec<KeptColumn<'_>> =
                kept().filter_map(|(root, kept)| Some((place(root)?, kept))).collect();
            let data = Arc::new(part.data.narrowed(&kept)?);
            Ok(Part::new(data, part.label.clone(), &schema))
        };
        let parts = self.parts.iter().map(narrow).collect::<Result<Vec<_>>>()?;
        Ok(Self { parts: parts.into(), schema, ..self.clone() })
    }
}

impl From<&Source> for Projected {
    fn from(source: &Source) -> Self {
        let columns = source.parts.iter().map(|part| part.columns.clone()).collect();
        let (source, schema) = (source.clone(), source.schema.clone());
        Self::new(source, schema, columns)
    }
}

impl Projected {
    fn new(source: Source, schema: SchemaRef, columns: Vec<ColumnMap>) -> Self {
        let (buffers, passes) = (Buffers::default(), Passes::default());
        Self { source, schema, columns, buffers, passes, lines: false, read: None }
    }

    /// With one more column behind the others, [`LINE`]: each row as it is in its file, without the
    /// line feed. For sources of lines only.
    pub(crate) fn with_lines(self) -> Self {
        let line = Arc::new(Field::new(LINE, DataType::LargeBinary, false));
        let fields: Vec<_> = self.schema.fields().iter().cloned().chain([line]).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        Self { schema, lines: true, ..self }
    }

    /// A batch of part `part` in the order of the schema.
    fn arrange(&self, part: usize, batch: &RecordBatch) -> Result<RecordBatch> {
        let arranged = self.columns[part].arrange(&self.schema, batch)?;
        let Some(lines) = batch.columns().last().filter(|_| self.lines) else {
            return Ok(arranged);
        };
        let line = Arc::new(Field::new(LINE, lines.data_type().clone(), false));
        let known = arranged.schema();
        let fields: Vec<_> = known.fields().iter().cloned().chain([line]).collect();
        let columns = arranged.columns().iter().chain([lines]).cloned().collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(Error::kernel)
    }

    /// The columns that are read.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Without units, and rows of these, that `may_match` leaves out; it has a bit for each zone of a
    /// part. Ordinals stay as they are.
    pub(crate) fn only_matching(self, may_match: impl Fn(&Zones) -> BooleanBuffer) -> Self {
        let of_part = |part: &Part| rows_that_may_match(&part.data, &self.schema, &may_match);
        let read: Vec<ReadRows> = self.source.parts.iter().map(of_part).collect();
        Self { read: Some(read.into()), ..self }
    }

    /// The rows of a fragment that are read: rows of its unit.
    fn read_rows(&self, fragment: &Fragment) -> impl Iterator<Item = Range<u64>> {
        let all = fragment.start..fragment.start + fragment.rows;
        let known = self.read.as_ref().map(|parts| &parts[fragment.part][fragment.unit]);
        let (known, whole) = (known.into_iter().flatten().cloned(), known.is_none());
        let ranges = known.chain(whole.then(|| all.clone()));
        ranges
            .map(move |rows| rows.start.max(all.start)..rows.end.min(all.end))
            .filter(|rows| !rows.is_empty())
    }

    /// Rows that are read, if all are chosen.
    pub(crate) fn rows_to_read(&self) -> u64 {
        let fragments = self.source.fragments.iter();
        let read = fragments.flat_map(|fragment| self.read_rows(fragment));
        read.map(|rows| rows.end - rows.start).sum()
    }

    /// Cuts what is read of the source into spans, in order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (index, fragment) in self.source.fragments.iter().enumerate() {
            let part = &self.source.parts[fragment.part];
            let roots = self.columns[fragment.part].roots();
            let end = fragment.start + fragment.rows;
            let ordinal = |row: u64| fragment.first + (row - fragment.start);
            let mut read = self.read_rows(fragment).peekable();
            if read.peek().is_none() {
                continue;
            }
            let splits = part.data.splits(fragment.unit, end, roots);
            for rows in read {
                let inside = splits.iter().copied().filter(|split| *split > rows.start);
                let inside = inside.take_while(|split| *split < rows.end);
                let ends = inside.clone().chain([rows.end]);
                let starts = [rows.start].into_iter().chain(inside);
                spans.extend(starts.zip(ends).map(|(start, end)| Span {
                    fragment: index,
                    range: start..end,
                    ordinals: ordinal(start)..ordinal(end),
                }));
            }
        }
        spans
    }

    /// Spans that are best read by one task: one, or several that are small together. Which they are
    /// depends on the source alone.
    pub(crate) fn runs(&self, spans: &[Span]) -> Vec<Range<usize>> {
        let size = |span: &Span| {
            let Fragment { part, unit, .. } = self.source.fragments[span.fragment];
            let bytes = self.source.parts[part].data.unit_bytes(unit, self.columns[part].roots());
            (span.range.end - span.range.start, bytes.unwrap_or(RUN_BYTES))
        };
        let mut runs: Vec<Range<usize>> = Vec::new();
        let (mut run_rows, mut run_bytes) = (0, 0);
        for (index, span) in spans.iter().enumerate() {
            let (rows, bytes) = size(span);
            match runs.last_mut() {
                Some(run) if run_rows + rows <= RUN_ROWS && run_bytes + bytes <= RUN_BYTES => {
                    run.end = index + 1;
                }
                _ => {
                    runs.push(index..index + 1);
                    (run_rows, run_bytes) = (0, 0);
                }
            }
            run_rows += rows;
            run_bytes += bytes;
        }
        runs
    }

    /// The part that a span lies in, and what to read of it.
    fn rows<'a>(&'a self, span: &Span, mask: &'a RowMask) -> (usize, Rows<'a>) {
        let Fragment { part, unit, .. } = self.source.fragments[span.fragment];
        let (range, roots) = (span.range.clone(), self.columns[part].roots());
        let Self { buffers, passes, lines, .. } = self;
        (part, Rows { unit, range, mask, roots, buffers, passes, lines: *lines })
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
        let (part, rows) = self.rows(span, mask);
        let batches = self.source.parts[part].data.read(&rows)?;
        Ok(Box::new(batches.map(move |batch| self.arrange(part, &batch?))))
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
        let (part, rows) = self.rows(span, mask);
        if let Some(lanes) = self.source.parts[part].data.read_in_lanes(ctx, &rows)? {
            return Ok(Box::new(lanes.map(move |batch| self.arrange(part, &batch?))));
        }
        let mut batches = ctx.compute(|| self.read(span, mask))?;
        Ok(Box::new(std::iter::from_fn(move || ctx.compute(|| batches.next()))))
    }
}
