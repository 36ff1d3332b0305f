//! Page headers: which columns can be decoded while their pages are being inflated.

use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::ParquetFile;
use super::thrift::{Compact, TRUE};
use crate::source::file::OpenFile;

/// Pages from this size on are worth decoding while they are inflated. Smaller ones stay in the
/// processor's cache anyway, and the decoder of `parquet` knows every encoding.
pub(super) const HUGE_PAGE: usize = 8 << 20;

/// A page of plainly encoded text or bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
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
    /// So many bytes of levels, then the values, which may be compressed.
    V2 { levels: usize, compressed: bool },
}

/// What can be done with a page.
enum Found {
    Streamable(Page),
    Other,
}

impl ParquetFile {
    /// The pages of a column of texts or bytes that [`super::stream`] can read: plain values in
    /// pages of `least` bytes or more, in a codec that inflates bit by bit.
    ///
    /// Everything else, damaged headers included, is for the decoder of `parquet`.
    pub(super) fn streamable(
        &self,
        open: &OpenFile,
        group: usize,
        root: usize,
        least: usize,
    ) -> Option<Vec<Page>> {
        let [leaf] = self.leaves(&[root])[..] else { return None };
        let group = self.metadata().row_group(group);
        let column = group.column(leaf);
        let levels = column.column_descr();
        let is_plain = levels.physical_type() == Type::BYTE_ARRAY
            && levels.max_rep_level() == 0
            && levels.max_def_level() <= 1
            && is_bytes(self.schema.field(root).data_type())
            && column.dictionary_page_offset().is_none()
            && streams(column.compression());
        if !is_plain || (column.uncompressed_size() as usize) < least {
            return None;
        }
        let pages = pages(open, column, levels.max_def_level() == 1, least)?;
        let rows: usize = pages.iter().map(|page| page.rows).sum();
        (rows as i64 == group.num_rows()).then_some(pages)
    }
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

fn pages(
    open: &OpenFile,
    column: &ColumnChunkMetaData,
    optional: bool,
    least: usize,
) -> Option<Vec<Page>> {
    let (mut offset, length) = column.byte_range();
    let end = offset.checked_add(length)?;
    let mut pages = Vec::new();
    while offset < end {
        let Found::Streamable(page) = header(open, offset, end, optional)? else { return None };
        offset = page.offset.checked_add(page.compressed as u64)?;
        if pages.is_empty() && page.uncompressed < least {
            return None;
        }
        pages.push(page);
    }
    (offset == end).then_some(pages)
}

/// Reads the header at `offset`; those with long statistics need a second look.
fn header(open: &OpenFile, offset: u64, end: u64, optional: bool) -> Option<Found> {
    const LOOKS: [u64; 2] = [512, 1 << 20];
    LOOKS.iter().find_map(|&look| {
        let bytes = open.read_buffer(offset, look.min(end - offset) as usize).ok()?;
        parse(&bytes, offset, optional)
    })
}

/// Parses a Thrift `PageHeader`.
fn parse(bytes: &[u8], offset: u64, optional: bool) -> Option<Found> {
    const DATA_PAGE: i64 = 0;
    const DATA_PAGE_V2: i64 = 3;
    let mut thrift = Compact(bytes);
    let mut numbers = [None; 5]; // 1: type, 2: uncompressed size, 3: compressed size, 4: checksum
    let (mut v1, mut v2, mut compressed) = ([None; 6], [None; 8], true);
    thrift.fields(|thrift, id, _| {
        match id {
            1..=4 => numbers[id as usize] = Some(thrift.int()?),
            // 1: values, 2: encoding, 3: encoding of the definition levels
            5 => thrift.fields(|thrift, id, _| {
                let wanted = matches!(id, 1..=3);
                if wanted {
                    v1[id as usize] = Some(thrift.int()?);
                }
                Some(wanted)
            })?,
            // 1: values, 2: nulls, 3: rows, 4: encoding, 5 and 6: bytes of levels, 7: compressed
            8 => thrift.fields(|thrift, id, kind| {
                let wanted = matches!(id, 1..=6);
                if wanted {
                    v2[id as usize] = Some(thrift.int()?);
                } else if id == 7 {
                    compressed = kind == TRUE;
                }
                Some(wanted)
            })?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    let size = |value: Option<i64>| usize::try_from(value?).ok();
    let plain = |value| value == Some(i64::from(Encoding::PLAIN as i32));
    let rle = |value| value == Some(i64::from(Encoding::RLE as i32));
    let (rows, layout) = match (numbers[1]?, numbers[4]) {
        // A page with a checksum has to be read as a whole before it is believed.
        (_, Some(_)) => return Some(Found::Other),
        (DATA_PAGE, _) if plain(v1[2]) && (!optional || rle(v1[3])) => (size(v1[1])?, Layout::V1),
        (DATA_PAGE_V2, _) if plain(v2[4]) && v2[1] == v2[3] && v2[6] == Some(0) => {
            (size(v2[1])?, Layout::V2 { levels: size(v2[5])?, compressed })
        }
        _ => return Some(Found::Other),
    };
    Some(Found::Streamable(Page {
        offset: offset + (bytes.len() - thrift.0.len()) as u64,
        compressed: size(numbers[3])?,
        uncompressed: size(numbers[2])?,
        rows,
        layout,
    }))
}
