//! `Population`: the rows of a source that may be drawn.
//!
//! In the terms of statistics it is what a sample is drawn from and stands for. Rows keep the
//! ordinals, and so the random numbers, that they have in the source.

use std::path::PathBuf;

use arrow_buffer::BooleanBuffer;

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::predicate::Predicate;
use crate::select::{Amount, Selection};
use crate::source::Source;

/// A source, and which of its rows may be drawn.
///
/// Invariant: the selection is one of the source's rows.
#[derive(Debug, Clone)]
pub struct Population {
    source: Source,
    among: Selection,
    /// What rows that may be drawn do, as the end of a sentence: `match where: ...`.
    condition: Option<String>,
}

impl From<Source> for Population {
    fn from(source: Source) -> Self {
        let among = Selection::All { rows: source.rows() };
        Self { source, among, condition: None }
    }
}

impl Population {
    /// The rows of `source` that match `predicate`. Its columns are read, of all rows.
    ///
    /// # Errors
    /// As [`Predicate::select`].
    pub fn matching(ctx: &Context, source: Source, predicate: &Predicate) -> Result<Self> {
        let among = predicate.select(ctx, &source)?;
        let condition = Some(format!("match where: {}", predicate.text()));
        Ok(Self { source, among, condition })
    }

    /// The rows of this population that `rows` selects; `what` says what those do.
    ///
    /// # Errors
    /// [`Error::Internal`] for a selection among other rows.
    pub fn only(self, rows: &Selection, what: &str) -> Result<Self> {
        if rows.rows() != self.source.rows() {
            return Err(Error::Internal("a selection among the rows of another source".into()));
        }
        let condition = match self.condition {
            Some(condition) => format!("{condition} and {what}"),
            None => what.to_owned(),
        };
        let both = |row: usize| self.among.has(row as u64) && rows.has(row as u64);
        let bits = BooleanBuffer::collect_bool(self.source.rows() as usize, both);
        Ok(Self { among: Selection::of_bits(bits), condition: Some(condition), ..self })
    }

    /// All rows, those that may not be drawn included.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// All rows, without the selection.
    #[must_use]
    pub fn into_source(self) -> Source {
        self.source
    }

    /// The population with more files that no output may replace.
    #[must_use]
    pub fn with_inputs(self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { source: self.source.with_inputs(inputs), ..self }
    }

    /// Which rows may be drawn.
    #[must_use]
    pub fn among(&self) -> &Selection {
        &self.among
    }

    /// Rows that may be drawn.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.among.len()
    }

    /// How many rows there are, as the end of a message.
    pub(crate) fn described(&self) -> String {
        let (rows, all) = (self.rows(), self.source.rows());
        match &self.condition {
            Some(condition) => format!("only {rows} of {all} rows {condition}"),
            None => format!("the source has only {rows}"),
        }
    }

    /// The number of rows that `amount` asks for.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is 0, or if there are not as many.
    pub fn count(&self, amount: Amount) -> Result<u64> {
        let (n, rows) = (self.asked(amount)?, self.rows());
        match &self.condition {
            Some(_) if n > rows => Err(Error::Argument(format!(
                "n is {n}, but {}; ask for at most {rows}",
                self.described()
            ))),
            None if n > rows => Err(Error::Argument(format!(
                "n is {n}, but the source has only {rows} rows; ask for at most {rows}"
            ))),
            _ => Ok(n),
        }
    }

    /// As [`Population::count`], of rows that may come again: there may be fewer.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is 0, or if there are no rows.
    pub fn asked(&self, amount: Amount) -> Result<u64> {
        let rows = self.rows();
        let n = amount.of(rows)?;
        if let Amount::Rows(0) = amount {
            return Err(Error::Argument("n is 0; ask for at least one row".into()));
        }
        if self.source.rows() == 0 {
            return Err(Error::Argument(
                "the source has 0 rows, so none can be drawn; check that the right files are named"
                    .into(),
            ));
        }
        let all = self.source.rows();
        match (&self.condition, amount) {
            (Some(condition), _) if rows == 0 => {
                Err(Error::Argument(format!("none of the {all} rows {condition}")))
            }
            (_, Amount::Fraction(share)) if n == 0 => Err(Error::Argument(format!(
                "fraction {share} of {rows} rows is 0 rows; ask for a larger one"
            ))),
            _ => Ok(n),
        }
    }
}
