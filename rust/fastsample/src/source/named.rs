//! Named sources: the rows of several sources with the columns of all of them, and one that tells
//! the sources apart.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::joint::keep;
use super::origin::Origin;
use super::unify::{Label, unify};
use super::{Fragment, Part, Source};
use crate::error::{Error, Result};

/// Sources of one schema.
#[derive(Debug)]
pub(crate) struct NamedSources {
    /// The sources, in the order given.
    pub(crate) sources: Vec<Source>,
    /// The columns that each of them lacks, which are null there.
    pub(crate) missing: Vec<Vec<String>>,
}

impl NamedSources {
    /// Gives all sources the columns of each, or `columns`, and behind them one called `label` that
    /// has the name of the source. What a source lacks is null there.
    ///
    /// # Errors
    /// [`Error::Schema`] where two sources do not fit together; [`Error::Column`] for a column that
    /// no source has, or where one is called as `label` is.
    pub(crate) fn new(
        named: Vec<(String, Source)>,
        columns: Option<&[String]>,
        label: Option<&str>,
    ) -> Result<Self> {
        let schemas: Vec<SchemaRef> = named
            .iter()
            .map(|(_, source)| match columns {
                Some(columns) => Arc::new(keep(source.schema(), columns)),
                None => source.schema().clone(),
            })
            .collect();
        let schema = ordered(unified(&named, &schemas)?, columns)?;
        let missing = |own: &SchemaRef| {
            let all = schema.fields().iter().map(|field| field.name());
            all.filter(|name| own.index_of(name).is_err()).cloned().collect()
        };
        let missing = schemas.iter().map(missing).collect();
        let schema = match label {
            Some(label) => labelled(&schema, label)?,
            None => Arc::new(schema),
        };
        let recast = |(name, source): (String, Source)| {
            let label = label.map(|column| Label { column: column.into(), text: name.into() });
            let part = |part: &Part| Part::new(part.data.clone(), label.clone(), &schema);
            let parts = source.parts.iter().map(part).collect();
            Source { parts, schema: schema.clone(), layout: None, ..source }
        };
        Ok(Self { sources: named.into_iter().map(recast).collect(), missing })
    }
}

/// The rows of sources of one schema, one source behind the other.
pub(crate) fn joined(sources: &[Source]) -> Result<Source> {
    let Some(first) = sources.first() else {
        return Err(Error::Argument("no source was given; name at least one".into()));
    };
    let (mut parts, mut fragments, mut rows) = (Vec::new(), Vec::new(), 0);
    for source in sources {
        let moved = |fragment: &Fragment| Fragment {
            part: fragment.part + parts.len(),
            first: fragment.first + rows,
            ..*fragment
        };
        fragments.extend(source.fragments.iter().map(moved));
        parts.extend(source.parts.iter().cloned());
        rows += source.rows;
    }
    Ok(Source {
        parts: parts.into(),
        fragments: fragments.into(),
        rows,
        origin: Arc::new(Origin::joined(sources.iter().map(|source| &*source.origin))),
        ..first.clone()
    })
}

/// One schema for all. A column that a source lacks may be null.
fn unified(named: &[(String, Source)], schemas: &[SchemaRef]) -> Result<Schema> {
    let columns = |schema: &SchemaRef| -> HashSet<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    let there: Vec<HashSet<String>> = schemas.iter().map(columns).collect();
    let open = |field: &Arc<Field>| {
        let everywhere = there.iter().all(|columns| columns.contains(field.name()));
        let nullable = field.is_nullable() || !everywhere;
        field.as_ref().clone().with_nullable(nullable)
    };
    let part = |((name, _), schema): (&(String, Source), &SchemaRef)| {
        let fields: Vec<Field> = schema.fields().iter().map(open).collect();
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        (format!("source {name:?}"), Arc::new(schema))
    };
    let parts: Vec<(String, SchemaRef)> = named.iter().zip(schemas).map(part).collect();
    Ok(Arc::unwrap_or_clone(unify(&parts)?))
}

/// `columns` of `schema`, in the order given.
fn ordered(schema: Schema, columns: Option<&[String]>) -> Result<Schema> {
    let Some(columns) = columns else { return Ok(schema) };
    if columns.is_empty() {
        return Err(Error::Column("columns= is empty; name at least one column".into()));
    }
    let mut places = Vec::new();
    for column in columns {
        let place = schema.index_of(column).map_err(|_| {
            Error::Column(format!("there is no column {column:?} in any source; check the name"))
        })?;
        if places.contains(&place) {
            return Err(Error::Column(format!("column {column:?} is asked for twice")));
        }
        places.push(place);
    }
    schema.project(&places).map_err(Error::kernel)
}

fn labelled(schema: &Schema, label: &str) -> Result<SchemaRef> {
    if schema.index_of(label).is_ok() {
        return Err(Error::Column(format!(
            "the sources have a column {label:?} already; give the column that names the source \
             another name with source_column="
        )));
    }
    let label = Arc::new(Field::new(label, DataType::Utf8, false));
    let fields: Vec<_> = schema.fields().iter().cloned().chain([label]).collect();
    Ok(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}
