//! Lengths of each text column of every row, in tokens or in characters.

use super::Tokenizer;
use super::measure::{each_row, sum};
use crate::columns::text_columns;
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::gather::Gather;
use crate::select::Selection;
use crate::source::Source;
use crate::text::TextColumns;

/// What lengths are counted in.
#[derive(Debug, Clone)]
pub enum Unit {
    /// Unicode code points.
    Characters,
    /// Tokens. A row of a nested column has those of all its texts, each by itself.
    Tokens(Tokenizer),
}

/// The text columns named, or those of the default, and for each the lengths of all rows in order.
/// A null is the empty text.
///
/// # Errors
/// [`crate::Error::Column`] for a column that is not there or holds no text; as [`Tokenizer::count`];
/// and whatever reading fails with.
pub fn column_lengths(
    ctx: &Context,
    source: &Source,
    named: Option<&[String]>,
    unit: &Unit,
) -> Result<(TextColumns, Vec<Vec<u32>>)> {
    let text = text_columns(ctx, source, named, "measure")?;
    let all = Selection::All { rows: source.rows() };
    let numbers = all.len().saturating_mul(text.len() as u64);
    memory::require_rows::<u32>(numbers, "the lengths of texts")?;
    let mut columns = vec![Vec::with_capacity(all.len() as usize); text.len()];
    for batch in Gather::start(ctx, &source.project_text(&text, &[])?, &all) {
        let batch = batch?;
        let texts = text.of(&batch)?;
        for (leaf, lengths) in columns.iter_mut().enumerate() {
            lengths.extend(each_row(ctx, batch.num_rows(), |rows| {
                let length = |row| match unit {
                    Unit::Characters => {
                        Ok(u32::try_from(texts.chars_in_row(leaf, row)).unwrap_or(u32::MAX))
                    }
                    Unit::Tokens(tokenizer) => {
                        ctx.check()?;
                        sum(texts.of_leaf(leaf, row).map(|text| tokenizer.count(text)))
                    }
                };
                rows.map(length).collect()
            })?);
        }
    }
    Ok((text, columns))
}
