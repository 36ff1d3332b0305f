//! Chosen rows, copied out of the batches they were found in.
//!
//! A filtered view column still refers to every page it was filtered from. What is kept or handed
//! out is compacted first: this is the one copy that a chosen row sees.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{
    Array, ArrayRef, GenericByteViewArray, RecordBatch, RecordBatchOptions, make_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef};

use crate::error::{Error, Result};

/// A column with 32-bit offsets is kept well below its limit of 2 GiB.
const OFFSET_LIMIT: usize = 1 << 30;

/// Brings `batch` into exactly `schema` and lets go of all memory but its own.
///
/// Text that was read as views gets the layout that the schema names; a batch whose text would not
/// fit 32-bit offsets becomes several.
pub(crate) fn finish(
    batch: &RecordBatch,
    schema: &SchemaRef,
    out: &mut Vec<RecordBatch>,
) -> Result<()> {
    let rows = batch.num_rows();
    let too_long = std::iter::zip(batch.columns(), schema.fields()).any(|(column, field)| {
        matches!(field.data_type(), DataType::Utf8 | DataType::Binary)
            && view_bytes(column) > OFFSET_LIMIT
    });
    if too_long && rows > 1 {
        finish(&batch.slice(0, rows / 2), schema, out)?;
        return finish(&batch.slice(rows / 2, rows - rows / 2), schema, out);
    }
    let columns = std::iter::zip(batch.columns(), schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return compact(column);
            }
            cast(column, field.data_type()).map_err(|error| {
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
    let size = |column: &ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|c| size(c).unwrap_or_else(|_| c.get_array_memory_size())).sum()
}
