//! The Arrow schema of rows of a shape.
//!
//! | JSON | Arrow |
//! |---|---|
//! | whole numbers | `int64`; `uint64` if some need it and none is below zero |
//! | numbers, some with a fraction or an exponent | `double` |
//! | texts | `string` |
//! | objects | `struct` of all keys that any of them has |
//! | lists | `list` |
//! | nothing but nulls, or nothing at all | `null` |
//!
//! Every column and every key may be null.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};

use super::shape::{JsonKind, JsonShape, KINDS, NOWHERE, Place};
use crate::error::{Error, Result};

/// The schema of rows of `shape`, which lie in `files`. Columns that are not among `columns` may be
/// of several types; they come as nulls.
pub(super) fn schema(
    shape: &JsonShape,
    files: &[PathBuf],
    columns: Option<&[String]>,
) -> Result<SchemaRef> {
    if shape.fields.len() == 0 {
        let file = files.first().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(Error::Schema(format!(
            "{file}: the objects have no keys, so there are no columns; write at least one"
        )));
    }
    let mut fields = Vec::new();
    for field in shape.fields.iter() {
        let is_wanted = columns.is_none_or(|columns| columns.contains(&field.name));
        let kind = match data_type(&field.shape, &field.name, files) {
            Err(_) if !is_wanted => DataType::Null,
            found => found?,
        };
        fields.push(Field::new(field.name.as_str(), kind, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn data_type(shape: &JsonShape, path: &str, files: &[PathBuf]) -> Result<DataType> {
    let mut kinds: Vec<JsonKind> =
        KINDS.into_iter().filter(|&kind| shape.first(kind) != NOWHERE).collect();
    kinds.sort_by_key(|&kind| shape.first(kind));
    match kinds[..] {
        [] => Ok(DataType::Null),
        [first, second, ..] => Err(conflict(shape, path, files, first, second)),
        [JsonKind::Bool] => Ok(DataType::Boolean),
        [JsonKind::Text] => Ok(DataType::Utf8),
        [JsonKind::Number] => number(shape, path, files),
        [JsonKind::List] => {
            let path = format!("{path}[]");
            let items = shape.items.as_deref().map(|items| data_type(items, &path, files));
            let items = items.transpose()?.unwrap_or(DataType::Null);
            Ok(DataType::List(Arc::new(Field::new_list_field(items, true))))
        }
        [JsonKind::Object] => {
            let field = |field: &super::shape::Field| {
                let path = format!("{path}.{}", field.name);
                let kind = data_type(&field.shape, &path, files)?;
                Ok(Field::new(field.name.as_str(), kind, true))
            };
            let fields: Result<Vec<Field>> = shape.fields.iter().map(field).collect();
            Ok(DataType::Struct(Fields::from(fields?)))
        }
    }
}

fn number(shape: &JsonShape, path: &str, files: &[PathBuf]) -> Result<DataType> {
    let refuse = |place: Place, what: &str| {
        let (file, line) = (file(files, place), place.line);
        Err(Error::Schema(format!(
            "{file}: line {line}: column {path:?} {what}; \
             write such numbers as texts, or leave the column out with columns="
        )))
    };
    match shape {
        _ if shape.fractions => Ok(DataType::Float64),
        _ if shape.huge != NOWHERE => {
            refuse(shape.huge, "has a whole number that does not fit into 64 bits")
        }
        _ if shape.wide && shape.below_zero => refuse(
            shape.first(JsonKind::Number),
            "has whole numbers from here on of which some are below zero and others above \
             9223372036854775807, which no type of 64 bits holds",
        ),
        _ if shape.wide => Ok(DataType::UInt64),
        _ => Ok(DataType::Int64),
    }
}

fn conflict(
    shape: &JsonShape,
    path: &str,
    files: &[PathBuf],
    first: JsonKind,
    second: JsonKind,
) -> Error {
    let (before, here) = (shape.first(first), shape.first(second));
    let elsewhere = match before {
        Place { file, .. } if file == here.file => String::new(),
        place => format!(" of {}", file(files, place)),
    };
    Error::Schema(format!(
        "{}: line {}: column {path:?} is {} here, but {} in line {}{elsewhere}; \
         make it one type everywhere, or leave the column out with columns=",
        file(files, here),
        here.line,
        article(second),
        article(first),
        before.line
    ))
}

fn file(files: &[PathBuf], place: Place) -> String {
    files.get(place.file as usize).map(|path| path.display().to_string()).unwrap_or_default()
}

fn article(kind: JsonKind) -> &'static str {
    match kind {
        JsonKind::Bool => "true or false",
        JsonKind::Number => "a number",
        JsonKind::Text => "a text",
        JsonKind::Object => "an object",
        JsonKind::List => "a list",
    }
}
