//! Schema unification: one schema for many files, and each file's columns cast to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray, new_null_array};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};

use super::provenance::without_provenance;
use crate::error::{Error, Result};
use crate::text::is_text;

/// The schema that holds the rows of all parts: the first part's columns, then new ones as they
/// come. A column that some part lacks must be nullable where it exists. Metadata is the first's,
/// without its provenance.
pub(crate) fn unify(parts: &[(String, SchemaRef)]) -> Result<SchemaRef> {
    let [(first_name, first), others @ ..] = parts else {
        return Err(Error::Argument("no data was given".into()));
    };
    check_names(first_name, first)?;
    let mut fields: Vec<Arc<Field>> = first.fields().iter().cloned().collect();
    let mut places: HashMap<String, usize> = places(first.fields());
    for (name, schema) in others {
        check_names(name, schema)?;
        for field in schema.fields() {
            if let Some(&place) = places.get(field.name()) {
                fields[place] = Arc::new(join(&fields[place], field, first_name, name)?);
            } else {
                places.insert(field.name().clone(), fields.len());
                fields.push(missing(field, first_name)?);
            }
        }
    }
    for (name, schema) in others {
        let there: HashSet<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        for field in &mut fields {
            if !there.contains(field.name().as_str()) {
                *field = missing(field, name)?;
            }
        }
    }
    let metadata = first.metadata().clone();
    Ok(without_provenance(&Arc::new(Schema::new_with_metadata(fields, metadata))))
}

/// Where each name is: a schema may have so many columns that looking through it for each is slow.
fn places(fields: &Fields) -> HashMap<String, usize> {
    fields.iter().enumerate().map(|(place, field)| (field.name().clone(), place)).collect()
}

fn check_names(part: &str, schema: &Schema) -> Result<()> {
    if let Some(odd) = schema.flattened_fields().iter().find(|field| field.name().contains('\0')) {
        return Err(Error::Column(format!(
            "{part}: the column name {:?} has a NUL character, which Arrow can't hand on; \
             the file is damaged, or the column should be renamed",
            odd.name()
        )));
    }
    for field in schema.fields() {
        check_type(field.data_type(), 0).map_err(|what| {
            let name = field.name();
            Error::Schema(format!("{part}: column {name:?} {what}, or leave it out with columns="))
        })?;
    }
    let mut seen = HashSet::new();
    match schema.fields().iter().find(|field| !seen.insert(field.name())) {
        None => Ok(()),
        Some(field) => Err(Error::Column(format!(
            "{part}: more than one column is named {:?}; rename all but one of them",
            field.name()
        ))),
    }
}

/// Levels that a type may have: Arrow data of more can't be handed on.
const MAX_DEPTH: usize = 60;

/// Fails for a type that no reader of Arrow data would take.
fn check_type(kind: &DataType, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "is nested more than {MAX_DEPTH} levels deep; write it with fewer levels"
        ));
    }
    let digits = match kind {
        DataType::Decimal32(precision, _) => Some((*precision, 9)),
        DataType::Decimal64(precision, _) => Some((*precision, 18)),
        DataType::Decimal128(precision, _) => Some((*precision, 38)),
        DataType::Decimal256(precision, _) => Some((*precision, 76)),
        _ => None,
    };
    if let Some((precision, most)) = digits
        && !(1..=most).contains(&precision)
    {
        return Err(format!(
            "has decimals of {precision} digits, but there are 1 to {most}; write the data again"
        ));
    }
    if let DataType::FixedSizeBinary(size) | DataType::FixedSizeList(_, size) = kind
        && *size < 0
    {
        return Err(format!("has values of {size} bytes or items; write the data again"));
    }
    match kind {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => check_type(field.data_type(), depth + 1),
        DataType::Dictionary(_, values) => check_type(values, depth + 1),
        DataType::Struct(fields) => {
            fields.iter().try_for_each(|field| check_type(field.data_type(), depth + 1))
        }
        DataType::Union(fields, _) => {
            fields.iter().try_for_each(|(_, field)| check_type(field.data_type(), depth + 1))
        }
        _ => Ok(()),
    }
}

fn missing(field: &Arc<Field>, part: &str) -> Result<Arc<Field>> {
    if field.is_nullable() {
        return Ok(field.clone());
    }
    Err(Error::Schema(format!(
        "{part}: column {:?} is missing and can't be filled with nulls, because another file says \
         that it is never null; add the column, or leave it out with columns=",
        field.name()
    )))
}

fn join(known: &Field, other: &Field, first: &str, part: &str) -> Result<Field> {
    let data_type = match (known.data_type(), other.data_type()) {
        (a, b) if a == b || b == &DataType::Null => a.clone(),
        (DataType::Null, b) => b.clone(),
        (a, b) if is_text(a) && is_text(b) => widest(a, b),
        (a, b) if a.equals_datatype(b) && same_fields(a, b) => a.clone(),
        (a, b) => {
            return Err(Error::Schema(format!(
                "{part}: column {:?} is {b} here but {a} in {first}; \
                 convert one of the files, or leave the column out with columns=",
                known.name()
            )));
        }
    };
    let nullable = known.is_nullable() || other.is_nullable();
    Ok(known.clone().with_data_type(data_type).with_nullable(nullable))
}

/// Whether the fields of structs have the same names in the same order. Those of list items and map
/// entries do not matter.
fn same_fields(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => a
            .iter()
            .zip(b)
            .all(|(a, b)| a.name() == b.name() && same_fields(a.data_type(), b.data_type())),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.iter().zip(b).all(|(a, b)| same_fields(a.data_type(), b.data_type()))
            }
            _ => true,
        },
        (DataType::List(a), DataType::List(b))
        | (DataType::LargeList(a), DataType::LargeList(b))
        | (DataType::ListView(a), DataType::ListView(b))
        | (DataType::LargeListView(a), DataType::LargeListView(b))
        | (DataType::FixedSizeList(a, _), DataType::FixedSizeList(b, _)) => {
            same_fields(a.data_type(), b.data_type())
        }
        _ => true,
    }
}

/// Text types differ only in layout: the first file's stands unless the other holds more.
fn widest(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (DataType::Dictionary(..), b) => b.clone(),
        (DataType::Utf8, DataType::LargeUtf8) => DataType::LargeUtf8,
        (a, _) => a.clone(),
    }
}

/// A column that has the same text in all rows of a part, and is not among its data.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) column: Arc<str>,
    pub(super) text: Arc<str>,
}

/// Where a column comes from.
#[derive(Debug, Clone)]
enum ColumnPlace {
    /// From the column of this index among those that are read.
    Read(usize),
    /// From a label.
    Label(Arc<str>),
    /// From nowhere: nulls.
    Missing,
}

/// Where the columns of a schema are found among those of one part.
#[derive(Debug, Clone)]
pub(crate) struct ColumnMap {
    /// For each column wanted.
    places: Vec<ColumnPlace>,
    /// The columns of the part to be read, ascending.
    roots: Vec<usize>,
}

impl ColumnMap {
    pub(super) fn new(wanted: &Schema, part: &Schema, label: Option<&Label>) -> Self {
        let places = places(part.fields());
        let label = |field: &Field| label.filter(|label| *label.column == **field.name());
        let root = |field: &Arc<Field>| match label(field) {
            Some(_) => None,
            None => places.get(field.name()).copied(),
        };
        let found: Vec<Option<usize>> = wanted.fields().iter().map(root).collect();
        let mut roots: Vec<usize> = found.iter().copied().flatten().collect();
        roots.sort_unstable();
        let place = |(root, field): (&Option<usize>, &Arc<Field>)| match (root, label(field)) {
            (Some(root), _) => {
                roots.binary_search(root).map_or(ColumnPlace::Missing, ColumnPlace::Read)
            }
            (None, Some(label)) => ColumnPlace::Label(label.text.clone()),
            (None, None) => ColumnPlace::Missing,
        };
        Self { places: found.iter().zip(wanted.fields()).map(place).collect(), roots }
    }

    /// The columns of the part to be read, ascending.
    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// Brings a batch of [`ColumnMap::roots`] into the order of `schema`, with labels, and nulls for
    /// what is missing.
    ///
    /// Types stay as they were read; [`crate::gather`] casts the few rows that are chosen.
    pub(crate) fn arrange(&self, schema: &Schema, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let columns: Vec<ArrayRef> = std::iter::zip(&self.places, schema.fields())
            .map(|(place, field)| match place {
                ColumnPlace::Read(place) => batch.column(*place).clone(),
                ColumnPlace::Label(text) => {
                    Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(text, rows)))
                }
                ColumnPlace::Missing => new_null_array(field.data_type(), rows),
            })
            .collect();
        let fields: Vec<Field> = std::iter::zip(schema.fields(), &columns)
            .map(|(field, column)| {
                field
                    .as_ref()
                    .clone()
                    .with_data_type(column.data_type().clone())
                    .with_nullable(true)
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(Error::kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, fields: &[(&str, DataType, bool)]) -> (String, SchemaRef) {
        let fields: Vec<Field> = fields
            .iter()
            .map(|(name, kind, null)| Field::new(*name, kind.clone(), *null))
            .collect();
        (name.to_owned(), Arc::new(Schema::new(fields)))
    }

    #[test]
    fn order_and_missing_nullable_columns_are_unified() {
        let a = part("a", &[("x", DataType::Int32, false), ("y", DataType::Utf8, true)]);
        let b = part("b", &[("z", DataType::Int8, true), ("x", DataType::Int32, true)]);
        let unified = unify(&[a, b]).expect("compatible");
        let names: Vec<_> =
            unified.fields().iter().map(|f| (f.name().as_str(), f.is_nullable())).collect();
        assert_eq!(names, [("x", true), ("y", true), ("z", true)]);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let a = part("a", &[("x", DataType::Int32, false)]);
        let b = part("b", &[("x", DataType::Utf8, false)]);
        let error = unify(&[a.clone(), b]).expect_err("types differ").to_string();
        assert!(error.contains("\"x\"") && error.starts_with("b:"), "{error}");
        let c = part("c", &[]);
        let error = unify(&[a.clone(), c]).expect_err("missing").to_string();
        assert!(error.contains("\"x\"") && error.starts_with("c:"), "{error}");
        let twice = part("t", &[("x", DataType::Int32, false), ("x", DataType::Int32, false)]);
        assert!(unify(&[twice]).expect_err("duplicate").to_string().contains("\"x\""));
    }

    #[test]
    fn text_layouts_are_one_type() {
        let a = part("a", &[("x", DataType::Utf8, true)]);
        let b = part("b", &[("x", DataType::LargeUtf8, true)]);
        let unified = unify(&[a, b]).expect("compatible");
        assert_eq!(unified.field(0).data_type(), &DataType::LargeUtf8);
    }
}
