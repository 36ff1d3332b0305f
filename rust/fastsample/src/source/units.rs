//! Units of a part, and what is known of them before they are read.

use arrow_schema::SchemaRef;

use super::data::Data;
use super::extremes::Extremes;
use crate::text::is_text;

/// The units of a part, and what is known of them.
#[derive(Debug)]
pub(crate) struct Units<'a> {
    data: &'a Data,
    /// The columns as they are read.
    schema: &'a SchemaRef,
    rows: Vec<u64>,
}

impl<'a> Units<'a> {
    /// Those of `data`, whose columns are read as `schema` says.
    pub(super) fn new(data: &'a Data, schema: &'a SchemaRef) -> Self {
        Self { data, schema, rows: data.units() }
    }

    /// Rows of each.
    pub(crate) fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// The extremes of a column, if they are known and of the type that is read: what is compared
    /// as one type need not be in the order of another.
    pub(crate) fn extremes(&self, column: &str) -> Option<Extremes> {
        let stored = self.data.schema().field_with_name(column).ok()?.data_type();
        let read = self.schema.field_with_name(column).ok()?.data_type();
        let is_same = stored == read || is_text(stored) && is_text(read);
        is_same.then(|| self.data.extremes(column))?
    }
}
