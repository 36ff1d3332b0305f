//! Where pages begin, and splitting large row groups there.
//!
//! A footer only tells where a column chunk begins. Some writers add an index of its pages; of the
//! others, the header of every page is looked at once, and what it says is kept for all passes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parquet::column::page::{PageMetadata, PageReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};

use super::{ParquetFile, catch};
use crate::error::Result;
use crate::exec::lock;
use crate::source::file::OpenFile;

/// Where the pages of chunks are that were looked at. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory(Arc<Mutex<Known>>);

/// By row group and leaf column; none where headers do not tell.
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

    /// Where the data pages of a column chunk are, in order, if that can be told.
    pub(super) fn locations(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Option<Vec<PageLocation>> {
        let index = self.metadata().offset_index().and_then(|groups| groups.get(group)?.get(leaf));
        if let Some(index) = index {
            return Some(index.page_locations().clone());
        }
        if let Some(known) = lock(&self.pages.0).get(&(group, leaf)) {
            return known.clone();
        }
        let found = self.look(open, group, leaf);
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
        let column = group.column(leaf);
        let flat = column.column_descr().max_rep_level() == 0;
        let dictionary = usize::from(headers.first().is_some_and(|(_, page)| page.is_dict));
        let (mut pages, mut row) = (Vec::with_capacity(headers.len()), 0);
        for (offset, page) in &headers[dictionary..] {
            let offset = *offset as i64;
            pages.push(PageLocation { offset, compressed_page_size: 0, first_row_index: row });
            let count = page.num_rows.or(page.num_levels.filter(|_| flat))?;
            row += i64::try_from(count).ok()?;
        }
        let (start, length) = column.byte_range();
        let mut end = (start + length) as i64;
        for page in pages.iter_mut().rev() {
            page.compressed_page_size = i32::try_from(end - page.offset).ok()?;
            end = page.offset;
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
        let pages = headers.iter().map(|(_, page)| page).filter(|page| !page.is_dict);
        let values = pages.map(|page| page.num_levels.or(page.num_rows).unwrap_or(0) as u64);
        // Damaged headers may say anything.
        Ok(values.fold(0, u64::saturating_add))
    }

    /// The headers of a chunk's pages, each with its place in the file.
    fn headers(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Result<Vec<(u64, PageMetadata)>> {
        catch(self.file.path(), || {
            let group = self.metadata().row_group(group);
            let (column, rows) = (group.column(leaf), group.num_rows() as usize);
            let headers = Arc::new(Headers { open: open.clone(), asked: AtomicU64::new(0) });
            let mut pages = SerializedPageReader::new(headers.clone(), column, rows, None)?;
            let mut found = Vec::new();
            while let Some(page) = pages.peek_next_page()? {
                found.push((headers.asked.load(Ordering::Relaxed), page));
                pages.skip_next_page()?;
            }
            Ok(found)
        })
    }
}

/// A file that remembers where it was read last: the reader of `parquet` begins a read at each
/// header, but does not tell where that is.
struct Headers {
    open: Arc<OpenFile>,
    asked: AtomicU64,
}

impl Length for Headers {
    fn len(&self) -> u64 {
        Length::len(&*self.open)
    }
}

impl ChunkReader for Headers {
    type T = <OpenFile as ChunkReader>::T;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.asked.store(start, Ordering::Relaxed);
        self.open.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.open.get_bytes(start, length)
    }
}
