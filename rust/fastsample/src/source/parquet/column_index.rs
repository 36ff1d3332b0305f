//! Column index: the extremes of the pages of a column chunk, as some writers note them.

use std::ops::Range;

use parquet::basic::Type;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;

use super::thrift::{BINARY, Compact, I64, LIST};
use crate::source::file::OpenFile;

/// What is known of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PageBounds {
    /// The least value, as in a plain page, and the greatest.
    bounds: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether it has no values.
    pub(super) is_null: bool,
    /// How many nulls it has, if that is known.
    pub(super) nulls: Option<u64>,
}

impl PageBounds {
    /// The bounds as the statistics of a column of this type; none if they are none of it.
    pub(super) fn statistics(&self, kind: Type) -> Option<Statistics> {
        let (least, greatest) = self.bounds.as_ref()?;
        let (min, max) = (least.as_slice(), greatest.as_slice());
        macro_rules! numbers {
            ($make:ident, $number:ty) => {{
                let of = |bytes: &[u8]| Some(<$number>::from_le_bytes(bytes.try_into().ok()?));
                Statistics::$make(Some(of(min)?), Some(of(max)?), None, self.nulls, false)
            }};
        }
        Some(match kind {
            Type::BOOLEAN => {
                let of = |bytes: &[u8]| (bytes.len() == 1).then(|| bytes[0] != 0);
                Statistics::boolean(Some(of(min)?), Some(of(max)?), None, self.nulls, false)
            }
            Type::INT32 => numbers!(int32, i32),
            Type::INT64 => numbers!(int64, i64),
            Type::FLOAT => numbers!(float, f32),
            Type::DOUBLE => numbers!(double, f64),
            Type::BYTE_ARRAY => {
                let of = |bytes: &[u8]| Some(ByteArray::from(bytes.to_vec()));
                Statistics::byte_array(of(min), of(max), None, self.nulls, false)
            }
            Type::FIXED_LEN_BYTE_ARRAY => {
                let of = |bytes: &[u8]| Some(FixedLenByteArray::from(bytes.to_vec()));
                Statistics::fixed_len_byte_array(of(min), of(max), None, self.nulls, false)
            }
            // It has no order.
            Type::INT96 => return None,
        })
    }
}

/// Where the index of a chunk lies, if it has one.
pub(super) fn range(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(column.column_index_offset()?).ok()?;
    let length = u64::try_from(column.column_index_length()?).ok()?;
    Some(start..start.checked_add(length)?)
}

/// What the index of a chunk of so many pages says of each; none without one that makes sense.
pub(super) fn read(
    open: &OpenFile,
    column: &ColumnChunkMetaData,
    pages: usize,
) -> Option<Vec<PageBounds>> {
    let index = range(column)?;
    let length = usize::try_from(index.end - index.start).ok()?;
    let found = parse(&open.read_buffer(index.start, length).ok()?)?;
    (found.len() == pages).then_some(found)
}

/// Parses a Thrift `ColumnIndex`.
fn parse(bytes: &[u8]) -> Option<Vec<PageBounds>> {
    let (mut nulls, mut counts) = (None, None);
    let (mut least, mut greatest) = (None, None);
    Compact(bytes).fields(|thrift, id, kind| {
        match (id, kind) {
            (1, LIST) => nulls = Some(thrift.booleans()?),
            (2, LIST) => least = Some(list(thrift, BINARY, Compact::binary)?),
            (3, LIST) => greatest = Some(list(thrift, BINARY, Compact::binary)?),
            (5, LIST) => counts = Some(list(thrift, I64, Compact::long)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    let (nulls, least, greatest): (Vec<bool>, _, _) = (nulls?, least?, greatest?);
    let is_whole = [least.len(), greatest.len()] == [nulls.len(); 2];
    if !is_whole || counts.as_ref().is_some_and(|counts| counts.len() != nulls.len()) {
        return None;
    }
    let page = |(page, is_null): (usize, bool)| PageBounds {
        bounds: (!is_null).then(|| (least[page].to_vec(), greatest[page].to_vec())),
        is_null,
        nulls: counts.as_ref().and_then(|counts| u64::try_from(counts[page]).ok()),
    };
    Some(nulls.into_iter().enumerate().map(page).collect())
}

/// A list of elements of one type.
fn list<'a, T>(
    thrift: &mut Compact<'a>,
    kind: u8,
    element: impl Fn(&mut Compact<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = thrift.list(kind)?;
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(element(thrift)?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pages: one from "a" to "b" without nulls, one of three nulls.
    const BYTES: [u8; 19] =
        [0x19, 0x21, 2, 1, 0x19, 0x28, 1, b'a', 0, 0x19, 0x28, 1, b'b', 0, 0x29, 0x26, 0, 6, 0];

    #[test]
    fn indexes_are_parsed_whole_or_not_at_all() {
        let bounds = Some((b"a".to_vec(), b"b".to_vec()));
        let first = PageBounds { bounds, is_null: false, nulls: Some(0) };
        let second = PageBounds { bounds: None, is_null: true, nulls: Some(3) };
        assert_eq!(parse(&BYTES), Some(vec![first, second]));
        for end in 0..BYTES.len() {
            assert_eq!(parse(&BYTES[..end]), None);
        }
    }

    #[test]
    fn lists_are_of_equal_length() {
        let mut bytes = BYTES.to_vec();
        // One null count for two pages.
        bytes.splice(15..18, [0x16, 0]);
        assert_eq!(parse(&bytes), None);
    }

    #[test]
    fn bounds_have_the_length_of_their_type() {
        let bounds = |bytes: &[u8]| PageBounds {
            bounds: Some((bytes.to_vec(), bytes.to_vec())),
            ..PageBounds::default()
        };
        for (kind, length) in [
            (Type::BOOLEAN, 1),
            (Type::INT32, 4),
            (Type::INT64, 8),
            (Type::FLOAT, 4),
            (Type::DOUBLE, 8),
        ] {
            assert!(bounds(&vec![1; length]).statistics(kind).is_some());
            assert!(bounds(&vec![1; length - 1]).statistics(kind).is_none());
            assert!(bounds(&vec![1; length + 1]).statistics(kind).is_none());
        }
        assert!(bounds(&[1; 12]).statistics(Type::INT96).is_none());
        assert!(PageBounds::default().statistics(Type::INT32).is_none());
    }
}
