//! `inspect`: the lengths of texts, by column and by role, and the copies among rows of a source, in one parallel pass.

use arrow_array::{Array, RecordBatch};

use crate::columns::{default_columns, named_columns};
use crate::error::Result;
use crate::exec::Context;
use crate::scan::{self, scan};
use crate::sketch::{Distinct, Lengths};
use crate::source::Source;
use crate::text::{RoleChars, RowTexts, TextColumns, TextRoles};

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

    /// Takes in a row. Returns its hash and its length in characters.
    pub fn add(&mut self, texts: &RowTexts<'_>, row: usize) -> (u64, usize) {
        let (hash, mut chars) = (texts.hash(row), 0);
        for (leaf, lengths) in self.columns.iter_mut().enumerate() {
            let count = texts.chars_in_row(leaf, row);
            lengths.add(count);
            chars += count;
        }
        self.rows.add(chars);
        self.copies.add(hash);
        (hash, chars)
    }

    /// Counts the nulls of a batch: those of the columns that the texts lie in.
    pub fn add_nulls(&mut self, text: &TextColumns, batch: &RecordBatch) {
        for (column, lengths) in text.columns_in(batch).zip(&mut self.columns) {
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

/// Lengths of the texts of each row by role. Parts merge.
#[derive(Debug, Clone, Default)]
pub struct RoleLengths([Lengths; TextRoles::NAMES.len()]);

impl RoleLengths {
    /// Takes in a row. A row without a text of a role counts as null and as 0 characters.
    fn add(&mut self, row: &RoleChars) {
        for (lengths, &chars) in self.0.iter_mut().zip(row) {
            lengths.add(chars);
            lengths.nulls += u64::from(chars == 0);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| a.merge(b));
    }

    /// The roles that have texts: `system`, `prompt`, `response`, `tool`, and `other` for texts
    /// whose role nothing tells. Rows without a text of a role are its nulls.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Lengths)> {
        TextRoles::NAMES.into_iter().zip(&self.0).filter(|(_, lengths)| lengths.chars > 0)
    }
}

/// What [`text_statistics`] found.
#[derive(Debug, Clone)]
pub struct TextFound {
    /// The text columns.
    pub text: TextColumns,
    /// Their lengths and copies.
    pub statistics: TextStatistics,
    /// Lengths by role; none if neither names nor speakers tell roles.
    pub roles: Option<RoleLengths>,
}

/// Reads the text once, and tells which columns it is. None where there is no text.
///
/// # Errors
/// When reading fails, or the call is cancelled; [`crate::Error::Column`] for a column that is named
/// and leads to no text.
///
/// # Examples
/// ```
/// use fastsample::inspect::text_statistics;
/// use fastsample::{Context, Source};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
/// # let column: ArrayRef = Arc::new(StringArray::from(texts));
/// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
/// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let found = text_statistics(&Context::new(None), &source, None)?.ok_or("no text")?;
/// assert_eq!(found.text.paths(), ["prompt"]);
/// let rows = &found.statistics.rows;
/// assert_eq!((rows.quantile(0.0), rows.quantile(1.0)), (18, 22));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn text_statistics(
    ctx: &Context,
    source: &Source,
    named: Option<&[String]>,
) -> Result<Option<TextFound>> {
    let text = match named {
        Some(named) => named_columns(source, named)?,
        None => default_columns(ctx, source)?,
    };
    if text.is_empty() {
        return Ok(None);
    }
    let roles = TextRoles::new(source.schema(), &text);
    let known = roles.is_known();
    ctx.begin(source.rows());
    let (statistics, found) = scan(
        ctx,
        &source.project_text(roles.read(), &[])?,
        scan::all,
        || (TextStatistics::new(text.len()), RoleLengths::default()),
        |(found, lengths), _, batch| {
            let texts = roles.text().of(batch)?;
            for row in 0..texts.rows() {
                found.add(&texts, row);
            }
            found.add_nulls(roles.text(), batch);
            if known {
                roles.chars(batch, &texts)?.iter().for_each(|row| lengths.add(row));
            }
            Ok(())
        },
        |(found, lengths), (other, others)| {
            found.merge(other);
            lengths.merge(&others);
        },
    )?;
    Ok(Some(TextFound { text, statistics, roles: known.then_some(found) }))
}
