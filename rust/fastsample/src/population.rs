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
    eligible: Eligible,
}

/// Which rows may be drawn, whoever has them.
#[derive(Debug, Clone)]
pub(crate) struct Eligible {
    pub(crate) among: Selection,
    /// What rows that may be drawn do, as the end of a sentence: `match where: ...`.
    condition: Option<String>,
}

impl From<Source> for Population {
    fn from(source: Source) -> Self {
        let eligible = Eligible::all(source.rows());
        Self { source, eligible }
    }
}

impl Population {
    /// The rows of `source` that match `predicate`. Its columns are read, of all rows.
    ///
    /// # Errors
    /// As [`Predicate::select`].
    pub fn matching(ctx: &Context, source: Source, predicate: &Predicate) -> Result<Self> {
        let eligible = Eligible::matching(predicate.select(ctx, &source)?, predicate);
        Ok(Self { source, eligible })
    }

    /// The rows of this population that `rows` selects; `what` says what those do.
    ///
    /// # Errors
    /// [`Error::Internal`] for a selection among other rows.
    pub fn only(self, rows: &Selection, what: &str) -> Result<Self> {
        Ok(Self { eligible: self.eligible.only(rows, what)?, ..self })
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

    /// The same rows, with the columns that `source` keeps of them.
    pub(crate) fn over(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The population with more files that no output may replace.
    #[must_use]
    pub fn with_inputs(self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { source: self.source.with_inputs(inputs), ..self }
    }

    /// Which rows may be drawn.
    #[must_use]
    pub fn among(&self) -> &Selection {
        &self.eligible.among
    }

    /// Rows that may be drawn.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.eligible.rows()
    }

    /// How many rows there are, as the end of a message.
    pub(crate) fn described(&self) -> String {
        self.eligible.described()
    }

    /// The number of rows that `amount` asks for.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is 0, or if there are not as many.
    pub fn count(&self, amount: Amount) -> Result<u64> {
        self.eligible.count(amount)
    }

    /// As [`Population::count`], of rows that may come again: there may be fewer.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is 0, or if there are no rows.
    pub fn asked(&self, amount: Amount) -> Result<u64> {
        self.eligible.asked(amount)
    }
}

impl Eligible {
    /// All rows.
    pub(crate) fn all(rows: u64) -> Self {
        Self { among: Selection::All { rows }, condition: None }
    }

    /// The rows that match a predicate.
    pub(crate) fn matching(among: Selection, predicate: &Predicate) -> Self {
        Self { among, condition: Some(format!("match where: {}", predicate.text())) }
    }

    /// As [`Population::only`].
    pub(crate) fn only(self, rows: &Selection, what: &str) -> Result<Self> {
        if rows.rows() != self.among.rows() {
            return Err(Error::Internal("a selection among the rows of another source".into()));
        }
        let condition = match self.condition {
            Some(condition) => format!("{condition} and {what}"),
            None => what.to_owned(),
        };
        let both = |row: usize| self.among.has(row as u64) && rows.has(row as u64);
        let bits = BooleanBuffer::collect_bool(self.among.rows() as usize, both);
        Ok(Self { among: Selection::of_bits(bits), condition: Some(condition) })
    }

    /// Rows that may be drawn.
    pub(crate) fn rows(&self) -> u64 {
        self.among.len()
    }

    fn described(&self) -> String {
        let (rows, all) = (self.rows(), self.among.rows());
        match &self.condition {
            Some(condition) => format!("only {rows} of {all} rows {condition}"),
            None => format!("the source has only {rows}"),
        }
    }

    /// As [`Population::count`].
    pub(crate) fn count(&self, amount: Amount) -> Result<u64> {
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

    fn asked(&self, amount: Amount) -> Result<u64> {
        let rows = self.rows();
        let n = amount.of(rows)?;
        if let Amount::Rows(0) = amount {
            return Err(Error::Argument("n is 0; ask for at least one row".into()));
        }
        if self.among.rows() == 0 {
            return Err(Error::Argument(
                "the source has 0 rows, so none can be drawn; check that the right files are named"
                    .into(),
            ));
        }
        let all = self.among.rows();
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
