//! The columns of a source: those of all its parts, or those of them that are asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};

use super::unify::unify;
use crate::error::{Error, Result};

/// The columns of all parts, or those of them that are asked for.
pub(super) fn joint(
    parts: &[(String, SchemaRef)],
    columns: Option<&[String]>,
) -> Result<SchemaRef> {
    let Some(columns) = columns else { return unify(parts) };
    // Columns that are not requested may have any type.
    let kept: Vec<(String, SchemaRef)> = parts
        .iter()
        .map(|(name, schema)| (name.clone(), Arc::new(keep(schema, columns))))
        .collect();
    let schema = unify(&kept)?;
    Ok(Arc::new(project(&schema, columns, parts)?))
}

/// The fields of `schema` that are among `columns`.
pub(super) fn keep(schema: &Schema, columns: &[String]) -> Schema {
    let columns: HashSet<&String> = columns.iter().collect();
    let fields: Vec<_> =
        schema.fields().iter().filter(|field| columns.contains(field.name())).cloned().collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// `columns` of `schema`, in the order given.
fn project(schema: &Schema, columns: &[String], parts: &[(String, SchemaRef)]) -> Result<Schema> {
    let fields = schema.fields().iter().enumerate();
    let places: HashMap<&str, usize> =
        fields.map(|(place, field)| (field.name().as_str(), place)).collect();
    let (mut indices, mut seen) = (Vec::new(), HashSet::new());
    for column in columns {
        let index = places.get(column.as_str()).copied().ok_or_else(|| {
            let known: Vec<&str> = parts[0].1.fields().iter().map(|f| f.name().as_str()).collect();
            Error::Column(format!(
                "{}: there is no column {column:?}; the columns are {}",
                parts[0].0,
                known.join(", ")
            ))
        })?;
        if !seen.insert(index) {
            return Err(Error::Column(format!("column {column:?} is asked for twice")));
        }
        indices.push(index);
    }
    if indices.is_empty() {
        return Err(Error::Column("columns= is empty; name at least one column".into()));
    }
    schema.project(&indices).map_err(Error::kernel)
}
