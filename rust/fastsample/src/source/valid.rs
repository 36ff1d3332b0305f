//! Validation of Arrow data from outside: text must be UTF-8; all else is trusted.

use arrow_array::cast::AsArray;
use arrow_array::{Array, GenericListArray, GenericStringArray, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;

use crate::error::{Error, Result};

/// Text from outside may be declared UTF-8 without being it; the code after this relies on UTF-8.
pub(crate) fn check_text(batch: &RecordBatch) -> Result<()> {
    for (column, field) in std::iter::zip(batch.columns(), batch.schema_ref().fields()) {
        if holds_text(column.data_type()) && !is_surely_valid(column) {
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

/// The fast way for the usual layouts; false means that a closer look is needed.
fn is_surely_valid(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::Utf8 => all_utf8::<i32>(column.as_string()),
        DataType::LargeUtf8 => all_utf8::<i64>(column.as_string()),
        DataType::List(_) => are_items_valid(column.as_list::<i32>()),
        DataType::LargeList(_) => are_items_valid(column.as_list::<i64>()),
        DataType::Struct(_) => {
            let mut columns = column.as_struct().columns().iter();
            columns.all(|column| !holds_text(column.data_type()) || is_surely_valid(column))
        }
        _ => false,
    }
}

/// Looks at the items of a slice alone: those of the whole array may be a thousand times as many.
fn are_items_valid<O: OffsetSizeTrait>(array: &GenericListArray<O>) -> bool {
    let offsets = array.value_offsets();
    let (first, last) = (offsets[0].as_usize(), offsets[array.len()].as_usize());
    offsets.windows(2).all(|pair| pair[0] <= pair[1])
        && last <= array.values().len()
        && is_surely_valid(&array.values().slice(first, last - first))
}

/// All texts in one go: valid UTF-8 in which every text begins where a character does.
fn all_utf8<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> bool {
    let offsets = array.value_offsets();
    let (first, last) = (offsets[0].as_usize(), offsets[array.len()].as_usize());
    let Some(bytes) = array.value_data().get(first..last) else { return false };
    let Ok(text) = simdutf8::basic::from_utf8(bytes) else { return false };
    offsets.windows(2).all(|pair| pair[0] <= pair[1])
        && offsets.iter().all(|offset| text.is_char_boundary(offset.as_usize() - first))
}

fn holds_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => holds_text(value),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => holds_text(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_text(field.data_type())),
        _ => false,
    }
}
