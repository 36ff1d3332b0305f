//! Page reader: the pages of a column chunk for the decoder of `parquet`.
//!
//! ```text
//!  file ─▶ places ─▶ header ─▶ bytes ─▶ checksum ─▶ codec ─▶ bounds ─▶ decoder
//!          listed or walked                          a dictionary only when a page needs it
//! ```
//!
//! Writers give a column of texts a dictionary, find it too large after a megabyte, and write the
//! rest of the chunk plainly. A row group is read span by span, each with a reader of its own, and
//! most of these never need the dictionary.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::bounds;
use super::chunk::range;
use super::codec::inflate;
use super::file::ParquetFile;
use super::header::{Header, PageKind};
use crate::error::Error;
use crate::source::file::OpenFile;

/// Bytes by which pages may reach beyond their chunk: old writers forgot to count the header of a
/// dictionary (PARQUET-816).
pub(super) const SLACK: u64 = 100;

/// A chunk of at most so many bytes is read as a whole: to look at each header and then read each
/// page takes six calls of the system, of which a file of many small chunks has as many.
const SMALL_CHUNK: u64 = 256 << 10;

/// A page: its header, and where its bytes begin.
struct FoundPage {
    header: Header,
    start: u64,
}

impl FoundPage {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.header.compressed as u64)
    }
}

/// Where the data pages are.
enum PagePlaces {
    /// Each in its place, with its first row.
    Listed(VecDeque<PageLocation>),
    /// One behind the other; perhaps the next has been looked at.
    Walked { offset: u64, next: Option<FoundPage> },
}

/// The pages of a chunk.
pub(super) struct Pages {
    open: Arc<OpenFile>,
    file: ParquetFile,
    group: usize,
    leaf: usize,
    range: Range<u64>,
    /// The chunk's end, with what old writers forgot.
    limit: u64,
    places: PagePlaces,
    /// All bytes of a small chunk, once one was asked for.
    whole: Option<Bytes>,
    is_small: bool,
    /// Where the dictionary is, until a page needed it.
    dictionary: Option<u64>,
    /// A page that needs the dictionary, which goes first.
    waiting: Option<Page>,
    /// Values that pages may still have.
    values_left: i64,
}

impl Pages {
    pub(super) fn new(open: &Arc<OpenFile>, file: &ParquetFile, group: usize, leaf: usize) -> Self {
        let column = file.metadata().row_group(group).column(leaf);
        let range = range(column);
        let limit = range.end.saturating_add(SLACK).min(open.size());
        let is_small = limit.saturating_sub(range.start) <= SMALL_CHUNK && !open.is_far();
        // A small chunk is walked in memory, unless somebody wrote down where its pages are.
        let is_walked = is_small && column.offset_index_offset().is_none();
        let known = if is_walked { None } else { file.locations(open, group, leaf) };
        let (places, dictionary) = match known {
            Some(pages) => {
                // What precedes the first page can only be a dictionary.
                let first = pages.first().map_or(range.start, |page| page.offset as u64);
                (PagePlaces::Listed(pages.into()), (first > range.start).then_some(range.start))
            }
            None => (PagePlaces::Walked { offset: range.start, next: None }, None),
        };
        Self {
            limit,
            whole: None,
            is_small,
            values_left: column.num_values(),
            open: open.clone(),
            file: file.clone(),
            group,
            leaf,
            range,
            places,
            dictionary,
            waiting: None,
        }
    }

    fn row_group(&self) -> &RowGroupMetaData {
        self.file.metadata().row_group(self.group)
    }

    /// Fails, and leaves the reason where it is found when the decoder has made a text of it.
    fn fail<T>(&self, error: Error) -> Result<T> {
        Err(self.open.remember(error))
    }

    fn damaged<T>(&self, what: &str) -> Result<T> {
        let what = format!("damaged: {what}; fetch or write the file again");
        self.fail(Error::corrupt(self.open.path(), what))
    }

    /// The bytes of a small chunk from `offset` to `end`; none of others.
    fn within(&mut self, offset: u64, end: u64) -> Result<Option<Bytes>> {
        if !self.is_small {
            return Ok(None);
        }
        if self.whole.is_none() {
            let len = self.limit.saturating_sub(self.range.start) as usize;
            let whole = self.open.read_lent(self.range.start, len);
            self.whole = Some(whole.or_else(|error| self.fail(error))?);
        }
        let from = |at: u64| at.checked_sub(self.range.start).map(|at| at as usize);
        let found = from(offset).zip(from(end)).and_then(|(first, last)| {
            let whole = self.whole.as_ref()?;
            (first <= last && last <= whole.len()).then(|| whole.slice(first..last))
        });
        Ok(found)
    }

    fn header(&mut self, offset: u64, end: u64) -> Result<FoundPage> {
        let header = match self.within(offset, end)? {
            Some(bytes) => Header::read_from(&self.open, offset, &bytes),
            None => Header::read(&self.open, offset, end),
        };
        let header = header.or_else(|error| self.fail(error))?;
        let start = offset + header.len as u64;
        let found = FoundPage { header, start };
        if found.end() > self.limit {
            return self.damaged("a page reaches beyond its column");
        }
        Ok(found)
    }

    /// Looks at the next data page, if pages are walked. Dictionaries are passed over.
    fn look(&mut self) -> Result<()> {
        loop {
            let PagePlaces::Walked { offset: at, next: None } = self.places else {
                return Ok(());
            };
            if at >= self.range.end {
                return Ok(());
            }
            let found = self.header(at, self.limit)?;
            if matches!(found.header.kind, PageKind::Dictionary { .. }) {
                self.dictionary = Some(at);
            }
            let offset = found.end();
            let next = found.header.is_data().then_some(found);
            self.places = PagePlaces::Walked { offset, next };
        }
    }

    /// The next data page.
    fn next_found(&mut self) -> Result<Option<FoundPage>> {
        self.look()?;
        match &mut self.places {
            PagePlaces::Walked { next, .. } => Ok(next.take()),
            PagePlaces::Listed(pages) => {
                let Some(page) = pages.pop_front() else { return Ok(None) };
                let next = pages.front().map(|next| next.first_row_index);
                let group = self.row_group();
                let rows = next.unwrap_or(group.num_rows()).saturating_sub(page.first_row_index);
                let flat = group.column(self.leaf).column_descr().max_rep_level() == 0;
                let start = page.offset as u64;
                let end = start.saturating_add(page.compressed_page_size.max(0) as u64);
                let found = self.header(start, end.min(self.limit))?;
                if !found.header.is_data()
                    || found.end() > end
                    || (flat && i64::from(found.header.values()) != rows)
                {
                    return self.damaged("the page index does not lead to the pages");
                }
                Ok(Some(found))
            }
        }
    }

    /// Reads, checks and inflates a page.
    fn load(&mut self, found: &FoundPage) -> Result<Page> {
        let open = self.open.clone();
        let header = &found.header;
        self.values_left -= i64::from(header.values());
        if self.values_left < 0 {
            return self.damaged("pages have more values than their column");
        }
        let stored = match self.within(found.start, found.end())? {
            Some(bytes) => Ok(bytes),
            None => open.read_lent(found.start, header.compressed),
        };
        let stored = stored.or_else(|error| self.fail(error))?;
        if header.checksum.is_some_and(|sum| sum != crc32fast::hash(&stored)) {
            return self.damaged("a page does not match its checksum");
        }
        let (levels, is_compressed) = match header.kind {
            PageKind::V2 { definition_bytes, repetition_bytes, compressed, .. } => {
                (definition_bytes + repetition_bytes, compressed || self.file.all_compressed())
            }
            _ => (0, true),
        };
        let column = self.row_group().column(self.leaf);
        let codec = column.compression();
        let buf = if is_compressed {
            inflate(codec, &stored, levels, header.uncompressed, &open, self.file.budget())
        } else {
            Ok(stored)
        };
        let buf = buf.or_else(|error| self.fail(error))?;
        if levels > buf.len() {
            return self.damaged("the levels are longer than their page");
        }
        if let Err(error) = bounds::check(header, &buf, column, &self.file) {
            return self.fail(error);
        }
        match header.page(buf) {
            Some(page) => Ok(page),
            None => self.damaged("an index page among the data"),
        }
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if let Some(page) = self.waiting.take() {
            return Ok(Some(page));
        }
        let Some(found) = self.next_found()? else { return Ok(None) };
        let page = self.load(&found)?;
        if matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
            && let Some(offset) = self.dictionary.take()
        {
            self.waiting = Some(page);
            let found = self.header(offset, self.limit)?;
            if !matches!(found.header.kind, PageKind::Dictionary { .. }) {
                return self.damaged("no dictionary where there should be one");
            }
            return self.load(&found).map(Some);
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        if let Some(page) = &self.waiting {
            let num_levels = Some(page.num_values() as usize);
            return Ok(Some(PageMetadata { num_rows: None, num_levels, is_dict: false }));
        }
        self.look()?;
        Ok(match &self.places {
            PagePlaces::Listed(pages) => pages.front().map(|page| {
                let next = pages.get(1).map(|next| next.first_row_index);
                let next = next.unwrap_or(self.row_group().num_rows());
                let rows = next.saturating_sub(page.first_row_index).max(0) as usize;
                PageMetadata { num_rows: Some(rows), num_levels: None, is_dict: false }
            }),
            PagePlaces::Walked { next, .. } => next.as_ref().map(|found| {
                let rows = match found.header.kind {
                    PageKind::V2 { rows, .. } => Some(rows as usize),
                    _ => None,
                };
                let num_levels = Some(found.header.values() as usize);
                PageMetadata { num_rows: rows, num_levels, is_dict: false }
            }),
        })
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.waiting.take().is_some() {
            return Ok(());
        }
        self.look()?;
        match &mut self.places {
            PagePlaces::Listed(pages) => drop(pages.pop_front()),
            PagePlaces::Walked { next, .. } => drop(next.take()),
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
