//! Types that Parquet files hold: those that are cast for them, and those that are refused.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;

use crate::error::{Error, Result};
use crate::gather::compact::finish;

/// The schema with types that Parquet has a name for, as pyarrow chooses them: seconds become
/// milliseconds, dates in milliseconds become dates in days.
pub(super) fn storable_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(storable_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn storable_field(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        DataType::List(item) => DataType::List(storable_field(item)),
        DataType::LargeList(item) => DataType::LargeList(storable_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(storable_field(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(storable_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(storable_field).collect()),
        _ => return field.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

/// A batch with the types of `schema`.
pub(super) fn to_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let same = |(column, field): (&ArrayRef, &FieldRef)| column.data_type() == field.data_type();
    if std::iter::zip(batch.columns(), schema.fields()).all(same) {
        return Ok(batch.clone());
    }
    let mut cast = Vec::new();
    finish(batch, schema, &mut cast)?;
    concat_batches(schema, &cast).map_err(Error::kernel)
}

/// Why Parquet can't have a type, if so.
pub(super) fn refusal(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::Union(..) => Some("unions"),
        DataType::Dictionary(_, values) if values.is_nested() => {
            Some("dictionaries of nested values")
        }
        DataType::Dictionary(_, values) if matches!(**values, DataType::Dictionary(..)) => {
            Some("dictionaries of dictionaries")
        }
        DataType::Struct(fields) if fields.is_empty() => Some("structs without columns"),
        _ => None,
    }
}
