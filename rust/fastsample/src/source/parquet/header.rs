//! Page headers, parsed.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::Page;

use super::thrift::{Compact, FALSE, I32, STRUCT, TRUE};
use crate::error::{Error, Result};
use crate::source::file::OpenFile;

/// A page header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the header itself.
    pub(super) len: usize,
    pub(super) compressed: usize,
    pub(super) uncompressed: usize,
    pub(super) checksum: Option<u32>,
    pub(super) kind: PageKind,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageKind {
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
        Err(missing(open, offset))
    }

    /// The header at `offset` of a file, of which `bytes` are those from there on.
    pub(super) fn read_from(open: &OpenFile, offset: u64, bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).ok_or_else(|| missing(open, offset))
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
                PageKind::V1 {
                    values: count(v1[1])?,
                    encoding: encoding(v1[2])?,
                    definition: encoding(v1[3])?,
                    repetition: encoding(v1[4])?,
                }
            }
            2 => {
                let dictionary = dictionary?;
                PageKind::Dictionary {
                    values: count(dictionary[1])?,
                    encoding: encoding(dictionary[2])?,
                }
            }
            3 => {
                let v2 = v2?;
                PageKind::V2 {
                    values: count(v2[1])?,
                    nulls: count(v2[2])?,
                    rows: count(v2[3])?,
                    encoding: encoding(v2[4])?,
                    definition_bytes: count(v2[5])? as usize,
                    repetition_bytes: count(v2[6])? as usize,
                    compressed: is_compressed,
                }
            }
            1 => PageKind::Other,
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
            PageKind::V1 { values, .. } | PageKind::V2 { values, .. } => values,
            PageKind::Dictionary { .. } | PageKind::Other => 0,
        }
    }

    pub(super) fn is_data(&self) -> bool {
        matches!(self.kind, PageKind::V1 { .. } | PageKind::V2 { .. })
    }

    /// The page of these inflated bytes, as the decoder takes it; none of an index page.
    pub(super) fn page(&self, buf: Bytes) -> Option<Page> {
        Some(match self.kind {
            PageKind::Dictionary { values, encoding } => {
                Page::DictionaryPage { buf, num_values: values, encoding, is_sorted: false }
            }
            PageKind::V1 { values, encoding, definition, repetition } => Page::DataPage {
                buf,
                num_values: values,
                encoding,
                def_level_encoding: definition,
                rep_level_encoding: repetition,
                statistics: None,
            },
            PageKind::V2 {
                values,
                nulls,
                rows,
                encoding,
                definition_bytes,
                repetition_bytes,
                ..
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
            PageKind::Other => return None,
        })
    }
}

fn missing(open: &OpenFile, offset: u64) -> Error {
    let what = format!("damaged: no page header at byte {offset}; fetch or write the file again");
    Error::corrupt(open.path(), what)
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
