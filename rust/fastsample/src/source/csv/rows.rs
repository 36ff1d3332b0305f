//! Records as Arrow data.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, NullBuilder, StringBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::fields::{CsvField, CsvFields};
use super::kind::{boolean, float, parse};
use crate::error::{Error, Result};
use crate::source::lines::{QuotedRecords, RecordDecoder};

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// A decoder of records.
pub(super) struct CsvDecoder {
    path: PathBuf,
    delimiter: u8,
    schema: SchemaRef,
    /// The columns to be read, ascending.
    roots: Vec<usize>,
    columns: Vec<ColumnValues>,
}

impl CsvDecoder {
    pub(super) fn new(
        path: &Path,
        delimiter: u8,
        schema: &Schema,
        roots: &[usize],
    ) -> Result<Self> {
        let schema = Arc::new(schema.project(roots).map_err(Error::kernel)?);
        let columns = schema.fields().iter().map(|field| ColumnValues::new(field.data_type()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(Self { path: path.to_path_buf(), delimiter, schema, roots: roots.to_vec(), columns })
    }
}

impl RecordDecoder for CsvDecoder {
    fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        QuotedRecords::new(bytes, self.delimiter, at).next()
    }

    fn most(&self) -> usize {
        BATCH_ROWS
    }

    fn add(&mut self, record: &[u8]) -> Result<()> {
        let mut fields = CsvFields::new(record, self.delimiter).enumerate();
        for (&root, column) in std::iter::zip(&self.roots, &mut self.columns) {
            let field = fields.find(|&(place, _)| place == root);
            match field {
                Some((_, Ok(field))) if column.append(&field).is_some() => {}
                _ => return Err(Error::Changed(self.path.clone())),
            }
        }
        Ok(())
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        let columns = self.columns.iter_mut().map(ColumnValues::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(Error::kernel)
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
