//! Footer validation: a walk over its Thrift structs finds what its parser would not bear.

use std::ops::Range;
use std::str::from_utf8;

use super::shapes::{
    COLUMN_ORDERS, COLUMN_REST, ENCODINGS, KEY_VALUES, LOGICAL_TYPE, SORTING_COLUMNS,
};
use super::thrift::{BINARY, Compact, I16, I32, I64, LIST, STRUCT};
use super::tree::{Element, Tree};
use crate::source::refusal::Refusal;

/// The largest converted type of the format.
const LAST_CONVERTED_TYPE: i32 = 21;

/// A field to leave out of the footer.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) field: Range<usize>,
    /// The header of the next field, as it has to be then.
    pub(super) next: u8,
}

/// What a walk finds.
#[derive(Default)]
pub(super) struct Walk {
    /// Bytes of the footer.
    len: usize,
    pub(super) encrypted: bool,
    pub(super) list: Option<Range<usize>>,
    pub(super) groups: Vec<usize>,
    pub(super) cuts: Vec<Cut>,
    /// The physical type of each leaf, in order.
    leaves: Vec<i32>,
    rows: i64,
    pub(super) refusal: Option<Refusal>,
}

impl Walk {
    /// A walk over a footer of `len` bytes.
    pub(super) fn new(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    fn refuse<T>(&mut self, refusal: Refusal) -> Option<T> {
        self.refusal.get_or_insert(refusal);
        None
    }

    fn damaged<T>(&mut self, what: impl Into<String>) -> Option<T> {
        self.refuse(Refusal::Damaged(what.into()))
    }

    /// `FileMetaData`. `None` if it is garbled, or refused for a reason that is kept.
    pub(super) fn file(&mut self, thrift: &mut Compact<'_>) -> Option<()> {
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
