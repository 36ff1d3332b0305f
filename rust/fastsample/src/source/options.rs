//! Options of opening files: the columns that are kept, and types that are set.

use super::column_types::ColumnTypes;

/// How files are opened. By default all columns are kept, with the types that they have.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The columns kept, in this order, if not all.
    pub columns: Option<Vec<String>>,
    /// The columns that will be read, if neither all nor those kept. Others of files of lines may have
    /// values that fit no one type.
    pub read: Option<Vec<String>>,
    /// Types of columns of files of lines.
    pub types: Option<ColumnTypes>,
}

impl OpenOptions {
    /// Whether a column is kept or read.
    pub(super) fn wants(&self, column: &str) -> bool {
        let named = self.columns.as_ref().or(self.read.as_ref());
        named.is_none_or(|columns| columns.iter().any(|named| named == column))
    }
}
