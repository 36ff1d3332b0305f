//! Whole columns, as tests and fuzz targets compare what several ways to read make of a file.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use arrow_select::concat::concat;

use super::decoder::Decoded;
use super::file::ParquetFile;
use super::plain_pages::plain_pages;
use super::stream::Stream;
use super::wanted::Wanted;
use crate::error::{Error, Result};
use crate::source::batches::Batches;

/// All rows of each column in one layout.
pub(super) fn columns(batches: impl Iterator<Item = Result<RecordBatch>>) -> Result<Vec<ArrayRef>> {
    let batches = batches.collect::<Result<Vec<_>>>()?;
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let plain = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => cast(column, &DataType::Utf8),
        DataType::BinaryView => cast(column, &DataType::Binary),
        _ => Ok(column.clone()),
    };
    let column = |index: usize| {
        let parts = batches.iter().map(|batch| plain(batch.column(index)));
        let parts = parts.collect::<Result<Vec<ArrayRef>, _>>()?;
        concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())
    };
    let all = (0..first.num_columns()).map(column).collect::<Result<Vec<ArrayRef>, _>>();
    all.map_err(|error| Error::Schema(error.to_string()))
}

/// Some columns through the decoder of `parquet`.
pub(super) fn decoded(file: &ParquetFile, wanted: &Wanted, roots: &[usize]) -> Result<Decoded> {
    Decoded::open(file, file.open_again()?.with_buffers(&wanted.buffers), wanted, roots)
}

/// A column as a stream, if it can be one, whatever its size.
pub(super) fn streamed(
    file: &ParquetFile,
    wanted: &Wanted,
    root: usize,
) -> Result<Option<Batches<'static>>> {
    let handle = file.open_again()?;
    let pages = plain_pages(file, &handle, wanted.group, root, 0);
    Ok(pages.map(|pages| Box::new(Stream::new(file, handle, wanted, root, pages)) as Batches<'_>))
}
