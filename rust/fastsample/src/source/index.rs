//! The pass through files of lines that are opened: their rows, and the schema that those of a format
//! have in common.

use super::column_types::ColumnTypes;
use super::data::Data;
use super::options::OpenOptions;
use super::{csv, jsonl};
use crate::error::{Error, Result};
use crate::exec::Context;

/// Reads what `parts` can't tell before all of them are open. Returns what one should know of the
/// types of columns, a sentence each.
pub(super) fn index(
    ctx: &Context,
    parts: &mut [Data],
    options: &OpenOptions,
) -> Result<Vec<String>> {
    let types = match &options.types {
        Some(types) if hold_for(types, parts)? => Some(types),
        _ => None,
    };
    let (mut objects, mut records) = (Vec::new(), Vec::new());
    for part in &mut *parts {
        match part {
            Data::Jsonl(file) => objects.push(file),
            Data::Csv(file) => records.push(file),
            _ => {}
        }
    }
    let widened = jsonl::index(ctx, objects, types, options)?;
    let more = csv::index(ctx, records, types, options)?;
    if let Some(types) = types {
        check_names(types, parts)?;
    }
    Ok(types.map(ColumnTypes::note).into_iter().chain(widened).chain(more).collect())
}

/// Whether types hold for `parts`.
///
/// # Errors
/// [`Error::Argument`] for a part of another format, unless that is allowed.
fn hold_for(types: &ColumnTypes, parts: &[Data]) -> Result<bool> {
    let Some(other) = parts.iter().find(|part| !part.is_of_lines()) else { return Ok(true) };
    if types.is_lenient() {
        return Ok(false);
    }
    let info = other.info();
    let path = other.path().map(|path| path.display().to_string()).unwrap_or_default();
    Err(Error::Argument(format!(
        "{path}: schema= is for JSON Lines and CSV, which tell no types, but this file is {}; \
         leave schema= out, and cast the sample",
        info.format
    )))
}

/// Checks that every column whose type is set is in one of `parts`.
fn check_names(types: &ColumnTypes, parts: &[Data]) -> Result<()> {
    let is_there = |name: &&str| parts.iter().any(|part| part.schema().index_of(name).is_ok());
    let Some(missing) = types.names().find(|name| !is_there(name)) else { return Ok(()) };
    let mut known: Vec<&str> = Vec::new();
    for field in parts.iter().flat_map(|part| part.schema().fields()) {
        if !known.contains(&field.name().as_str()) {
            known.push(field.name());
        }
    }
    Err(Error::Column(format!(
        "schema=: there is no column {missing:?}; the columns are {}",
        known.join(", ")
    )))
}
