//! The chosen rows of a chunk, decoded a few thousand rows at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    BinaryViewBuilder, BooleanBuilder, Float64Builder, Int64Builder, NullBuilder, StringBuilder,
    UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::fields::{CsvField, CsvFields};
use super::index::start;
use super::kind::{boolean, float, parse};
use crate::error::{Error, Result};
use crate::select::RowMask;
use crate::source::lines::QuotedRecords;
use crate::source::unit_rows::Rows;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Bytes of records that are decoded into one batch: what is held fits the caches.
const BATCH_BYTES: usize = 1 << 20;

/// The rows of a chunk that a mask chooses, batch by batch.
pub(super) struct CsvRows {
    path: PathBuf,
    bytes: Bytes,
    delimiter: u8,
    /// Where the next record is looked for.
    at: usize,
    mask: RowMask,
    /// Records passed.
    row: usize,
    schema: SchemaRef,
    /// The columns to be read, ascending.
    roots: Vec<usize>,
    columns: Vec<ColumnValues>,
    /// The bytes again, if records are wanted as they are.
    lines: Option<Buffer>,
}

impl CsvRows {
    pub(super) fn new(
        path: &Path,
        bytes: Bytes,
        is_first: bool,
        delimiter: u8,
        schema: &Schema,
        rows: &Rows<'_>,
    ) -> Result<Self> {
        let schema = Arc::new(schema.project(rows.roots).map_err(Error::kernel)?);
        let columns = schema.fields().iter().map(|field| ColumnValues::new(field.data_type()));
        let mut at = start(&bytes, is_first);
        if is_first {
            let header = QuotedRecords::new(&bytes, delimiter, at).next();
            at = header.map_or(bytes.len(), |header| header.end + 1);
        }
        Ok(Self {
            path: path.to_path_buf(),
            delimiter,
            at,
            mask: rows.mask.clone(),
            row: 0,
            roots: rows.roots.to_vec(),
            columns: columns.collect::<Result<_>>()?,
            lines: rows.lines.then(|| Buffer::from(bytes.clone())),
            schema,
            bytes,
        })
    }

    /// The next batch, which has no rows at the end.
    fn batch(&mut self) -> Result<RecordBatch> {
        let (mut rows, mut held) = (0, 0);
        let mut lines = self.lines.clone().map(|bytes| {
            let mut lines = BinaryViewBuilder::new();
            let block = lines.append_block(bytes);
            (lines, block)
        });
        let mut records = QuotedRecords::new(&self.bytes, self.delimiter, self.at);
        while rows < BATCH_ROWS && held < BATCH_BYTES && self.row < self.mask.len() {
            let Some(record) = records.next() else { return Err(changed(&self.path)) };
            self.at = record.end + 1;
            self.row += 1;
            if !self.mask.has(self.row - 1) {
                continue;
            }
            rows += 1;
            held += record.len();
            if let Some((lines, block)) = &mut lines {
                lines
                    .try_append_view(*block, record.start as u32, record.len() as u32)
                    .map_err(Error::kernel)?;
            }
            let mut fields = CsvFields::new(&self.bytes[record], self.delimiter).enumerate();
            for (&root, column) in std::iter::zip(&self.roots, &mut self.columns) {
                let field = fields.find(|&(place, _)| place == root);
                // All records were checked when the file was opened.
                match field {
                    Some((_, Ok(field))) if column.append(&field).is_some() => {}
                    _ => return Err(changed(&self.path)),
                }
            }
        }
        let mut columns: Vec<ArrayRef> =
            self.columns.iter_mut().map(ColumnValues::finish).collect();
        let mut schema = self.schema.clone();
        if let Some((mut lines, _)) = lines {
            let line = Arc::new(Field::new("", DataType::BinaryView, false));
            let fields = schema.fields().iter().cloned().chain([line]).collect::<Vec<_>>();
            schema = Arc::new(Schema::new(fields));
            columns.push(Arc::new(lines.finish()));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(Error::kernel)
    }
}

fn changed(path: &Path) -> Error {
    Error::Changed(path.to_path_buf())
}

impl Iterator for CsvRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        if self.row == self.mask.len() {
            return None;
        }
        match self.batch() {
            Ok(batch) if batch.num_rows() == 0 => self.next(),
            Err(error) => {
                self.row = self.mask.len();
                Some(Err(error))
            }
            found => Some(found),
        }
    }
}

/// The values of a column of a batch.
enum ColumnValues {
    Null(NullBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Wide(UInt64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

impl ColumnValues {
    fn new(kind: &DataType) -> Result<Self> {
        Ok(match kind {
            DataType::Null => Self::Null(NullBuilder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::UInt64 => Self::Wide(UInt64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            other => return Err(Error::Internal(format!("no column of CSV is {other}"))),
        })
    }

    /// Appends a field; none if it is not of the type.
    fn append(&mut self, field: &CsvField<'_>) -> Option<()> {
        let bytes = field.bytes;
        let is_null = bytes.is_empty() && !(field.is_quoted && matches!(self, Self::Text(_)));
        match self {
            Self::Null(values) => values.append_null(),
            Self::Bool(values) if is_null => values.append_null(),
            Self::Bool(values) => values.append_value(boolean(bytes)?),
            Self::Int(values) if is_null => values.append_null(),
            Self::Int(values) => values.append_value(parse(bytes)?),
            Self::Wide(values) if is_null => values.append_null(),
            Self::Wide(values) => values.append_value(parse(bytes)?),
            Self::Float(values) if is_null => values.append_null(),
            Self::Float(values) => values.append_value(float(bytes)?),
            Self::Text(values) if is_null => values.append_null(),
            Self::Text(values) => values.append_value(std::str::from_utf8(&field.text()).ok()?),
        }
        Some(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Null(values) => Arc::new(values.finish()),
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int(values) => Arc::new(values.finish()),
            Self::Wide(values) => Arc::new(values.finish()),
            Self::Float(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
        }
    }
}
