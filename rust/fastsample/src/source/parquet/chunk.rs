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

use parquet::arrow::array_reader::RowGroups;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::ParquetFile;
use super::bounds;
use super::codec::inflate;
use super::header::{Header, Kind};
use crate::error::Error;
use crate::source::file::OpenFile;

/// Bytes by which pages may reach beyond their chunk: old writers forgot to count the header of a
/// dictionary (PARQUET-816).
const SLACK: u64 = 100;

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

/// A row group of an open file.
#[derive(Clone)]
pub(super) struct RowGroup {
    open: Arc<OpenFile>,
    file: ParquetFile,
    group: usize,
}

impl RowGroup {
    pub(super) fn new(open: &Arc<OpenFile>, file: &ParquetFile, group: usize) -> Self {
        Self { open: open.clone(), file: file.clone(), group }
    }

    fn metadata(&self) -> &RowGroupMetaData {
        self.file.metadata().row_group(self.group)
    }
}

impl RowGroups for RowGroup {
    fn num_rows(&self) -> usize {
        self.metadata().num_rows() as usize
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Chunk(Some(Pages::new(self, leaf)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.file.metadata()
    }
}

/// The one chunk of a column in a row group.
struct Chunk(Option<Pages>);

impl Iterator for Chunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for Chunk {}

/// A page: its header, and where its bytes begin.
struct Found {
    header: Header,
    start: u64,
}

impl Found {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.header.compressed as u64)
    }
}

/// Where the data pages are.
enum Places {
    /// Each in its place, with its first row.
    Listed(VecDeque<PageLocation>),
    /// One behind the other; perhaps the next has been looked at.
    Walked { offset: u64, next: Option<Found> },
}

/// The pages of a chunk.
struct Pages {
    row_group: RowGroup,
    leaf: usize,
    range: Range<u64>,
    /// The chunk's end, with what old writers forgot.
    limit: u64,
    places: Places,
    /// Where the dictionary is, until a page needed it.
    dictionary: Option<u64>,
    /// A page that needs the dictionary, which goes first.
    waiting: Option<Page>,
    /// Values that pages may still have.
    values_left: i64,
}

impl Pages {
    fn new(row_group: &RowGroup, leaf: usize) -> Self {
        let column = row_group.metadata().column(leaf);
        let range = range(column);
        let size = row_group.open.size();
        let (places, dictionary) =
            match row_group.file.locations(&row_group.open, row_group.group, leaf) {
                Some(pages) => {
                    // What precedes the first page can only be a dictionary.
                    let first = pages.first().map_or(range.start, |page| page.offset as u64);
                    (Places::Listed(pages.into()), (first > range.start).then_some(range.start))
                }
                None => (Places::Walked { offset: range.start, next: None }, None),
            };
        Self {
            limit: range.end.saturating_add(SLACK).min(size),
            values_left: column.num_values(),
            row_group: row_group.clone(),
            leaf,
            range,
            places,
            dictionary,
            waiting: None,
        }
    }

    /// Fails, and leaves the reason where it is found when the decoder has made a text of it.
    fn fail<T>(&self, error: Error) -> Result<T> {
        Err(self.row_group.open.remember(error))
    }

    fn damaged<T>(&self, what: &str) -> Result<T> {
        let what = format!("damaged: {what}; fetch or write the file again");
        self.fail(Error::corrupt(self.row_group.open.path(), what))
    }

    fn header(&self, offset: u64, end: u64) -> Result<Found> {
        let header = Header::read(&self.row_group.open, offset, end);
        let header = header.or_else(|error| self.fail(error))?;
        let start = offset + header.len as u64;
        let found = Found { header, start };
        if found.end() > self.limit {
            return self.damaged("a page reaches beyond its column");
        }
        Ok(found)
    }

    /// Looks at the next data page, if pages are walked. Dictionaries are passed over.
    fn look(&mut self) -> Result<()> {
        loop {
            let Places::Walked { offset, next: None } = &self.places else { return Ok(()) };
            if *offset >= self.range.end {
                return Ok(());
            }
            let (at, found) = (*offset, self.header(*offset, self.limit)?);
            if matches!(found.header.kind, Kind::Dictionary { .. }) {
                self.dictionary = Some(at);
            }
            let offset = found.end();
            let next = found.header.is_data().then_some(found);
            self.places = Places::Walked { offset, next };
        }
    }

    /// The next data page.
    fn next_found(&mut self) -> Result<Option<Found>> {
        self.look()?;
        match &mut self.places {
            Places::Walked { next, .. } => Ok(next.take()),
            Places::Listed(pages) => {
                let Some(page) = pages.pop_front() else { return Ok(None) };
                let next = pages.front().map(|next| next.first_row_index);
                let group = self.row_group.metadata();
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
    fn load(&mut self, found: &Found) -> Result<Page> {
        let open = self.row_group.open.clone();
        let column = self.row_group.metadata().column(self.leaf);
        let header = &found.header;
        self.values_left -= i64::from(header.values());
        if self.values_left < 0 {
            return self.damaged("pages have more values than their column");
        }
        let stored = open.read_lent(found.start, header.compressed);
        let stored = stored.or_else(|error| self.fail(error))?;
        if header.checksum.is_some_and(|sum| sum != crc32fast::hash(&stored)) {
            return self.damaged("a page does not match its checksum");
        }
        let (levels, is_compressed) = match header.kind {
            Kind::V2 { definition_bytes, repetition_bytes, compressed, .. } => (
                definition_bytes + repetition_bytes,
                compressed || self.row_group.file.all_compressed,
            ),
            _ => (0, true),
        };
        let codec = column.compression();
        let file = &self.row_group.file;
        let buf = if is_compressed {
            inflate(codec, &stored, levels, header.uncompressed, &open, file)
        } else {
            Ok(stored)
        };
        let buf = buf.or_else(|error| self.fail(error))?;
        if levels > buf.len() {
            return self.damaged("the levels are longer than their page");
        }
        if let Err(error) = bounds::check(header, &buf, column, &self.row_group.file) {
            return self.fail(error);
        }
        Ok(match header.kind {
            Kind::Dictionary { values, encoding } => {
                Page::DictionaryPage { buf, num_values: values, encoding, is_sorted: false }
            }
            Kind::V1 { values, encoding, definition, repetition } => Page::DataPage {
                buf,
                num_values: values,
                encoding,
                def_level_encoding: definition,
                rep_level_encoding: repetition,
                statistics: None,
            },
            Kind::V2 {
                values, nulls, rows, encoding, definition_bytes, repetition_bytes, ..
            } => Page::DataPageV2 {
                buf,
                num_values: values,
                encoding,
                num_nulls: nulls,
                num_rows: rows,
                def_levels_byte_len: definition_bytes as u32,
                rep_levels_byte_len: repetition_bytes as u32,
                is_compressed: false,
                statistics: None,
            },
            Kind::Other => return self.damaged("an index page among the data"),
        })
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
            if !matches!(found.header.kind, Kind::Dictionary { .. }) {
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
            Places::Listed(pages) => pages.front().map(|page| {
                let next = pages.get(1).map(|next| next.first_row_index);
                let next = next.unwrap_or(self.row_group.metadata().num_rows());
                let rows = next.saturating_sub(page.first_row_index).max(0) as usize;
                PageMetadata { num_rows: Some(rows), num_levels: None, is_dict: false }
            }),
            Places::Walked { next, .. } => next.as_ref().map(|found| {
                let rows = match found.header.kind {
                    Kind::V2 { rows, .. } => Some(rows as usize),
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
            Places::Listed(pages) => drop(pages.pop_front()),
            Places::Walked { next, .. } => drop(next.take()),
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

impl From<Error> for ParquetError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
