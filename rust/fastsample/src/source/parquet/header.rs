//! Page headers, and which columns can be decoded while their pages are being inflated.

use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::ParquetFile;
use super::chunk::range;
use super::thrift::{Compact, FALSE, I32, STRUCT, TRUE};
use crate::error::{Error, Result};
use crate::source::file::OpenFile;

/// Pages from this size on are worth decoding while they are inflated. Smaller ones stay in the
/// processor's cache anyway, and the decoder of `parquet` knows every encoding.
pub(super) const HUGE_PAGE: usize = 8 << 20;

/// A page header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the header itself.
    pub(super) len: usize,
    pub(super) compressed: usize,
    pub(super) uncompressed: usize,
    pub(super) checksum: Option<u32>,
    pub(super) kind: Kind,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Dictionary {
        values: u32,
        encoding: Encoding,
    },
    V1 {
        values: u32,
        encoding: Encoding,
        definition: Encoding,
        repetition: Encoding,
    },
    V2 {
        values: u32,
        nulls: u32,
        rows: u32,
        encoding: Encoding,
        definition_bytes: usize,
        repetition_bytes: usize,
        compressed: bool,
    },
    /// An index page, which says nothing of the rows.
    Other,
}

impl Header {
    /// Reads the header at `offset`, which ends before `end`.
    pub(super) fn read(open: &OpenFile, offset: u64, end: u64) -> Result<Self> {
        // Usual headers have some tens of bytes; those with statistics may have any length.
        const LOOKS: [u64; 4] = [256, 64 << 10, 4 << 20, u64::MAX];
        let left = end.saturating_sub(offset);
        for look in LOOKS {
            let bytes = open.read_buffer(offset, look.min(left) as usize)?;
            if let Some(header) = Self::parse(&bytes) {
                return Ok(header);
            }
            if look >= left {
                break;
            }
        }
        Err(Error::corrupt(
            open.path(),
            format!("damaged: no page header at byte {offset}; fetch or write the file again"),
        ))
    }

    /// Parses a Thrift `PageHeader`.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Compact(bytes);
        let mut numbers = [None; 5]; // 1: type, 2: uncompressed size, 3: compressed size, 4: checksum
        let (mut v1, mut dictionary, mut v2, mut is_compressed) = (None, None, None, true);
        thrift.fields(|thrift, id, kind| {
            match (id, kind) {
                (1..=4, I32) => numbers[id as usize] = Some(thrift.int()?),
                // 1: values, 2: encoding, 3 and 4: encodings of the levels, 5: statistics
                (5, STRUCT) => v1 = Some(numbers_of::<5>(thrift)?),
                // 1: values, 2: encoding, 3: sorted
                (7, STRUCT) => dictionary = Some(numbers_of::<3>(thrift)?),
                // 1: values, 2: nulls, 3: rows, 4: encoding, 5 and 6: bytes of levels,
                // 7: compressed, 8: statistics
                (8, STRUCT) => {
                    let values = v2.insert([None; 7]);
                    thrift.fields(|thrift, id, kind| {
                        match (id, kind) {
                            (1..=6, I32) => values[id as usize] = Some(thrift.int()?),
                            (7, TRUE | FALSE) => is_compressed = kind == TRUE,
                            _ => return Some(false),
                        }
                        Some(true)
                    })?;
                }
                _ => return Some(false),
            }
            Some(true)
        })?;
        let kind = match numbers[1]? {
            0 => {
                let v1 = v1?;
                Kind::V1 {
                    values: count(v1[1])?,
                    encoding: encoding(v1[2])?,
                    definition: encoding(v1[3])?,
                    repetition: encoding(v1[4])?,
                }
            }
            2 => {
                let dictionary = dictionary?;
                Kind::Dictionary {
                    values: count(dictionary[1])?,
                    encoding: encoding(dictionary[2])?,
                }
            }
            3 => {
                let v2 = v2?;
                Kind::V2 {
                    values: count(v2[1])?,
                    nulls: count(v2[2])?,
                    rows: count(v2[3])?,
                    encoding: encoding(v2[4])?,
                    definition_bytes: count(v2[5])? as usize,
                    repetition_bytes: count(v2[6])? as usize,
                    compressed: is_compressed,
                }
            }
            1 => Kind::Other,
            _ => return None,
        };
        Some(Self {
            len: bytes.len() - thrift.0.len(),
            compressed: count(numbers[3])? as usize,
            uncompressed: count(numbers[2])? as usize,
            checksum: numbers[4].map(|sum| sum as u32),
            kind,
        })
    }

    /// Levels of a data page; none of others.
    pub(super) fn values(&self) -> u32 {
        match self.kind {
            Kind::V1 { values, .. } | Kind::V2 { values, .. } => values,
            Kind::Dictionary { .. } | Kind::Other => 0,
        }
    }

    pub(super) fn is_data(&self) -> bool {
        matches!(self.kind, Kind::V1 { .. } | Kind::V2 { .. })
    }
}

/// The fields of a struct that are numbers of 32 bits, by id.
fn numbers_of<const N: usize>(thrift: &mut Compact<'_>) -> Option<[Option<i32>; N]> {
    let mut values = [None; N];
    thrift.fields(|thrift, id, kind| {
        match values.get_mut(id as usize) {
            Some(value) if kind == I32 => *value = Some(thrift.int()?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(values)
}

fn count(value: Option<i32>) -> Option<u32> {
    u32::try_from(value?).ok()
}

fn encoding(value: Option<i32>) -> Option<Encoding> {
    Some(match value? {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[expect(deprecated, reason = "a name in old files")]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}

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
    /// `levels` bytes of levels with `nulls` nulls, then the values, which may be compressed.
    V2 { nulls: usize, levels: usize, compressed: bool },
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
        let pages = pages(open, column, self.all_compressed, levels.max_def_level() == 1, least)?;
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
    all_compressed: bool,
    optional: bool,
    least: usize,
) -> Option<Vec<Page>> {
    let range = range(column);
    let mut offset = range.start;
    let mut pages = Vec::new();
    while offset < range.end {
        let header = Header::read(open, offset, range.end).ok()?;
        let page = streamable(&header, offset + header.len as u64, all_compressed, optional)?;
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
fn streamable(header: &Header, offset: u64, all_compressed: bool, optional: bool) -> Option<Page> {
    // Where there are no levels, old writers name the encoding that preceded RLE.
    #[expect(deprecated, reason = "a name in old files")]
    let levels = |value| matches!(value, Encoding::RLE | Encoding::BIT_PACKED);
    let (rows, layout) = match header.kind {
        // A page with a checksum has to be read as a whole before it is believed.
        _ if header.checksum.is_some() => return None,
        Kind::V1 { values, encoding: Encoding::PLAIN, definition, repetition }
            if levels(repetition)
                && if optional { definition == Encoding::RLE } else { levels(definition) } =>
        {
            (values as usize, Layout::V1)
        }
        Kind::V2 {
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
    Some(Page { offset, compressed, uncompressed, rows, layout })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_parsed_and_their_ends_found() {
        // 1: 0, 2: 20, 3: 10, 5: {1: 7, 2: 0, 3: 3, 4: 3}, and a byte of the page.
        let bytes =
            [0x15, 0, 0x15, 40, 0x15, 20, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0, 9];
        let header = Header::parse(&bytes).expect("sound");
        assert_eq!((header.len, header.compressed, header.uncompressed), (17, 10, 20));
        assert_eq!(header.values(), 7);
        for end in 0..17 {
            assert_eq!(Header::parse(&bytes[..end]), None);
        }
    }

    #[test]
    fn sizes_below_nothing_are_refused() {
        let mut bytes =
            [0x15, 0, 0x15, 40, 0x15, 20, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0];
        bytes[5] = 1;
        assert_eq!(Header::parse(&bytes), None);
    }
}
