//! Parquet footer, walked before the parser of `parquet` sees it.
//!
//! ```text
//!  bytes ──▶ Footer::read ──▶ schema: a tree of 64 levels at most, as many nodes as elements
//!            (one pass)       groups: as many chunks as leaves, each of its leaf's type
//!        ──▶ Footer::decode ──▶ `ParquetMetaData`
//! ```
//!
//! The parser recurses as deep as the schema says, sets aside what counts claim, and reads numbers
//! whatever type the footer gives them. The walk makes sure that all of that is harmless, and knows
//! two things that the parser refuses: converted types from outside the format, which say nothing
//! of how values are stored, and more than 32,767 row groups.

use std::ops::Range;
use std::path::Path;

use arrow_buffer::Buffer;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::catch::catch;
use super::footer_walk::{Cut, Walk};
use super::thrift::{Compact, STRUCT};
use crate::error::{Error, Result};
use crate::source::file::OpenFile;
use crate::source::refusal::Refusal;

/// What errors call a footer that breaks the format.
const DAMAGE: &str = "damaged footer";

/// The length of the footer, and four letters.
const TRAILER: u64 = 8;

/// The parser of `parquet` numbers row groups with 16 bits.
const GROUPS_AT_ONCE: usize = 32_000;

/// A footer that may be parsed.
#[derive(Debug)]
pub(super) struct Footer {
    bytes: Buffer,
    /// The list of row groups, header included.
    list: Range<usize>,
    /// Where each row group begins; then where the last ends.
    groups: Vec<usize>,
    /// Bytes to leave out: fields that the parser would not bear.
    cuts: Vec<Cut>,
}

impl Footer {
    /// Reads and walks the footer of a file.
    pub(super) fn read(open: &OpenFile) -> Result<Self> {
        let path = open.path();
        let missing = || {
            Error::corrupt(
                path,
                "the Parquet file is truncated (its footer is missing); \
                 fetch or write the file again",
            )
        };
        let size = open.size();
        let body = size.checked_sub(TRAILER).ok_or_else(missing)?;
        let trailer = open.read_buffer(body, TRAILER as usize)?;
        let (length, magic) = trailer.split_at(4);
        match magic {
            b"PAR1" => {}
            b"PARE" => return Err(encrypted(path)),
            _ => return Err(missing()),
        }
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        let start = body.checked_sub(u64::from(length)).filter(|start| *start >= 4);
        let start = start.ok_or_else(missing)?;
        let bytes = open.read_buffer(start, length as usize)?;
        let mut walk = Walk::new(bytes.len());
        let walked = walk.file(&mut Compact(bytes.as_slice()));
        if walk.encrypted {
            return Err(encrypted(path));
        }
        if let Some(refusal) = walk.refusal {
            return Err(refusal.of(path, DAMAGE));
        }
        let list = walk.list;
        let (Some(()), Some(list)) = (walked, list) else {
            return Err(Refusal::Damaged("it breaks off or is garbled".into()).of(path, DAMAGE));
        };
        Ok(Self { list, groups: walk.groups, cuts: walk.cuts, bytes })
    }

    /// The metadata.
    pub(super) fn decode(&self, path: &Path) -> Result<ParquetMetaData> {
        let count = self.groups.len().saturating_sub(1);
        if self.cuts.is_empty() && count <= GROUPS_AT_ONCE {
            return parse(path, &self.bytes);
        }
        let mut first = None;
        let mut groups: Vec<RowGroupMetaData> = Vec::new();
        for start in (0..count.max(1)).step_by(GROUPS_AT_ONCE) {
            let end = count.min(start + GROUPS_AT_ONCE);
            let metadata = parse(path, &self.part(start..end))?;
            groups.extend_from_slice(metadata.row_groups());
            first.get_or_insert(metadata);
        }
        let first = first.ok_or_else(|| Error::Internal("a footer without parts".into()))?;
        Ok(ParquetMetaData::new(first.file_metadata().clone(), groups))
    }

    /// A footer of some row groups only, without what the parser does not bear.
    fn part(&self, groups: Range<usize>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for cut in self.cuts.iter().filter(|cut| cut.field.end < self.list.start) {
            out.extend_from_slice(&self.bytes[at..cut.field.start]);
            out.push(cut.next);
            at = cut.field.end + 1;
        }
        out.extend_from_slice(&self.bytes[at..self.list.start]);
        out.push(0xf0 | STRUCT);
        let mut count = groups.len();
        while count > 0x7f {
            out.push(count as u8 | 0x80);
            count >>= 7;
        }
        out.push(count as u8);
        out.extend_from_slice(&self.bytes[self.groups[groups.start]..self.groups[groups.end]]);
        out.extend_from_slice(&self.bytes[self.list.end..]);
        out
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<ParquetMetaData> {
    catch(path, || ParquetMetaDataReader::decode_metadata(bytes))
}

fn encrypted(path: &Path) -> Error {
    Error::unsupported(
        path,
        "the file or some of its columns are encrypted, which is not supported; \
         write a decrypted copy first",
    )
}
