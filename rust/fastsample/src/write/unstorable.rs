//! Types of Arrow that Parquet files can't hold.

use arrow_schema::{DataType, Field, Schema};

/// Why a schema can't be written as Parquet, if so.
pub(super) fn unstorable(schema: &Schema) -> Option<String> {
    schema.fields().iter().find_map(|field| {
        let kind = inside(field)?;
        Some(format!(
            "column {:?} holds {kind}, which Parquet files can't; \
             write Arrow IPC, or leave the column out with columns=",
            field.name()
        ))
    })
}

/// The first type within a field that can't be stored.
fn inside(field: &Field) -> Option<&'static str> {
    match field.data_type() {
        DataType::Union(..) => Some("unions"),
        DataType::Dictionary(_, values) if values.is_nested() => {
            Some("dictionaries of nested values")
        }
        DataType::Dictionary(_, values) if matches!(**values, DataType::Dictionary(..)) => {
            Some("dictionaries of dictionaries")
        }
        DataType::Struct(fields) if fields.is_empty() => Some("structs without columns"),
        DataType::Struct(fields) => fields.iter().find_map(|field| inside(field)),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => inside(item),
        _ => None,
    }
}
