//! Where pages begin, and splitting large row groups there.
//!
//! A footer only says where a column chunk begins. Some writers add a page index. Without one, the
//! header of every page is read once, and its content is kept for all passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use parquet::file::page_index::offset_index::PageLocation;

use super::ParquetFile;
use super::chunk::range;
use super::header::{Header, Kind};
use super::index;
use crate::error::Result;
use crate::exec::lock;
use crate::source::file::OpenFile;

/// Where the pages of chunks are that were looked at. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory(Arc<Mutex<Known>>);

/// By row group and leaf column; none where headers do not say.
type Known = HashMap<(usize, usize), Option<Vec<PageLocation>>>;

impl ParquetFile {
    /// Rows of a group at which it may be split into spans of about `target` uncompressed bytes.
    ///
    /// Splits lie where a page of the heaviest column begins, since a page can only be
    /// decompressed whole. A page of a lighter column that straddles a split is read on both
    /// sides, so spans are made long enough for that not to matter. A group whose page limits are
    /// unknown (repeated values without an index) or that consists of few large pages stays whole.
    pub(crate) fn splits(&self, group: usize, roots: &[usize], target: usize) -> Vec<u64> {
        const STRADDLED_SHARE: usize = 8;
        if self.bytes(group, roots) < target + target / 2 {
            return Vec::new();
        }
        let Ok(open) = self.file.open() else { return Vec::new() };
        let open = Arc::new(open);
        let mut heaviest: (usize, Vec<PageLocation>) = (0, Vec::new());
        let mut straddled = 0;
        for leaf in self.leaves(roots) {
            let bytes = self.metadata().row_group(group).column(leaf).uncompressed_size() as usize;
            let Some(pages) = self.locations(&open, group, leaf) else { return Vec::new() };
            straddled += bytes / pages.len().max(1);
            if bytes > heaviest.0 {
                straddled -= bytes / pages.len().max(1);
                straddled += heaviest.0 / heaviest.1.len().max(1);
                heaviest = (bytes, pages);
            }
        }
        let rows = self.metadata().row_group(group).num_rows() as usize;
        let target = target.max(straddled * STRADDLED_SHARE);
        let span_rows = (rows as u128 * target as u128 / self.bytes(group, roots) as u128) as u64;
        let mut splits = Vec::new();
        let mut last = 0;
        for start in heaviest.1.into_iter().map(|page| page.first_row_index as u64) {
            let too_short_a_rest = (rows as u64 - start) < span_rows / 2;
            if start >= last + span_rows && !too_short_a_rest {
                splits.push(start);
                last = start;
            }
        }
        splits
    }

    /// Where the data pages of a column chunk are, in order, if that is known.
    pub(super) fn locations(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Option<Vec<PageLocation>> {
        if let Some(known) = lock(&self.pages.0).get(&(group, leaf)) {
            return known.clone();
        }
        // The index only saves time; without a sound one, page headers say the same.
        let found = index::read(open, self.metadata().row_group(group), leaf);
        let found = found.or_else(|| self.look(open, group, leaf));
        lock(&self.pages.0).insert((group, leaf), found.clone());
        found
    }

    /// What the headers of a chunk say; none if not how many rows, or not as many as there are.
    pub(super) fn look(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Option<Vec<PageLocation>> {
        let headers = self.headers(open, group, leaf).ok()?;
        let group = self.metadata().row_group(group);
        let flat = group.column(leaf).column_descr().max_rep_level() == 0;
        let (mut pages, mut row) = (Vec::with_capacity(headers.len()), 0);
        for (offset, header) in &headers {
            let rows = match header.kind {
                Kind::V2 { rows, .. } => rows,
                Kind::V1 { values, .. } if flat => values,
                Kind::Dictionary { .. } if pages.is_empty() => continue,
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
    pub(super) fn count_values(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Result<u64> {
        let headers = self.headers(open, group, leaf)?;
        Ok(headers.iter().map(|(_, header)| u64::from(header.values())).sum())
    }

    /// The headers of a chunk's pages, each with its place in the file.
    fn headers(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Result<Vec<(u64, Header)>> {
        let range = range(self.metadata().row_group(group).column(leaf));
        let (mut found, mut offset) = (Vec::new(), range.start);
        while offset < range.end {
            let header = Header::read(open, offset, open.size())?;
            let end = offset + (header.len + header.compressed) as u64;
            found.push((offset, header));
            offset = end;
        }
        Ok(found)
    }
}
