//! Writers of the columns of a row group, made one column at a time.
//!
//! A writer has a compressor, a decompressor and a hash table: several hundred kilobytes. Those of all
//! columns of a file of thousands, made at once, take more memory than its rows, and more time to get it
//! than to encode them.

use std::io::sink;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::files::Outgoing;

/// For each top-level column of a file what makes its writers.
pub(super) struct ColumnWriters(Vec<ArrowRowGroupWriterFactory>);

impl ColumnWriters {
    /// Those of the columns of `schema`, which is that of `file`.
    pub(super) fn new(
        file: &SerializedFileWriter<Outgoing>,
        schema: &SchemaRef,
    ) -> Result<Self, ParquetError> {
        let root = file.schema_descr().root_schema();
        let of_column = |(index, field): (usize, &Arc<Type>)| {
            let alone = Type::group_type_builder(root.name()).with_fields(vec![field.clone()]);
            let alone = Arc::new(alone.build()?);
            // Only its schema counts: nothing is written.
            let nowhere = SerializedFileWriter::new(sink(), alone, file.properties().clone())?;
            let schema = Schema::new(vec![schema.field(index).clone()]);
            Ok(ArrowRowGroupWriterFactory::new(&nowhere, Arc::new(schema)))
        };
        root.get_fields().iter().enumerate().map(of_column).collect::<Result<_, _>>().map(Self)
    }

    /// The writers of the leaves of a column.
    pub(super) fn of(
        &self,
        group: usize,
        column: usize,
    ) -> Result<Vec<ArrowColumnWriter>, ParquetError> {
        self.0[column].create_column_writers(group)
    }
}
