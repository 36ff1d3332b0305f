//! Compaction: chosen rows are copied out of the batches that they were found in.
//!
//! A filtered view column still refers to every page it was filtered from. What is kept or handed
//! out is compacted first: this is the one copy that a chosen row sees.

use std::sync::Arc;

use arrow_array::builder::GenericByteBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    BinaryType, BinaryViewType, ByteArrayType, ByteViewType, LargeBinaryType, LargeUtf8Type,
    StringViewType, Utf8Type,
};
use arrow_array::{
    Array, ArrayRef, GenericByteViewArray, RecordBatch, RecordBatchOptions, make_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef};

use crate::error::{Error, Result};
use crate::exec::memory;

/// Text that is copied out at once: well below what 32-bit offsets hold, and little enough for rows
/// that all refer to one long text of a dictionary.
const COPY_LIMIT: usize = 128 << 20;

/// Casts `batch` to exactly `schema`, in memory that no other batch shares.
///
/// Text that was read as views gets the layout that the schema names; a batch of much text
/// becomes several.
pub(crate) fn finish(
    batch: &RecordBatch,
    schema: &SchemaRef,
    out: &mut Vec<RecordBatch>,
) -> Result<()> {
    let rows = batch.num_rows();
    let too_long = std::iter::zip(batch.columns(), schema.fields()).any(|(column, field)| {
        matches!(
            field.data_type(),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary
        ) && view_bytes(column) > COPY_LIMIT
    });
    if too_long && rows > 1 {
        finish(&batch.slice(0, rows / 2), schema, out)?;
        return finish(&batch.slice(rows / 2, rows - rows / 2), schema, out);
    }
    let bytes = batch.columns().iter().map(view_bytes).sum();
    memory::require(bytes, || format!("the texts of {rows} chosen rows"))?;
    let columns = std::iter::zip(batch.columns(), schema.fields())
        .map(|(column, field)| {
            let copied = match (column.data_type(), field.data_type()) {
                (own, same) if own == same => return compact(column),
                (DataType::Utf8View, DataType::Utf8) => {
                    Ok(with_offsets::<StringViewType, Utf8Type>(column))
                }
                (DataType::Utf8View, DataType::LargeUtf8) => {
                    Ok(with_offsets::<StringViewType, LargeUtf8Type>(column))
                }
                (DataType::BinaryView, DataType::Binary) => {
                    Ok(with_offsets::<BinaryViewType, BinaryType>(column))
                }
                (DataType::BinaryView, DataType::LargeBinary) => {
                    Ok(with_offsets::<BinaryViewType, LargeBinaryType>(column))
                }
                (_, other) => cast(column, other),
            };
            copied.map_err(|error| {
                Error::Schema(format!(
                    "column {:?} can't be turned from {} into {}: {error}",
                    field.name(),
                    column.data_type(),
                    field.data_type()
                ))
            })
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| Error::Schema(error.to_string()))?;
    out.push(batch);
    Ok(())
}

/// As [`finish`], for a batch that has its schema already.
pub(crate) fn compact_batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(compact).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options).map_err(Error::kernel)
}

fn compact(column: &ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::Utf8View => Ok(compact_views::<StringViewType>(column)),
        DataType::BinaryView => Ok(compact_views::<BinaryViewType>(column)),
        kind if holds_views(kind) => {
            let data = column.to_data();
            let children = data
                .child_data()
                .iter()
                .map(|child| Ok(compact(&make_array(child.clone()))?.to_data()));
            let children = children.collect::<Result<Vec<_>>>()?;
            data.into_builder().child_data(children).build().map(make_array).map_err(Error::kernel)
        }
        _ => Ok(column.clone()),
    }
}

fn holds_views(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8View | DataType::BinaryView => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => holds_views(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_views(field.data_type())),
        _ => false,
    }
}

fn compact_views<T: ByteViewType>(column: &ArrayRef) -> ArrayRef {
    let views: &GenericByteViewArray<T> = column.as_byte_view();
    let held: usize = views.data_buffers().iter().map(arrow_buffer::Buffer::len).sum();
    if held > 2 * views.total_buffer_bytes_used() { Arc::new(views.gc()) } else { column.clone() }
}

/// The values of a view column, one after the other. A cast would not know how much memory they
/// need, and copy them again whenever it runs out.
fn with_offsets<V: ByteViewType, T: ByteArrayType>(column: &ArrayRef) -> ArrayRef
where
    V::Native: AsRef<T::Native>,
{
    let views: &GenericByteViewArray<V> = column.as_byte_view();
    let mut values = GenericByteBuilder::<T>::with_capacity(views.len(), view_bytes(column));
    views.iter().for_each(|value| values.append_option(value));
    Arc::new(values.finish())
}

/// Bytes that a view column would have as an offset column; 0 for other columns.
fn view_bytes(column: &ArrayRef) -> usize {
    let views: &[u128] = match column.data_type() {
        DataType::Utf8View => column.as_string_view().views(),
        DataType::BinaryView => column.as_binary_view().views(),
        _ => return 0,
    };
    views.iter().map(|&view| view as u32 as usize).sum()
}

/// Bytes of memory that the rows of a batch take, for budgets.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> usize {
    let size = |column: &ArrayRef| {
        // Files of thousands of columns have mostly numbers, which need no copy of their layout.
        if let Some(width) = column.data_type().primitive_width() {
            let nulls = column.nulls().map_or(0, |_| column.len().div_ceil(8));
            return column.len() * width + nulls;
        }
        let data = column.to_data();
        data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    batch.columns().iter().map(size).sum()
}
