//! The type of a column, from all of its fields.
//!
//! | all fields that are not empty are | Arrow |
//! |---|---|
//! | whole numbers of 64 bits, without a sign or zeros before them | `int64`; `uint64` if some need it and none is below zero |
//! | such numbers and others, with a fraction or an exponent | `double` |
//! | `true` and `false`, in capitals or not | `bool` |
//! | anything else, or of several types | `string` |
//! | none at all | `null`; `string` if some have quotes |
//!
//! Quotes around a field don't change its type. An empty field is null, but `""` in a column of
//! strings is an empty string.

use arrow_schema::DataType;

use super::fields::CsvField;
use crate::source::lines::is_inexact;

/// What was seen in the fields of a column: a set that merges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ColumnSeen(u8);

const WHOLE: u8 = 1;
const BELOW_ZERO: u8 = 2;
/// Whole numbers beyond 63 bits.
const WIDE: u8 = 4;
const FRACTION: u8 = 8;
const BOOL: u8 = 16;
const TEXT: u8 = 32;
const EMPTY: u8 = 64;
/// Whole numbers that floats don't hold.
const INEXACT: u8 = 128;

/// What a field that is not empty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    Whole,
    /// A whole number beyond 63 bits.
    Wide,
    Fraction,
    Bool,
    Text,
}

impl FieldKind {
    pub(super) const COUNT: usize = 5;
}

/// Digits of a whole number that surely fits into 64 bits.
const SAFE_DIGITS: usize = 18;

impl ColumnSeen {
    /// A single field.
    pub(super) fn of(field: &CsvField<'_>) -> Self {
        Self(match field.bytes {
            [] if field.is_quoted => EMPTY,
            [] => 0,
            bytes => kind(bytes),
        })
    }

    /// What a single field is, and whether it is a whole number that floats don't hold; none if it
    /// is empty.
    pub(super) fn field_kind(self) -> Option<(FieldKind, bool)> {
        let has = |kinds: u8| self.0 & kinds != 0;
        let kind = match () {
            () if has(TEXT) => FieldKind::Text,
            () if has(BOOL) => FieldKind::Bool,
            () if has(FRACTION) => FieldKind::Fraction,
            () if has(WIDE) => FieldKind::Wide,
            () if has(WHOLE) => FieldKind::Whole,
            () => return None,
        };
        Some((kind, has(INEXACT)))
    }

    pub(super) fn to_byte(self) -> u8 {
        self.0
    }

    pub(super) fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn data_type(self) -> DataType {
        let has = |kinds: u8| self.0 & kinds != 0;
        let is_number = has(WHOLE | FRACTION);
        if has(TEXT) || (has(BOOL) && is_number) {
            return DataType::Utf8;
        }
        match () {
            () if has(BOOL) => DataType::Boolean,
            () if has(FRACTION) => DataType::Float64,
            () if has(WIDE) && has(BELOW_ZERO) => DataType::Utf8,
            () if has(WIDE) => DataType::UInt64,
            () if is_number => DataType::Int64,
            () if has(EMPTY) => DataType::Utf8,
            () => DataType::Null,
        }
    }
}

fn kind(bytes: &[u8]) -> u8 {
    match bytes[0] {
        b'-' | b'.' | b'0'..=b'9' | b'N' | b'n' | b'i' => number(bytes),
        b't' | b'T' | b'f' | b'F' => boolean(bytes).map_or(TEXT, |_| BOOL),
        _ => TEXT,
    }
}

/// The truth that a field stands for.
pub(super) fn boolean(bytes: &[u8]) -> Option<bool> {
    match bytes {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

fn number(bytes: &[u8]) -> u8 {
    if matches!(bytes, b"NaN" | b"nan" | b"inf" | b"-inf") {
        return FRACTION;
    }
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(unsigned);
    // Numbers with zeros before them are codes, whose zeros would be lost.
    if whole > 1 && unsigned[0] == b'0' {
        return TEXT;
    }
    let mut rest = &unsigned[whole..];
    if rest.is_empty() {
        return if whole == 0 { TEXT } else { whole_number(bytes, whole) };
    }
    let mut all = whole;
    if let Some(behind) = rest.strip_prefix(b".") {
        let fraction = digits(behind);
        all += fraction;
        rest = &behind[fraction..];
    }
    if let Some(behind) = rest.strip_prefix(b"e").or(rest.strip_prefix(b"E")) {
        let behind = behind.strip_prefix(b"+").or(behind.strip_prefix(b"-")).unwrap_or(behind);
        let exponent = digits(behind);
        if exponent == 0 {
            return TEXT;
        }
        rest = &behind[exponent..];
    }
    if all == 0 || !rest.is_empty() {
        return TEXT;
    }
    if float(bytes).is_some_and(f64::is_finite) { FRACTION } else { TEXT }
}

fn whole_number(bytes: &[u8], digits: usize) -> u8 {
    let inexact = if is_inexact(bytes) { INEXACT } else { 0 };
    let below_zero = if bytes[0] == b'-' { BELOW_ZERO } else { 0 };
    if digits <= SAFE_DIGITS || parse::<i64>(bytes).is_some() {
        WHOLE | below_zero | inexact
    } else if parse::<u64>(bytes).is_some() {
        WHOLE | WIDE | inexact
    } else {
        TEXT
    }
}

/// A number that [`ColumnSeen`] took for one.
pub(super) fn parse<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// As [`parse`], for the nearest 64-bit float.
pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    parse(bytes)
}
