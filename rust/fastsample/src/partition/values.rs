//! The values of columns that make groups, as texts, and the hash that tells groups apart.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Result};

/// The values of a group as texts, a null as none: one for each column.
pub type GroupKey = Vec<Option<String>>;

/// The values of a row.
pub(crate) fn of_row(texts: &[StringViewArray], row: usize) -> impl Iterator<Item = Option<&str>> {
    texts.iter().map(move |column| column.is_valid(row).then(|| column.value(row)))
}

/// The hash of the values of a row: of the length and bytes of each, and which are null.
pub(crate) fn key<'a>(values: impl Iterator<Item = Option<&'a str>>) -> u128 {
    let mut bytes = Vec::with_capacity(64);
    for value in values {
        let len = value.map_or(u64::MAX, |value| value.len() as u64);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(value.unwrap_or_default().as_bytes());
    }
    xxh3_128(&bytes)
}

/// A hash of values in 64 bits.
pub(crate) fn folded(key: u128) -> u64 {
    (key >> 64) as u64 ^ key as u64
}

/// The hash of a row that belongs to no group: no values have it, as their lengths are other ones.
fn key_alone(ordinal: u64) -> u128 {
    let mut bytes = [0xff; 16];
    bytes[..8].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    bytes[8..].copy_from_slice(&ordinal.to_le_bytes());
    xxh3_128(&bytes)
}

/// The columns that make groups, and the option that names them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupColumns<'a> {
    pub(crate) option: &'static str,
    pub(crate) columns: &'a [String],
    /// Whether a row of nulls is a group of its own.
    pub(crate) nulls_apart: bool,
}

impl<'a> GroupColumns<'a> {
    /// The columns whose values make strata.
    pub(crate) fn by(columns: &'a [String]) -> Self {
        Self::named("by", columns)
    }

    /// The columns of groups that are drawn or left whole, in which a row of nulls is a group of its own.
    pub(crate) fn whole(columns: &'a [String]) -> Self {
        Self { option: "group", columns, nulls_apart: true }
    }

    /// Columns that an option names, in which a null is a value.
    pub(crate) fn named(option: &'static str, columns: &'a [String]) -> Self {
        Self { option, columns, nulls_apart: false }
    }

    /// Fails unless columns are named, each once.
    ///
    /// # Errors
    /// [`Error::Column`].
    pub(crate) fn check(self) -> Result<()> {
        let Self { option, columns, .. } = self;
        if columns.is_empty() {
            return Err(Error::Column(format!("{option} is empty; name at least one column")));
        }
        for (index, name) in columns.iter().enumerate() {
            if columns[..index].contains(name) {
                return Err(Error::Column(format!("{option} names column {name:?} twice")));
            }
        }
        Ok(())
    }

    /// The hash of the group of a row, whose values are in `texts`.
    pub(crate) fn key(self, texts: &[StringViewArray], row: usize, ordinal: u64) -> u128 {
        if self.nulls_apart && texts.iter().all(|column| column.is_null(row)) {
            return key_alone(ordinal);
        }
        key(of_row(texts, row))
    }

    /// The values of the columns as texts.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that has no plain values.
    pub(crate) fn texts(self, batch: &RecordBatch) -> Result<Vec<StringViewArray>> {
        let column = |name: &String| {
            let column = batch.column_by_name(name);
            let column = column.ok_or_else(|| Error::Internal(format!("{name:?} was not read")))?;
            text(column, name, self.option)
        };
        self.columns.iter().map(column).collect()
    }
}

/// The values of a column as texts; 0 and -0 are one value.
fn text(column: &ArrayRef, name: &str, option: &str) -> Result<StringViewArray> {
    let kind = match column.data_type() {
        DataType::Dictionary(_, values) => values,
        kind => kind,
    };
    let is_plain = kind.is_string()
        || kind.is_numeric()
        || kind.is_temporal()
        || matches!(kind, DataType::Boolean | DataType::Null);
    if !is_plain {
        return Err(Error::Column(format!(
            "{option}: column {name:?} is {kind}; rows are grouped by columns of texts, numbers, dates, \
             times or truth values"
        )));
    }
    let cast = || -> Result<ArrayRef, ArrowError> {
        if kind.is_string() {
            return cast(column, &DataType::Utf8View);
        }
        cast(&cast(column, &DataType::Utf8)?, &DataType::Utf8View)
    };
    let texts = cast().map_err(Error::kernel)?.as_string_view().clone();
    if kind.is_floating() && texts.iter().any(|text| text == Some("-0.0")) {
        return Ok(texts.iter().map(|t| if t == Some("-0.0") { Some("0.0") } else { t }).collect());
    }
    Ok(texts)
}
