//! Bytes that some rows of a column take when they are copied.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;

use crate::error::Result;
use crate::exec::memory;

/// Copies of fewer bytes than this are not asked for.
const FEW_BYTES: usize = 8 << 20;

/// Makes sure that there is memory for copies of the rows of `batch` that `rows` says.
///
/// # Errors
/// [`crate::Error::Memory`] if there is not.
pub(crate) fn require_rows<I: Iterator<Item = usize>>(
    batch: &RecordBatch,
    rows: impl Fn() -> I,
) -> Result<()> {
    let slice = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    if batch.columns().iter().map(slice).sum::<usize>() < FEW_BYTES {
        return Ok(());
    }
    let bytes = batch.columns().iter().map(|column| bytes_of(column, rows())).sum();
    memory::require(bytes, || "copies of the chosen rows".to_owned())
}

/// Bytes of some rows of a column: of texts, bytes and lists what they hold, of others their width.
pub(crate) fn bytes_of(column: &ArrayRef, rows: impl Iterator<Item = usize>) -> usize {
    match column.data_type() {
        DataType::Utf8 => between(column.as_string::<i32>().value_offsets(), rows),
        DataType::LargeUtf8 => between(column.as_string::<i64>().value_offsets(), rows),
        DataType::Binary => between(column.as_binary::<i32>().value_offsets(), rows),
        DataType::LargeBinary => between(column.as_binary::<i64>().value_offsets(), rows),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            between(list.value_offsets(), rows).saturating_mul(item_bytes(list.values()))
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            between(list.value_offsets(), rows).saturating_mul(item_bytes(list.values()))
        }
        kind => rows.count().saturating_mul(kind.primitive_width().unwrap_or(0)),
    }
}

fn between<O: OffsetSizeTrait>(offsets: &[O], rows: impl Iterator<Item = usize>) -> usize {
    rows.map(|row| (offsets[row + 1] - offsets[row]).as_usize()).sum()
}

/// Bytes of an item, on average.
fn item_bytes(items: &ArrayRef) -> usize {
    let bytes = items.to_data().get_slice_memory_size().unwrap_or(0);
    bytes.div_ceil(items.len().max(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int64Type;
    use arrow_array::{Int32Array, ListArray, StringArray};

    use super::*;

    #[test]
    fn rows_are_as_wide_as_what_they_hold() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["abc", "", "de"]));
        assert_eq!(bytes_of(&texts, [0, 2, 0].into_iter()), 8);
        let sliced = texts.slice(1, 2);
        assert_eq!(bytes_of(&sliced, 0..2), 2);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
        assert_eq!(bytes_of(&numbers, 0..2), 8);
        let lists = [Some(vec![Some(1), Some(2)]), None];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
        assert!(bytes_of(&lists, 0..2) >= 16 && bytes_of(&lists, 1..2) == 0);
        let batch = RecordBatch::try_from_iter([("lists", lists)]).expect("one column");
        assert!(require_rows(&batch, || 0..2).is_ok());
    }
}
