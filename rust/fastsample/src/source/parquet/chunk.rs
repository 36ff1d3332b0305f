//! Column chunk: where its bytes are.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;

/// Where the pages of a chunk are.
///
/// The numbers are those of a footer that was checked: they are not negative, and lie in the file.
pub(super) fn range(column: &ColumnChunkMetaData) -> Range<u64> {
    let data = column.data_page_offset();
    let start = match column.dictionary_page_offset() {
        Some(dictionary) if (1..data).contains(&dictionary) => dictionary,
        _ => data,
    };
    start as u64..start.saturating_add(column.compressed_size()) as u64
}
