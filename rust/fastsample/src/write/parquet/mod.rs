//! Parquet output: types that Parquet holds, row groups encoded column by column on all cores.

mod columns;
mod compression;
mod encoder;
mod explain;
mod storable;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

pub use self::compression::Compression;
use self::encoder::encode;
use self::explain::explain;
use self::storable::{refusal, storable_schema, to_schema};
use super::dictionary::Dictionaries;
use super::unstorable::check_types;
use crate::error::Result;
use crate::exec::Context;
use crate::files::{Outgoing, Output};

/// Rows of a row group: small enough that readers find many to share out, large enough for
/// compression and for the footer to stay small.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Options of Parquet output.
#[derive(Debug, Clone, Copy)]
pub struct ParquetOptions {
    /// The codec of every column.
    pub compression: Compression,
    /// Rows of a row group.
    pub row_group_rows: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self { compression: Compression::default(), row_group_rows: ROW_GROUP_ROWS }
    }
}

/// Writes `batches` into `file`.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    options: &ParquetOptions,
) -> Result<()> {
    check_types(schema, file, "Parquet", refusal)?;
    let storable = &storable_schema(schema);
    let mut dictionaries = Dictionaries::with_short_keys(storable);
    let batches = batches.map(|batch| dictionaries.unify(&to_schema(&batch?, storable)?));
    let schema = storable;
    let writer = open(file, schema, options).map_err(|error| explain(file, error))?;
    encode(ctx, file, schema, batches, writer, options.row_group_rows)
}

fn open(
    file: &Output,
    schema: &SchemaRef,
    options: &ParquetOptions,
) -> std::result::Result<SerializedFileWriter<Outgoing>, ParquetError> {
    // Readers that know nothing of Arrow find the metadata in the footer itself.
    let metadata: BTreeMap<_, _> = schema.metadata().iter().collect();
    let metadata = metadata.into_iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
    let properties = WriterProperties::builder()
        .set_compression(options.compression.0)
        .set_created_by(concat!("fastsample version ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(Some(metadata))
        .build();
    let handle = Outgoing::create(file).map_err(|error| ParquetError::External(Box::new(error)))?;
    let writer = ArrowWriter::try_new(handle, schema.clone(), Some(properties))?;
    Ok(writer.into_serialized_writer()?.0)
}
