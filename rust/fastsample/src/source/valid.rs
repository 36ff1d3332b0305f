//! Data handed over in memory is believed, except that text is text.

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use crate::error::{Error, Result};

/// Text from outside may claim to be UTF-8 without being it; nothing downstream could bear that.
pub(super) fn check_text(batch: &RecordBatch) -> Result<()> {
    for (column, field) in std::iter::zip(batch.columns(), batch.schema_ref().fields()) {
        if holds_text(column.data_type()) {
            column.to_data().validate_full().map_err(|error| {
                Error::Invalid(format!(
                    "column {:?} holds text that is not valid UTF-8 ({error}); \
                     clean it, or cast the column to binary first",
                    field.name()
                ))
            })?;
        }
    }
    Ok(())
}

fn holds_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => holds_text(value),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => holds_text(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_text(field.data_type())),
        _ => false,
    }
}
