//! Columns of files of lines whose values fit no one type.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// Columns that are not read, and what the values of each are that fit no one type. They come as
/// nulls where a schema needs them, and reading one is an error.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct Conflicts(HashMap<String, String>);

impl Conflicts {
    /// Keeps what is wrong with a column that is not wanted.
    ///
    /// # Errors
    /// The error itself, if the column is wanted.
    pub(in crate::source) fn add(
        &mut self,
        column: &str,
        is_wanted: bool,
        error: Error,
    ) -> Result<()> {
        if is_wanted {
            return Err(error);
        }
        self.0.insert(column.to_owned(), error.to_string());
        Ok(())
    }

    /// Fails if a column is one of them.
    pub(in crate::source) fn check(&self, column: &str) -> Result<()> {
        self.0.get(column).map_or(Ok(()), |what| Err(Error::Schema(what.clone())))
    }
}
