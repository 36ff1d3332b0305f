//! `RowKeys`: the random numbers of rows by the values of a column, wherever the rows are.

use std::slice;

use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;

use super::values::{GroupColumns, folded, key, of_row};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::population::Population;
use crate::scan;
use crate::select::RowMask;
use crate::source::check_names;

/// Gives each row a number that depends on the seed and its value in a column alone, uniform on 64
/// bits. Rows of equal values have equal numbers. It is the number that a draw of whole groups gives
/// the group of this value.
#[derive(Debug, Clone)]
pub struct RowKeys {
    column: String,
    hash: RowHash,
}

impl RowKeys {
    /// The numbers by the values of `column`.
    #[must_use]
    pub fn new(column: &str, seed: u64) -> Self {
        Self { column: column.to_owned(), hash: RowHash::derive(seed, "groups") }
    }

    /// The column.
    #[must_use]
    pub fn column(&self) -> &str {
        &self.column
    }

    fn columns(&self) -> GroupColumns<'_> {
        GroupColumns::named("key", slice::from_ref(&self.column))
    }

    /// Fails unless the column is among those that are `read` and has plain values; `kept` are named.
    ///
    /// # Errors
    /// [`Error::Column`].
    pub(crate) fn check(&self, kept: &SchemaRef, read: &SchemaRef) -> Result<()> {
        check_names(kept, read, slice::from_ref(&self.column), "key")?;
        self.columns().texts(&RecordBatch::new_empty(read.clone())).map(|_| ())
    }

    /// The numbers of the rows of a batch, of which `first` is the first; 0 for those that `mask`
    /// leaves out.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that has no plain values, [`Error::Argument`] for a null.
    pub fn numbers(&self, batch: &RecordBatch, first: u64, mask: &RowMask) -> Result<Vec<u64>> {
        let texts = self.columns().texts(batch)?;
        let is_null = |row: &usize| mask.has(*row) && texts.iter().any(|text| text.is_null(*row));
        if let Some(row) = (0..batch.num_rows()).find(is_null) {
            return Err(Error::Argument(format!(
                "key: column {:?} is null in row {}; each row needs a key: leave such rows out, with \
                 where for instance, or mend them",
                self.column,
                first + row as u64
            )));
        }
        let number = |row: usize| {
            if mask.has(row) { self.hash.of(folded(key(of_row(&texts, row)))) } else { 0 }
        };
        Ok((0..batch.num_rows()).map(number).collect())
    }

    /// The numbers of all rows of a population's source; 0 for those that may not be drawn.
    ///
    /// # Errors
    /// As [`RowKeys::numbers`], [`Error::Column`] for a column that is not there, and whatever reading
    /// fails with.
    pub fn all(&self, ctx: &Context, population: &Population) -> Result<Vec<u64>> {
        let (source, among) = (population.source(), population.among());
        let columns = source.project_columns(slice::from_ref(&self.column), "key")?;
        self.check(source.schema(), columns.schema())?;
        memory::require_rows::<[u64; 2]>(source.rows(), "the numbers of keys")?;
        ctx.begin(source.rows());
        let found = scan::in_order(ctx, &columns, |first, batch| {
            let mask = among.mask(first..first + batch.num_rows() as u64);
            self.numbers(batch, first, &mask)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What to say where rows of one key are divided between those drawn and those not.
    pub(crate) fn divided(&self, n: u64, one: u64, other: u64) -> Error {
        Error::Argument(format!(
            "key: rows {one} and {other} have the same key in column {:?}, and n = {n} ends between \
             them; rows of one key are drawn together: ask for some rows more or less, or name a \
             column of distinct values",
            self.column
        ))
    }
}
