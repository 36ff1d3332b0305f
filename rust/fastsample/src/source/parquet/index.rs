//! Offset index: where the pages of a column chunk are, as some writers note it.

use std::ops::Range;

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::chunk;
use super::thrift::{Compact, I32, I64, LIST, STRUCT};
use crate::source::file::OpenFile;

/// Where the index of a chunk lies, if it has one.
pub(super) fn range(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(column.offset_index_offset()?).ok()?;
    let length = u64::try_from(column.offset_index_length()?).ok()?;
    Some(start..start.checked_add(length)?)
}

/// The places of the data pages of a chunk; none without an index that makes sense.
pub(super) fn read(
    open: &OpenFile,
    group: &RowGroupMetaData,
    leaf: usize,
) -> Option<Vec<PageLocation>> {
    let column = group.column(leaf);
    let index = range(column)?;
    let length = usize::try_from(index.end - index.start).ok()?;
    let pages = parse(&open.read_buffer(index.start, length).ok()?)?;
    let range = chunk::range(column);
    let (mut place, mut row) = (range.start, -1);
    for page in &pages {
        let start = u64::try_from(page.offset).ok()?;
        let size = u64::try_from(page.compressed_page_size).ok()?;
        if start < place || size == 0 || page.first_row_index <= row {
            return None;
        }
        place = start.checked_add(size)?;
        row = page.first_row_index;
    }
    let sound = place <= range.end && row < group.num_rows() && pages.first()?.first_row_index == 0;
    sound.then_some(pages)
}

/// Parses a Thrift `OffsetIndex`.
fn parse(bytes: &[u8]) -> Option<Vec<PageLocation>> {
    let mut pages = None;
    Compact(bytes).fields(|thrift, id, kind| {
        if (id, kind) != (1, LIST) {
            return Some(false);
        }
        let count = thrift.list(STRUCT)?;
        let mut found = Vec::new();
        for _ in 0..count {
            found.push(location(thrift)?);
        }
        pages = Some(found);
        Some(true)
    })?;
    pages
}

/// `PageLocation`.
fn location(thrift: &mut Compact<'_>) -> Option<PageLocation> {
    let (mut offset, mut size, mut row) = (None, None, None);
    thrift.fields(|thrift, id, kind| {
        match (id, kind) {
            (1, I64) => offset = Some(thrift.long()?),
            (2, I32) => size = Some(thrift.int()?),
            (3, I64) => row = Some(thrift.long()?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    let (offset, compressed_page_size, first_row_index) = (offset?, size?, row?);
    Some(PageLocation { offset, compressed_page_size, first_row_index })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_parsed_whole_or_not_at_all() {
        // 1: list of one struct {1: 4, 2: 10, 3: 0}.
        let bytes = [0x19, 0x1c, 0x16, 8, 0x15, 20, 0x16, 0, 0, 0];
        let pages = parse(&bytes).expect("sound");
        let page = &pages[0];
        let found = (pages.len(), page.offset, page.compressed_page_size, page.first_row_index);
        assert_eq!(found, (1, 4, 10, 0));
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_none());
        }
    }
}
