//! What is seen of a column: its type, or where its fields are not of the type that is set.

use std::path::{Path, PathBuf};

use arrow_schema::DataType;

use super::fields::CsvField;
use super::kind::{ColumnSeen, boolean, float, parse};
use super::widened::CsvTallies;
use crate::error::{Error, Result};
use crate::source::column_types::{ColumnTypes, type_name};

/// A column of a file, as a state that merges.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct CsvColumnSeen {
    seen: ColumnSeen,
    tallies: CsvTallies,
    /// The type that is set, if one is.
    wanted: Option<DataType>,
    /// The first field that is not of this type.
    misfit: Option<Misfit>,
}

#[derive(Debug, Clone)]
struct Misfit {
    line: u64,
    shown: String,
}

/// Characters of a field that are shown.
const SHOWN: usize = 40;

impl CsvColumnSeen {
    /// The columns of these names, none of whose fields has been seen.
    ///
    /// # Errors
    /// [`Error::Argument`] where a type is set that has parts.
    pub(super) fn all(names: &[String], types: Option<&ColumnTypes>) -> Result<Vec<Self>> {
        let column = |name: &String| {
            let wanted = types.and_then(|types| types.get(name)).cloned();
            if let Some(kind) = wanted.as_ref().filter(|kind| kind.is_nested()) {
                return Err(Error::Argument(format!(
                    "schema=: column {name:?} is {}, but fields of CSV have no parts; set string",
                    type_name(kind)
                )));
            }
            Ok(Self { wanted, ..Self::default() })
        };
        names.iter().map(column).collect()
    }

    /// What was seen of a column whose type is not set, as a byte, and back.
    pub(in crate::source) fn to_byte(&self) -> u8 {
        self.seen.to_byte()
    }

    pub(in crate::source) fn from_byte(byte: u8) -> Self {
        Self { seen: ColumnSeen::from_byte(byte), ..Self::default() }
    }

    /// Takes in a field of a record whose first line is `line`.
    pub(super) fn add(&mut self, field: &CsvField<'_>, line: u64) {
        match &self.wanted {
            None => {
                let seen = ColumnSeen::of(field);
                self.seen.merge(seen);
                if let Some((kind, is_inexact)) = seen.field_kind() {
                    self.tallies.add(kind, is_inexact, field, line);
                }
            }
            Some(_) if self.misfit.is_some() => {}
            Some(kind) if is_of(kind, field) => {}
            Some(_) => {
                let text = String::from_utf8_lossy(&field.text()).into_owned();
                let shown = text.chars().take(SHOWN).collect();
                self.misfit = Some(Misfit { line, shown });
            }
        }
    }

    /// Numbers the lines from those of a chunk to those of file `file`, where `before` precede them.
    pub(super) fn place(&mut self, file: u32, before: u64) {
        self.tallies.place(file, before);
        self.misfit.iter_mut().for_each(|misfit| misfit.line += before);
    }

    /// Takes in what was seen of later rows.
    pub(super) fn merge(&mut self, other: Self) {
        self.seen.merge(other.seen);
        self.tallies.merge(other.tallies);
        self.misfit = self.misfit.take().or(other.misfit);
    }

    /// What one should know of the type of the column, unless it is set.
    pub(super) fn notes(&self, files: &[PathBuf], name: &str) -> Vec<String> {
        match self.wanted {
            None => self.tallies.notes(files, name, &self.data_type()),
            Some(_) => Vec::new(),
        }
    }

    /// The type of the column; `null` if fields are not of the type that is set.
    pub(super) fn data_type(&self) -> DataType {
        match (&self.wanted, &self.misfit) {
            (None, _) => self.seen.data_type(),
            (Some(_), Some(_)) => DataType::Null,
            (Some(kind), None) => kind.clone(),
        }
    }

    /// The error of the first field that is not of the type that is set.
    pub(super) fn error(&self, path: &Path, name: &str) -> Option<Error> {
        let (Some(kind), Some(Misfit { line, shown })) = (&self.wanted, &self.misfit) else {
            return None;
        };
        Some(Error::Schema(format!(
            "{}: line {line}: column {name:?} is {shown:?} here, but schema= says {}; mend the line, \
             set another type, or leave the column out with columns=",
            path.display(),
            type_name(kind)
        )))
    }
}

/// Whether a field is of a type, as [`super::rows`] reads it. An empty one is null.
fn is_of(kind: &DataType, field: &CsvField<'_>) -> bool {
    let bytes = field.bytes;
    match kind {
        _ if bytes.is_empty() => true,
        DataType::Boolean => boolean(bytes).is_some(),
        DataType::Int64 => parse::<i64>(bytes).is_some(),
        DataType::UInt64 => parse::<u64>(bytes).is_some(),
        // A number beyond the range of floats is none, `inf` is one.
        DataType::Float64 => float(bytes)
            .is_some_and(|value| value.is_finite() || !bytes.iter().any(u8::is_ascii_digit)),
        _ => true,
    }
}
