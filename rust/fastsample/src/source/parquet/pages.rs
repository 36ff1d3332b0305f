//! Page directory: where the data pages of column chunks are, remembered for all passes.
//!
//! A footer only says where a column chunk begins. Some writers add a page index. Without one, the
//! header of every page is read once, and its content is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::chunk::range;
use super::header::{Header, PageKind};
use super::index;
use crate::error::Result;
use crate::exec::lock;
use crate::source::file::OpenFile;

/// Where the pages of chunks are that were looked at. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory(Arc<Mutex<Known>>, Arc<OnceLock<()>>);

/// By row group and leaf column; none where headers do not say.
type Known = HashMap<(usize, usize), Option<Vec<PageLocation>>>;

impl Directory {
    /// Where the data pages of a column chunk are, in order, if that is known.
    pub(super) fn locations(
        &self,
        open: &OpenFile,
        metadata: &ParquetMetaData,
        group: usize,
        leaf: usize,
    ) -> Option<Vec<PageLocation>> {
        if let Some(known) = lock(&self.0).get(&(group, leaf)) {
            return known.clone();
        }
        if open.is_far() {
            // To walk from header to header would take a request each.
            self.1.get_or_init(|| self.fill(&open.apart(), metadata));
            return lock(&self.0).get(&(group, leaf)).cloned().flatten();
        }
        // The index only saves time; without a sound one, page headers say the same.
        let row_group = metadata.row_group(group);
        let found = index::read(open, row_group, leaf);
        let found = found.or_else(|| by_headers(open, row_group, leaf));
        lock(&self.0).insert((group, leaf), found.clone());
        found
    }

    /// Reads the index of all chunks of a file far away, which lies in one place.
    fn fill(&self, open: &OpenFile, metadata: &ParquetMetaData) {
        let groups = || metadata.row_groups().iter();
        let chunks = groups().flat_map(RowGroupMetaData::columns);
        open.plan(vec![chunks.filter_map(index::range).collect()]);
        for (number, group) in groups().enumerate() {
            for leaf in 0..group.columns().len() {
                let found = index::read(open, group, leaf);
                lock(&self.0).insert((number, leaf), found);
            }
        }
    }
}

/// What the headers of a chunk say; none if not how many rows, or not as many as there are.
pub(super) fn by_headers(
    open: &OpenFile,
    group: &RowGroupMetaData,
    leaf: usize,
) -> Option<Vec<PageLocation>> {
    let column = group.column(leaf);
    let headers = headers(open, column).ok()?;
    let flat = column.column_descr().max_rep_level() == 0;
    let (mut pages, mut row) = (Vec::with_capacity(headers.len()), 0);
    for (offset, header) in &headers {
        let rows = match header.kind {
            PageKind::V2 { rows, .. } => rows,
            PageKind::V1 { values, .. } if flat => values,
            PageKind::Dictionary { .. } if pages.is_empty() => continue,
            _ => return None,
        };
        let compressed_page_size = i32::try_from(header.len + header.compressed).ok()?;
        let offset = *offset as i64;
        pages.push(PageLocation { offset, compressed_page_size, first_row_index: row });
        row += i64::from(rows);
    }
    (row == group.num_rows()).then_some(pages)
}

/// Values of a column chunk without repetition, by its page headers.
pub(super) fn count_values(open: &OpenFile, column: &ColumnChunkMetaData) -> Result<u64> {
    let headers = headers(open, column)?;
    Ok(headers.iter().map(|(_, header)| u64::from(header.values())).sum())
}

/// The headers of a chunk's pages, each with its place in the file.
fn headers(open: &OpenFile, column: &ColumnChunkMetaData) -> Result<Vec<(u64, Header)>> {
    let range = range(column);
    let (mut found, mut offset) = (Vec::new(), range.start);
    while offset < range.end {
        let header = Header::read(open, offset, open.size())?;
        let end = offset + (header.len + header.compressed) as u64;
        found.push((offset, header));
        offset = end;
    }
    Ok(found)
}
