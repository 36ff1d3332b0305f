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

use super::fit::check;
use super::shape::{JsonKind, JsonShape, KINDS, NOWHERE, Place};
use crate::error::{Error, Result};
use crate::source::column_types::ColumnTypes;
use crate::source::lines::Conflicts;
use crate::source::options::OpenOptions;

/// The schema of rows of `shape`, which lie in `files`. Columns that are not wanted may have values
/// that fit no one type; they come as nulls.
pub(super) fn schema(
    shape: &JsonShape,
    files: &[PathBuf],
    types: Option<&ColumnTypes>,
    options: &OpenOptions,
) -> Result<(SchemaRef, Conflicts)> {
    if shape.fields.len() == 0 {
        let file = files.first().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(Error::Schema(format!(
            "{file}: the objects have no keys, so there are no columns; write at least one"
        )));
    }
    let (mut fields, mut conflicts) = (Vec::new(), Conflicts::default());
    for field in shape.fields.iter() {
        let wanted = types.and_then(|types| types.get(&field.name));
        let kind = match data_type(&field.shape, wanted, &field.name, files) {
            Ok(kind) => kind,
            Err(error) => {
                conflicts.add(&field.name, options.wants(&field.name), error)?;
                DataType::Null
            }
        };
        fields.push(Field::new(field.name.as_str(), kind, true));
    }
    Ok((Arc::new(Schema::new(fields)), conflicts))
}

/// The type of values of `shape` at `path`: the one that is `wanted`, or that which holds them.
fn data_type(
    shape: &JsonShape,
    wanted: Option<&DataType>,
    path: &str,
    files: &[PathBuf],
) -> Result<DataType> {
    if let Some(wanted) = wanted {
        check(shape, wanted, path, files)?;
    }
    let mut kinds: Vec<JsonKind> =
        KINDS.into_iter().filter(|&kind| shape.first(kind) != NOWHERE).collect();
    kinds.sort_by_key(|&kind| shape.first(kind));
    match (wanted, &kinds[..]) {
        (Some(DataType::List(item)), [JsonKind::List]) => {
            list(shape, Some(item.data_type()), path, files)
        }
        (Some(DataType::Struct(named)), [JsonKind::Object]) => object(shape, named, path, files),
        (Some(wanted), _) => Ok(wanted.clone()),
        (None, []) => Ok(DataType::Null),
        (None, &[first, second, ..]) => Err(conflict(shape, path, files, first, second)),
        (None, [JsonKind::Bool]) => Ok(DataType::Boolean),
        (None, [JsonKind::Text]) => Ok(DataType::Utf8),
        (None, [JsonKind::Number]) => number(shape, path, files),
        (None, [JsonKind::List]) => list(shape, None, path, files),
        (None, [JsonKind::Object]) => object(shape, &Fields::empty(), path, files),
    }
}

fn list(
    shape: &JsonShape,
    wanted: Option<&DataType>,
    path: &str,
    files: &[PathBuf],
) -> Result<DataType> {
    let path = format!("{path}[]");
    let items = match (&shape.items, wanted) {
        (Some(items), _) => data_type(items, wanted, &path, files)?,
        (None, Some(wanted)) => wanted.clone(),
        (None, None) => DataType::Null,
    };
    Ok(DataType::List(Arc::new(Field::new_list_field(items, true))))
}

/// The type of objects of which the keys `named` have a type that is set.
fn object(shape: &JsonShape, named: &Fields, path: &str, files: &[PathBuf]) -> Result<DataType> {
    let field = |field: &super::shape::Field| {
        let path = format!("{path}.{}", field.name);
        let wanted = named.find(&field.name).map(|(_, field)| field.data_type());
        let kind = data_type(&field.shape, wanted, &path, files)?;
        Ok(Field::new(field.name.as_str(), kind, true))
    };
    let fields: Result<Vec<Field>> = shape.fields.iter().map(field).collect();
    Ok(DataType::Struct(Fields::from(fields?)))
}

fn number(shape: &JsonShape, path: &str, files: &[PathBuf]) -> Result<DataType> {
    let refuse = |place: Place, what: &str| {
        let (file, line) = (place.file_of(files), place.line);
        Err(Error::Schema(format!(
            "{file}: line {line}: column {path:?} {what}; \
             set another type with schema=, or leave the column out with columns="
        )))
    };
    match shape {
        _ if shape.fractions.is_somewhere() => Ok(DataType::Float64),
        _ if shape.huge.is_somewhere() => {
            refuse(shape.huge, "has a whole number that does not fit into 64 bits")
        }
        _ if shape.wide.is_somewhere() && shape.below_zero.is_somewhere() => refuse(
            shape.first(JsonKind::Number),
            "has whole numbers from here on of which some are below zero and others above \
             9223372036854775807, which no type of 64 bits holds",
        ),
        _ if shape.wide.is_somewhere() => Ok(DataType::UInt64),
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
        place => format!(" of {}", place.file_of(files)),
    };
    let is_nested = |kind| matches!(kind, JsonKind::Object | JsonKind::List);
    let remedy = if is_nested(first) || is_nested(second) {
        "make it one type everywhere"
    } else {
        "make it one type everywhere, read all as texts with schema= (string)"
    };
    Error::Schema(format!(
        "{}: line {}: column {path:?} is {} here, but {} in line {}{elsewhere}; \
         {remedy}, or leave the column out with columns=",
        here.file_of(files),
        here.line,
        second.shown(),
        first.shown(),
        before.line
    ))
}
