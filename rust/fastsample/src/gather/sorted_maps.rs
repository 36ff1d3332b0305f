//! Sorted keys of maps, which arrow-rs drops when it exports a field by the C data interface.

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};

use crate::error::{Error, Result};

/// A schema as an IPC stream without rows, if one of its maps has sorted keys.
///
/// # Errors
/// [`Error::Schema`] for a type that IPC does not have.
pub fn sorted_maps_message(schema: &Schema) -> Result<Option<Vec<u8>>> {
    if !schema.fields().iter().any(|field| has_sorted_map(field)) {
        return Ok(None);
    }
    let stream = StreamWriter::try_new(Vec::new(), schema).and_then(StreamWriter::into_inner);
    stream.map(Some).map_err(|error| Error::Schema(format!("{error}; cast the column")))
}

fn has_sorted_map(field: &Field) -> bool {
    match field.data_type() {
        DataType::Map(_, true) => true,
        DataType::Map(inner, _)
        | DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::FixedSizeList(inner, _) => has_sorted_map(inner),
        DataType::Struct(fields) => fields.iter().any(|field| has_sorted_map(field)),
        _ => false,
    }
}
