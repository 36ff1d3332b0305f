//! `inspect`: the lengths of texts and the copies among rows of a source, in one parallel pass.

use arrow_array::{Array, RecordBatch};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::Result;
use crate::exec::Context;
use crate::scan::{self, scan};
use crate::sketch::{Distinct, Lengths};
use crate::source::Source;
use crate::text::{count_chars, is_text, texts_of};

/// Distinct rows up to which copies are counted exactly; beyond, shares are good to 0.1 %.
const DISTINCT_ROWS: usize = 1 << 20;

/// Statistics of the texts of a source, from one pass. Parts merge.
#[derive(Debug, Clone)]
pub struct TextStatistics {
    /// Lengths of each text column.
    pub columns: Vec<Lengths>,
    /// Lengths of whole rows: all text columns together.
    pub rows: Lengths,
    /// Rows by the hash of all their texts.
    pub copies: Distinct,
}

impl TextStatistics {
    /// Nothing seen yet of `columns` text columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            columns: vec![Lengths::default(); columns],
            rows: Lengths::default(),
            copies: Distinct::new(DISTINCT_ROWS),
        }
    }

    /// Takes in a row, as one text a column. Returns its hash and its length in characters.
    pub fn add(&mut self, row: impl Iterator<Item = impl AsRef<str>>) -> (u64, usize) {
        let (mut hash, mut chars) = (0, 0);
        for (text, lengths) in row.zip(&mut self.columns) {
            let count = count_chars(text.as_ref());
            lengths.add(count);
            chars += count;
            hash = xxh3_64_with_seed(text.as_ref().as_bytes(), hash);
        }
        self.rows.add(chars);
        self.copies.add(hash);
        (hash, chars)
    }

    /// Counts the nulls of a batch whose first columns are the text columns.
    pub fn add_nulls(&mut self, batch: &RecordBatch) {
        for (column, lengths) in batch.columns().iter().zip(&mut self.columns) {
            lengths.nulls += column.logical_null_count() as u64;
        }
    }

    /// Takes in another part.
    pub fn merge(&mut self, other: Self) {
        self.columns.iter_mut().zip(&other.columns).for_each(|(a, b)| a.merge(b));
        self.rows.merge(&other.rows);
        self.copies.merge(other.copies);
    }
}

/// Every top-level text column, by index.
#[must_use]
pub fn text_columns(source: &Source) -> Vec<usize> {
    let fields = source.schema().fields().iter().enumerate();
    fields.filter(|(_, field)| is_text(field.data_type())).map(|(index, _)| index).collect()
}

/// Reads every top-level text column once. None if there is no such column.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn text_statistics(ctx: &Context, source: &Source) -> Result<Option<TextStatistics>> {
    let columns = text_columns(source);
    if columns.is_empty() {
        return Ok(None);
    }
    ctx.begin(source.rows());
    let texts = source.project(&columns)?;
    let found = scan(
        ctx,
        &texts,
        scan::all,
        || TextStatistics::new(columns.len()),
        |found, _, batch| {
            let rows = texts_of(batch, columns.len())?;
            for row in 0..batch.num_rows() {
                found.add(rows.iter().map(|column| column[row]));
            }
            found.add_nulls(batch);
            Ok(())
        },
        TextStatistics::merge,
    )?;
    Ok(Some(found))
}
