//! Column types that are set for files of lines, in place of those that their values have.
//!
//! Files of lines tell no types. Those that their values have are found when a file is opened; a user
//! may set others for some columns, which then hold for every row.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};

use crate::error::{Error, Result};
use crate::text::is_text;

/// Types that are set for some columns, by name.
///
/// Invariants: no name is there twice; all types are among those that `readable` makes.
#[derive(Debug, Clone)]
pub struct ColumnTypes {
    fields: Vec<Field>,
    /// Whether other formats than those of lines are read without them.
    is_lenient: bool,
}

impl ColumnTypes {
    /// The types of a schema: `bool`, `int64`, `uint64`, `double`, texts, lists and structs of those.
    /// All of them may be null, whatever the schema says.
    ///
    /// # Errors
    /// [`Error::Argument`] for another type, [`Error::Column`] for a name that is there twice.
    pub fn new(schema: &Schema) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(Error::Argument("schema= names no column; leave it out".into()));
        }
        let mut fields: Vec<Field> = Vec::new();
        for field in schema.fields() {
            let name = field.name();
            if fields.iter().any(|known| known.name() == name) {
                return Err(Error::Column(format!("schema= names column {name:?} twice")));
            }
            let kind = readable(field.data_type(), name)?;
            fields.push(Field::new(name.as_str(), kind, true));
        }
        Ok(Self { fields, is_lenient: false })
    }

    /// The same types for sources that may be of other formats, which are then read as they are.
    #[must_use]
    pub fn lenient(self) -> Self {
        Self { is_lenient: true, ..self }
    }

    /// The type that is set for a column.
    pub(super) fn get(&self, column: &str) -> Option<&DataType> {
        self.fields.iter().find(|field| field.name() == column).map(Field::data_type)
    }

    /// Whether sources of other formats are read without them.
    pub(super) fn is_lenient(&self) -> bool {
        self.is_lenient
    }

    /// The columns whose types are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name().as_str())
    }

    /// A sentence about what is set.
    pub(super) fn note(&self) -> String {
        let listed = |field: &Field| format!("{} {}", field.name(), type_name(field.data_type()));
        let listed: Vec<String> = self.fields.iter().map(listed).collect();
        format!("schema= sets the types of {}", listed.join(", "))
    }
}

/// A type in the layout in which lines are read.
fn readable(kind: &DataType, path: &str) -> Result<DataType> {
    let item = |item: &Field| {
        let kind = readable(item.data_type(), &format!("{path}[]"))?;
        Ok(DataType::List(Arc::new(Field::new_list_field(kind, true))))
    };
    match kind {
        DataType::Boolean | DataType::Int64 | DataType::UInt64 | DataType::Float64 => {
            Ok(kind.clone())
        }
        kind if is_text(kind) => Ok(DataType::Utf8),
        DataType::List(field) | DataType::LargeList(field) => item(field),
        DataType::Struct(fields) if !fields.is_empty() => {
            let field = |field: &Arc<Field>| {
                let path = format!("{path}.{}", field.name());
                let kind = readable(field.data_type(), &path)?;
                Ok(Field::new(field.name().as_str(), kind, true))
            };
            Ok(DataType::Struct(fields.iter().map(field).collect::<Result<Vec<_>>>()?.into()))
        }
        other => Err(Error::Argument(format!(
            "schema=: column {path:?} is {other}, which is not read from JSON Lines or CSV; the \
             types are bool, int64, uint64, double, string, and lists and structs of those; \
             cast the sample to others"
        ))),
    }
}

/// The name of a type of [`ColumnTypes`], as pyarrow has it.
pub(super) fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Boolean => "bool".into(),
        DataType::Int64 => "int64".into(),
        DataType::UInt64 => "uint64".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 => "string".into(),
        DataType::List(item) => format!("list<{}>", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let field =
                |field: &Arc<Field>| format!("{}: {}", field.name(), type_name(field.data_type()));
            format!("struct<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::Fields;

    use super::*;

    fn types(kind: DataType) -> Result<ColumnTypes> {
        ColumnTypes::new(&Schema::new(vec![Field::new("a", kind, false)]))
    }

    #[test]
    fn layouts_are_those_of_lines() {
        let item = Arc::new(Field::new("x", DataType::LargeUtf8, false));
        let list = types(DataType::LargeList(item)).expect("a list of texts");
        let expected = Field::new_list_field(DataType::Utf8, true);
        assert_eq!(list.get("a"), Some(&DataType::List(Arc::new(expected))));
        assert_eq!(list.get("b"), None);
        assert_eq!(list.note(), "schema= sets the types of a list<string>");
    }

    #[test]
    fn other_types_are_refused_by_path() {
        let day = Arc::new(Field::new_list_field(DataType::Date32, true));
        let error = types(DataType::List(day)).expect_err("a day").to_string();
        assert!(error.contains("column \"a[]\" is Date32"), "{error}");
        for kind in [DataType::Null, DataType::Int32, DataType::Struct(Fields::empty())] {
            assert!(types(kind).is_err());
        }
        assert!(ColumnTypes::new(&Schema::empty()).is_err());
        let field = Field::new("a", DataType::Int64, true);
        assert!(ColumnTypes::new(&Schema::new(vec![field.clone(), field])).is_err());
    }
}
