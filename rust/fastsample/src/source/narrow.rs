//! Schemas and batches with only some leaves of some columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{FieldRef, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::text::Kept;

/// What is kept of a column, by the index of the column.
pub(super) type KeptColumn<'a> = (usize, &'a Kept);

/// A schema with only what is kept of some columns.
pub(super) fn narrowed(schema: &Schema, kept: &[KeptColumn<'_>]) -> Schema {
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    for &(column, kept) in kept {
        let field = fields[column].as_ref().clone();
        let kind = kept.data_type(field.data_type());
        fields[column] = Arc::new(field.with_data_type(kind));
    }
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// A batch with only what is kept of some columns.
pub(super) fn narrow(batch: &RecordBatch, kept: &[KeptColumn<'_>]) -> Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    for &(column, kept) in kept {
        columns[column] = kept.array(&columns[column]).map_err(Error::kernel)?;
    }
    let schema: SchemaRef = Arc::new(narrowed(batch.schema_ref(), kept));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(Error::kernel)
}
