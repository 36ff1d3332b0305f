//! A Parquet footer, walked before the parser of `parquet` sees it.
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
use std::str::from_utf8;

use arrow_buffer::Buffer;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::catch;
use super::shapes::{
    COLUMN_ORDERS, COLUMN_REST, ENCODINGS, KEY_VALUES, LOGICAL_TYPE, SORTING_COLUMNS,
};
use super::thrift::{BINARY, Compact, I16, I32, I64, LIST, STRUCT};
use super::tree::{Element, Tree};
use crate::error::{Error, Result};
use crate::source::file::OpenFile;

/// The length of the footer, and four letters.
const TRAILER: u64 = 8;

/// The parser of `parquet` numbers row groups with 16 bits.
const GROUPS_AT_ONCE: usize = 32_000;

/// The largest converted type of the format.
const LAST_CONVERTED_TYPE: i32 = 21;

/// Why a footer is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It breaks the format.
    Damaged(String),
    /// It is sound but not handled.
    Unsupported(String),
}

impl Refusal {
    /// The error of the file at `path`.
    pub(super) fn of(self, path: &Path) -> Error {
        match self {
            Self::Damaged(what) => Error::corrupt(
                path,
                format!("damaged footer: {what}; fetch or write the file again"),
            ),
            Self::Unsupported(what) => Error::unsupported(path, &what),
        }
    }
}

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

/// A field to leave out of the footer.
#[derive(Debug)]
struct Cut {
    field: Range<usize>,
    /// The header of the next field, as it has to be then.
    next: u8,
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
        let mut walk = Walk { len: bytes.len(), ..Walk::default() };
        let walked = walk.file(&mut Compact(bytes.as_slice()));
        if walk.encrypted {
            return Err(encrypted(path));
        }
        if let Some(refusal) = walk.refusal {
            return Err(refusal.of(path));
        }
        let list = walk.list;
        let (Some(()), Some(list)) = (walked, list) else {
            return Err(Refusal::Damaged("it breaks off or is garbled".into()).of(path));
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

/// What a walk finds.
#[derive(Default)]
struct Walk {
    /// Bytes of the footer.
    len: usize,
    encrypted: bool,
    list: Option<Range<usize>>,
    groups: Vec<usize>,
    cuts: Vec<Cut>,
    /// The physical type of each leaf, in order.
    leaves: Vec<i32>,
    rows: i64,
    refusal: Option<Refusal>,
}

impl Walk {
    fn refuse<T>(&mut self, refusal: Refusal) -> Option<T> {
        self.refusal.get_or_insert(refusal);
        None
    }

    fn damaged<T>(&mut self, what: impl Into<String>) -> Option<T> {
        self.refuse(Refusal::Damaged(what.into()))
    }

    /// `FileMetaData`. `None` if it is garbled, or refused for a reason that is kept.
    fn file(&mut self, thrift: &mut Compact<'_>) -> Option<()> {
        let (mut has_schema, mut last) = (false, 0);
        while let Some((id, kind)) = thrift.field(last)? {
            last = id;
            match (id, kind) {
                (1, I32) => drop(thrift.int()?),
                (2, LIST) => {
                    self.schema(thrift)?;
                    has_schema = true;
                }
                (3, I64) => self.rows = thrift.long()?,
                (4, LIST) if has_schema => self.row_groups(thrift)?,
                (5, LIST) => thrift.walk(KEY_VALUES, 0)?,
                (6, BINARY) => drop(from_utf8(thrift.binary()?).ok()?),
                (7, LIST) => thrift.walk(COLUMN_ORDERS, 0)?,
                (1..=7, _) => return None,
                // `encryption_algorithm`: only files with encrypted columns have it.
                (8, _) => {
                    self.encrypted = true;
                    return None;
                }
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        if self.leaves.is_empty() && self.rows > 0 {
            return self.refuse(Refusal::Unsupported(format!(
                "the file has {} rows but no columns, which is not supported; \
                 write it again with at least one column",
                self.rows
            )));
        }
        has_schema.then_some(())
    }

    fn schema(&mut self, thrift: &mut Compact<'_>) -> Option<()> {
        let count = thrift.list(STRUCT)?;
        let mut tree = Tree::new(count);
        for _ in 0..count {
            let element = self.element(thrift)?;
            if let Err(refusal) = tree.push(&element) {
                return self.refuse(refusal);
            }
        }
        match tree.finish() {
            Ok(leaves) => self.leaves = leaves,
            Err(refusal) => return self.refuse(refusal),
        }
        Some(())
    }

    /// `SchemaElement`.
    fn element<'a>(&mut self, thrift: &mut Compact<'a>) -> Option<Element<'a>> {
        let mut element = Element::default();
        let mut last = 0;
        // The header of the field before a cut, to be merged with the next one.
        let mut cut: Option<(usize, u8)> = None;
        loop {
            let at = self.len - thrift.0.len();
            let header = *thrift.0.first()?;
            if let Some((start, dropped)) = cut.take() {
                let next = match (header, header >> 4) {
                    (0, _) | (_, 0) => header,
                    (_, delta) if delta + (dropped >> 4) < 16 && dropped >> 4 > 0 => {
                        header + (dropped & 0xf0)
                    }
                    _ => {
                        let name = from_utf8(element.name?).ok()?;
                        return self.refuse(Refusal::Unsupported(format!(
                            "column {name:?} has an unknown converted type, which is not \
                             supported; rewrite the file with a current writer"
                        )));
                    }
                };
                self.cuts.push(Cut { field: start..at, next });
            }
            let Some((id, kind)) = thrift.field(last)? else { break };
            last = id;
            match (id, kind) {
                (1, I32) => element.physical = Some(thrift.int()?),
                (2, I32) => element.length = Some(thrift.int()?),
                (3 | 9, I32) => drop(thrift.int()?),
                (4, BINARY) => element.name = Some(thrift.binary()?),
                (5, I32) => element.children = thrift.int()?,
                (6, I32) => {
                    let converted = thrift.int()?;
                    if (0..=LAST_CONVERTED_TYPE).contains(&converted) {
                        element.converted = Some(converted);
                    } else {
                        cut = Some((at, header));
                    }
                }
                (7, I32) => element.scale = thrift.int()?,
                (8, I32) => element.precision = Some(thrift.int()?),
                (10, STRUCT) => {
                    let mut logical = Compact(thrift.0);
                    thrift.walk(LOGICAL_TYPE, 0)?;
                    element.logical_decimal = decimal(&mut logical);
                }
                (1..=10, _) => return None,
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        from_utf8(element.name?).ok()?;
        Some(element)
    }

    fn row_groups(&mut self, thrift: &mut Compact<'_>) -> Option<()> {
        let start = self.len - thrift.0.len();
        let count = thrift.list(STRUCT)?;
        for index in 0..count {
            self.groups.push(self.len - thrift.0.len());
            self.row_group(thrift, index)?;
        }
        let end = self.len - thrift.0.len();
        self.groups.push(end);
        self.list = Some(start..end);
        Some(())
    }

    /// `RowGroup`.
    fn row_group(&mut self, thrift: &mut Compact<'_>, index: usize) -> Option<()> {
        let mut last = 0;
        while let Some((id, kind)) = thrift.field(last)? {
            last = id;
            match (id, kind) {
                (1, LIST) => {
                    let count = thrift.list(STRUCT)?;
                    if count != self.leaves.len() {
                        let leaves = self.leaves.len();
                        return self.damaged(format!(
                            "row group {index} has {count} columns, but the schema has {leaves}"
                        ));
                    }
                    for leaf in 0..count {
                        self.chunk(thrift, index, leaf)?;
                    }
                }
                (2 | 3 | 5 | 6, I64) => drop(thrift.long()?),
                (4, LIST) => thrift.walk(SORTING_COLUMNS, 0)?,
                (7, I16) => drop(i16::try_from(thrift.int()?).ok()?),
                (1..=7, _) => return None,
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        Some(())
    }

    /// `ColumnChunk`.
    fn chunk(&mut self, thrift: &mut Compact<'_>, group: usize, leaf: usize) -> Option<()> {
        let mut last = 0;
        while let Some((id, kind)) = thrift.field(last)? {
            last = id;
            match (id, kind) {
                (1, BINARY) => {
                    let elsewhere = String::from_utf8_lossy(thrift.binary()?).into_owned();
                    if !elsewhere.is_empty() {
                        return self.refuse(Refusal::Unsupported(format!(
                            "the rows are in other files ({elsewhere:?}), which is not supported; \
                             name those files instead of the one that lists them"
                        )));
                    }
                }
                (2 | 4 | 6, I64) => drop(thrift.long()?),
                (3, STRUCT) => self.column(thrift, group, leaf)?,
                (5 | 7, I32) => drop(thrift.int()?),
                // Both belong to encrypted columns.
                (8 | 9, _) => {
                    self.encrypted = true;
                    return None;
                }
                (1..=7, _) => return None,
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        Some(())
    }

    /// `ColumnMetaData`.
    fn column(&mut self, thrift: &mut Compact<'_>, group: usize, leaf: usize) -> Option<()> {
        let mut last = 0;
        while let Some((id, kind)) = thrift.field(last)? {
            last = id;
            match (id, kind) {
                (1, I32) => {
                    let (found, wanted) = (thrift.int()?, self.leaves[leaf]);
                    if found != wanted {
                        return self.damaged(format!(
                            "column {leaf} of row group {group} is stored as type {found}, \
                             but the schema says {wanted}"
                        ));
                    }
                }
                (2, LIST) => thrift.walk(ENCODINGS, 0)?,
                (4 | 15, I32) => drop(thrift.int()?),
                (5..=7 | 9..=11 | 14, I64) => drop(thrift.long()?),
                (12 | 16 | 17, STRUCT) | (3 | 8 | 13, LIST) => {
                    thrift.walk(COLUMN_REST.iter().find(|(known, _)| *known == id)?.1, 0)?;
                }
                (1..=17, _) => return None,
                (_, kind) => thrift.skip(kind, 0)?,
            }
        }
        Some(())
    }
}

/// Scale and precision of a `LogicalType` that is a decimal.
fn decimal(thrift: &mut Compact<'_>) -> Option<(i32, i32)> {
    const DECIMAL: i16 = 5;
    let (id, kind) = thrift.field(0)??;
    if (id, kind) != (DECIMAL, STRUCT) {
        return None;
    }
    let (mut scale, mut precision) = (0, 0);
    thrift.fields(|thrift, id, kind| {
        match (id, kind) {
            (1, I32) => scale = thrift.int()?,
            (2, I32) => precision = thrift.int()?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some((scale, precision))
}
