//! Page headers: which columns can be decoded while their pages are being inflated.

use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::ParquetFile;
use super::thrift::{BINARY, Compact, FALSE, I32, I64, STRUCT, TRUE};
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
    /// So many bytes of levels for so many nulls, then the values, which may be compressed.
    V2 { nulls: usize, levels: usize, compressed: bool },
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

/// Parses a Thrift `PageHeader`. Anything unusual is refused, so that the decoder of `parquet`
/// judges it: a field that does not belong there, or a value that it would not take either.
fn parse(bytes: &[u8], offset: u64, optional: bool) -> Option<Found> {
    const DATA_PAGE: i32 = 0;
    const DATA_PAGE_V2: i32 = 3;
    let mut thrift = Compact(bytes);
    let mut numbers = [None; 5]; // 1: type, 2: uncompressed size, 3: compressed size, 4: checksum
    let (mut v1, mut v2, mut compressed) = (None, None, true);
    thrift.fields(|thrift, id, kind| {
        match id {
            1..=4 if kind == I32 => numbers[id as usize] = Some(thrift.int()?),
            5 if kind == STRUCT => {
                // 1: values, 2: encoding, 3 and 4: encodings of the levels, 5: statistics
                let values = v1.insert([None; 5]);
                thrift.fields(|thrift, id, kind| match id {
                    1..=4 if kind == I32 => {
                        values[id as usize] = Some(thrift.int()?);
                        Some(true)
                    }
                    5 if kind == STRUCT => statistics(thrift),
                    _ => None,
                })?;
            }
            8 if kind == STRUCT => {
                // 1: values, 2: nulls, 3: rows, 4: encoding, 5 and 6: bytes of levels,
                // 7: compressed, 8: statistics
                let values = v2.insert([None; 7]);
                thrift.fields(|thrift, id, kind| match id {
                    1..=6 if kind == I32 => {
                        values[id as usize] = Some(thrift.int()?);
                        Some(true)
                    }
                    7 if kind == TRUE || kind == FALSE => {
                        compressed = kind == TRUE;
                        Some(true)
                    }
                    8 if kind == STRUCT => statistics(thrift),
                    _ => None,
                })?;
            }
            _ => return None,
        }
        Some(true)
    })?;
    let size = |value: Option<i32>| usize::try_from(value?).ok();
    let is = |value, encoding| value == Some(encoding as i32);
    // Where there are no levels, old writers name the encoding that preceded RLE.
    #[expect(deprecated, reason = "a name in old files")]
    let levels = |value| is(value, Encoding::RLE) || is(value, Encoding::BIT_PACKED);
    let (rows, layout) = match (numbers[1]?, v1, v2) {
        // A page with a checksum has to be read as a whole before it is believed.
        _ if numbers[4].is_some() => return Some(Found::Other),
        (DATA_PAGE, Some(v1), None)
            if is(v1[2], Encoding::PLAIN)
                && if optional { is(v1[3], Encoding::RLE) } else { levels(v1[3]) }
                && levels(v1[4]) =>
        {
            (size(v1[1])?, Layout::V1)
        }
        (DATA_PAGE_V2, None, Some(v2))
            if is(v2[4], Encoding::PLAIN) && v2[1] == v2[3] && v2[6] == Some(0) =>
        {
            let (nulls, levels) = (size(v2[2])?, size(v2[5])?);
            (size(v2[1])?, Layout::V2 { nulls, levels, compressed })
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

/// Skips the statistics of a page, if they look like it.
fn statistics(thrift: &mut Compact<'_>) -> Option<bool> {
    thrift.fields(|_, _, kind| matches!(kind, TRUE | FALSE | I64 | BINARY).then_some(false))?;
    Some(true)
}
