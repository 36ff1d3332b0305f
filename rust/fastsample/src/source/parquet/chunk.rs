//! The pages of a column chunk, as the decoder of `parquet` takes them.
//!
//! ```text
//!  file ─▶ SerializedPageReader ─▶ Pages ─▶ decoder
//!            headers, checksums      a dictionary only when a page needs it;
//!                                    Snappy into memory that is used again
//! ```
//!
//! Writers give a column of texts a dictionary, find it too large after a megabyte, and write the
//! rest of the chunk plainly. A row group is read span by span, each with a reader of its own, and
//! most of these never need the dictionary.

use std::sync::Arc;

use parquet::arrow::array_reader::RowGroups;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::SerializedPageReader;
use snap::raw::{Decoder, decompress_len};

use super::ParquetFile;
use crate::source::buffers::Buffers;
use crate::source::file::OpenFile;

/// More than a byte of Snappy can stand for: three bytes copy 64 at most.
const SNAPPY_EXPANSION: usize = 22;

/// A row group of an open file.
#[derive(Clone)]
pub(super) struct RowGroup {
    open: Arc<OpenFile>,
    file: ParquetFile,
    group: usize,
}

impl RowGroup {
    pub(super) fn new(open: OpenFile, file: &ParquetFile, group: usize) -> Self {
        Self { open: Arc::new(open), file: file.clone(), group }
    }

    fn metadata(&self) -> &RowGroupMetaData {
        self.file.metadata().row_group(self.group)
    }

    /// A reader of the pages of a leaf column. Pages in Snappy come as they are in the file.
    fn pages(&self, leaf: usize) -> Result<SerializedPageReader<OpenFile>> {
        let column = self.metadata().column(leaf);
        let stored;
        let column = if is_snappy(column) {
            let builder = column.clone().into_builder();
            stored = builder.set_compression(Compression::UNCOMPRESSED).build()?;
            &stored
        } else {
            column
        };
        let locations = self.file.locations(&self.open, self.group, leaf);
        let rows = RowGroups::num_rows(self);
        SerializedPageReader::new(self.open.clone(), column, rows, locations)
    }
}

impl RowGroups for RowGroup {
    fn num_rows(&self) -> usize {
        self.metadata().num_rows() as usize
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let pages = Pages {
            reader: self.pages(leaf)?,
            dictionary: Dictionary::Ahead,
            waiting: None,
            is_snappy: is_snappy(self.metadata().column(leaf)),
            row_group: self.clone(),
            leaf,
        };
        Ok(Box::new(Chunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.file.metadata()
    }
}

fn is_snappy(column: &ColumnChunkMetaData) -> bool {
    column.compression() == Compression::SNAPPY
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

/// Where the dictionary of a chunk is.
#[derive(PartialEq, Eq)]
enum Dictionary {
    /// Before the first page, if there is one.
    Ahead,
    /// Passed over.
    Skipped,
    /// With the decoder, or nowhere.
    Settled,
}

/// The pages of a chunk.
struct Pages {
    reader: SerializedPageReader<OpenFile>,
    dictionary: Dictionary,
    /// A page that needs the dictionary, which goes first.
    waiting: Option<Page>,
    is_snappy: bool,
    row_group: RowGroup,
    leaf: usize,
}

impl Pages {
    /// Passes over the dictionary if it comes next.
    fn pass(&mut self) -> Result<()> {
        if self.dictionary == Dictionary::Ahead {
            self.dictionary = Dictionary::Settled;
            if self.reader.peek_next_page()?.is_some_and(|page| page.is_dict) {
                self.reader.skip_next_page()?;
                self.dictionary = Dictionary::Skipped;
            }
        }
        Ok(())
    }

    /// Inflates a page if it is still compressed.
    fn inflated(&self, mut page: Page) -> Result<Page> {
        let (bytes, levels) = match &mut page {
            _ if !self.is_snappy => return Ok(page),
            Page::DataPageV2 { is_compressed: false, .. } => return Ok(page),
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                (buf, (*def_levels_byte_len + *rep_levels_byte_len) as usize)
            }
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => (buf, 0),
        };
        *bytes = inflate(bytes, levels, self.row_group.open.buffers())?;
        Ok(page)
    }
}

/// Inflates a page whose first `levels` bytes are not compressed.
fn inflate(page: &[u8], levels: usize, buffers: &Buffers) -> Result<bytes::Bytes> {
    let (levels, compressed) = page
        .split_at_checked(levels)
        .ok_or_else(|| ParquetError::General("the levels are longer than their page".into()))?;
    // A page without values may have no compressed bytes at all.
    let len =
        if compressed.is_empty() { 0 } else { decompress_len(compressed).map_err(external)? };
    // Memory is only set aside for what can be there.
    if len > compressed.len() * SNAPPY_EXPANSION {
        return Err(ParquetError::General(format!(
            "{} bytes of Snappy claim to be {len}",
            compressed.len()
        )));
    }
    let mut lent = buffers.take(levels.len() + len);
    let (head, tail) = lent.as_mut().split_at_mut(levels.len());
    head.copy_from_slice(levels);
    // Also if they claim to be nothing: a damaged length of the levels leads anywhere.
    if !compressed.is_empty() {
        Decoder::new().decompress(compressed, tail).map_err(external)?;
    }
    Ok(lent.freeze())
}

fn external(error: snap::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if let Some(page) = self.waiting.take() {
            return Ok(Some(page));
        }
        self.pass()?;
        let Some(page) = self.reader.get_next_page()? else { return Ok(None) };
        let page = self.inflated(page)?;
        let encoding = page.encoding();
        if self.dictionary == Dictionary::Skipped
            && matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
        {
            self.dictionary = Dictionary::Settled;
            self.waiting = Some(page);
            let dictionary = self.row_group.pages(self.leaf)?.get_next_page()?;
            return dictionary.map(|page| self.inflated(page)).transpose();
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        if let Some(page) = &self.waiting {
            let num_levels = Some(page.num_values() as usize);
            return Ok(Some(PageMetadata { num_rows: None, num_levels, is_dict: false }));
        }
        self.pass()?;
        self.reader.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.waiting.take().is_some() {
            return Ok(());
        }
        self.pass()?;
        self.reader.skip_next_page()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_nothing_hold_nothing() {
        let inflated = |page: &[u8], levels| inflate(page, levels, &Buffers::default());
        assert_eq!(inflated(&[7], 1).expect("levels alone"), [7].as_slice());
        assert_eq!(inflated(&[7, 0], 1).expect("and nothing, compressed"), [7].as_slice());
        // The middle of a page, where a damaged length of the levels leads.
        assert!(inflated(&[7, 0, 254, 3], 1).is_err());
        assert!(inflated(&[7], 2).is_err());
    }
}
