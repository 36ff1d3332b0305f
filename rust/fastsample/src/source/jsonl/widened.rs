//! Columns of numbers whose type is that of a few of their values.

use std::path::PathBuf;

use arrow_schema::DataType;

use super::shape::{JsonKind, JsonShape, KINDS, NOWHERE};
use crate::source::column_types::ColumnTypes;
use crate::source::lines::{rounded, widened};
use crate::source::options::OpenOptions;

/// What one should know of the types of the columns of `shape` that are wanted, a sentence each.
pub(super) fn notes(
    shape: &JsonShape,
    files: &[PathBuf],
    types: Option<&ColumnTypes>,
    options: &OpenOptions,
) -> Vec<String> {
    let mut notes = Vec::new();
    for field in shape.fields.iter().filter(|field| options.wants(&field.name)) {
        let wanted = types.and_then(|types| types.get(&field.name));
        collect(&field.shape, wanted, &field.name, files, &mut notes);
    }
    notes
}

fn collect(
    shape: &JsonShape,
    wanted: Option<&DataType>,
    path: &str,
    files: &[PathBuf],
    notes: &mut Vec<String>,
) {
    let is_number = shape.fractions.is_somewhere()
        && KINDS.iter().all(|&kind| kind == JsonKind::Number || shape.first(kind) == NOWHERE);
    if is_number && wanted.is_none() {
        let types = ("double", "int64");
        notes.extend(widened(files, path, types, &shape.fractional, shape.numbers));
        notes.extend(rounded(files, path, &shape.inexact));
    }
    if let Some(items) = &shape.items {
        let wanted = match wanted {
            Some(DataType::List(item)) => Some(item.data_type()),
            other => other,
        };
        collect(items, wanted, &format!("{path}[]"), files, notes);
    }
    for field in shape.fields.iter() {
        let wanted = match wanted {
            Some(DataType::Struct(named)) => {
                named.find(&field.name).map(|(_, field)| field.data_type())
            }
            other => other,
        };
        collect(&field.shape, wanted, &format!("{path}.{}", field.name), files, notes);
    }
}
