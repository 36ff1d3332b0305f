//! Plain pages: which columns can be decoded while their pages are being inflated.

use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::chunk::range;
use super::file::ParquetFile;
use super::header::{Header, PageKind};
use crate::source::file::OpenFile;

/// Pages from this size on are worth decoding while they are inflated. Smaller ones stay in the
/// processor's cache anyway, and the decoder of `parquet` knows every encoding.
pub(super) const HUGE_PAGE: usize = 8 << 20;

/// A page of plainly encoded text or bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlainPage {
    /// Where its bytes begin in the file, behind its header.
    pub(super) offset: u64,
    pub(super) compressed: usize,
    pub(super) uncompressed: usize,
    /// Rows, nulls among them.
    pub(super) rows: usize,
    pub(super) layout: Layout,
}

/// Where the definition levels are, and what is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Levels of an unnamed length and values, compressed together.
    V1,
    /// `levels` bytes of levels with `nulls` nulls, then the values, which may be compressed.
    V2 { nulls: usize, levels: usize, compressed: bool },
}

/// The pages of a column of texts or bytes that [`super::stream`] can read: plain values in
/// pages of `least` bytes or more, in a codec that inflates bit by bit.
///
/// Everything else, damaged headers included, is for the decoder of `parquet`.
pub(super) fn plain_pages(
    file: &ParquetFile,
    open: &OpenFile,
    group: usize,
    root: usize,
    least: usize,
) -> Option<Vec<PlainPage>> {
    let [leaf] = file.leaves(&[root])[..] else { return None };
    let (row_group, group) = (group, file.metadata().row_group(group));
    let column = group.column(leaf);
    let levels = column.column_descr();
    let is_candidate = levels.physical_type() == Type::BYTE_ARRAY
        && levels.max_rep_level() == 0
        && levels.max_def_level() <= 1
        && is_bytes(file.schema().field(root).data_type())
        && column.dictionary_page_offset().is_none()
        && streams(column.compression());
    if !is_candidate || (column.uncompressed_size() as usize) < least {
        return None;
    }
    // Each header of an object far away may take a request.
    if open.is_far()
        && let Some(known) = file.locations(open, row_group, leaf)
        && (column.uncompressed_size() as usize) / known.len().max(1) < least
    {
        return None;
    }
    let pages = walk(open, column, file.all_compressed(), levels.max_def_level() == 1, least)?;
    let rows: usize = pages.iter().map(|page| page.rows).sum();
    if rows as i64 != group.num_rows() {
        return None;
    }
    // An index that leads elsewhere is found by the decoder of `parquet`, so it is here.
    let leads = |known: Vec<PageLocation>| leads_to(&known, &pages, range(column).start);
    let is_led = column.offset_index_offset().is_none()
        || file.locations(open, row_group, leaf).is_some_and(leads);
    is_led.then_some(pages)
}

/// Whether places are those of pages, of which the first header is at `start`.
fn leads_to(places: &[PageLocation], pages: &[PlainPage], start: u64) -> bool {
    let (mut start, mut row) = (start, 0);
    places.len() == pages.len()
        && places.iter().zip(pages).all(|(place, page)| {
            let end = page.offset + page.compressed as u64;
            let reaches = place.offset.saturating_add(i64::from(place.compressed_page_size));
            let is_same = place.offset == start as i64
                && place.first_row_index == row
                && reaches >= end as i64;
            (start, row) = (end, row + page.rows as i64);
            is_same
        })
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

/// Whether a codec can inflate a page bit by bit.
fn streams(codec: Compression) -> bool {
    matches!(codec, Compression::UNCOMPRESSED | Compression::GZIP(_) | Compression::ZSTD(_))
}

fn walk(
    open: &OpenFile,
    column: &ColumnChunkMetaData,
    all_compressed: bool,
    optional: bool,
    least: usize,
) -> Option<Vec<PlainPage>> {
    let range = range(column);
    let mut offset = range.start;
    let mut pages = Vec::new();
    while offset < range.end {
        let header = Header::read(open, offset, range.end).ok()?;
        let page = plain_page(&header, offset + header.len as u64, all_compressed, optional)?;
        offset = page.offset.checked_add(page.compressed as u64)?;
        if pages.is_empty() && page.uncompressed < least {
            return None;
        }
        pages.push(page);
    }
    (offset == range.end).then_some(pages)
}

/// The page of a header, if it is one of plain values. Anything unusual is refused, so that the
/// decoder of `parquet` judges it.
fn plain_page(
    header: &Header,
    offset: u64,
    all_compressed: bool,
    optional: bool,
) -> Option<PlainPage> {
    // Where there are no levels, old writers name the encoding that preceded RLE.
    #[expect(deprecated, reason = "a name in old files")]
    let levels = |value| matches!(value, Encoding::RLE | Encoding::BIT_PACKED);
    let (rows, layout) = match header.kind {
        // A page with a checksum has to be read as a whole before it is believed.
        _ if header.checksum.is_some() => return None,
        PageKind::V1 { values, encoding: Encoding::PLAIN, definition, repetition }
            if levels(repetition)
                && if optional { definition == Encoding::RLE } else { levels(definition) } =>
        {
            (values as usize, Layout::V1)
        }
        PageKind::V2 {
            values,
            nulls,
            rows,
            encoding: Encoding::PLAIN,
            definition_bytes,
            repetition_bytes: 0,
            compressed,
        } if values == rows => {
            let compressed = compressed || all_compressed;
            let (nulls, levels) = (nulls as usize, definition_bytes);
            (rows as usize, Layout::V2 { nulls, levels, compressed })
        }
        _ => return None,
    };
    let (compressed, uncompressed) = (header.compressed, header.uncompressed);
    Some(PlainPage { offset, compressed, uncompressed, rows, layout })
}
