//! Which columns of a source are text: those that are named, or the default of [`crate::text`],
//! which needs a look at some rows where names tell too little.
//!
//! The rows are blocks at random by position, so the choice depends on the rows alone, not on files,
//! layout or threads.

use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::scan::scan;
use crate::select::Blocks;
use crate::source::{Source, check_text};
use crate::text::{Candidates, RowTexts, Strings, TextColumns, no_text};

/// Rows of a block, and blocks that are looked at: 4,096 rows tell ids from labels and text.
const BLOCK_ROWS: u64 = 256;
const BLOCKS: u64 = 16;

/// Frozen: another one would look at other rows.
const SEED: u64 = 0x0063_6f6c_756d_6e73;

/// The text columns named, or chosen by default. `what` tells what text is needed for.
///
/// # Errors
/// [`Error::Column`] for a name that leads to no text, or where there is none at all; and
/// whatever reading fails with.
pub fn text_columns(
    ctx: &Context,
    source: &Source,
    named: Option<&[String]>,
    what: &str,
) -> Result<TextColumns> {
    if let Some(names) = named {
        return named_columns(source, names);
    }
    let found = default_columns(ctx, source)?;
    if found.is_empty() { Err(no_text(source.schema(), what)) } else { Ok(found) }
}

/// The text columns of these names, or paths.
///
/// # Errors
/// [`Error::Column`] for a name that leads to no text.
pub fn named_columns(source: &Source, names: &[String]) -> Result<TextColumns> {
    TextColumns::named(source.schema(), names, |name| source.leaves_out(name))
}

/// The text columns that are chosen by default; none if there are no strings.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn default_columns(ctx: &Context, source: &Source) -> Result<TextColumns> {
    let candidates = Candidates::new(source.schema());
    let strings = strings_of(ctx, source, 0, source.rows())?;
    Ok(candidates.decide(strings.into_iter().map(Strings::kind).collect()))
}

/// What is seen of the leaves that have to be judged by their strings, in the rows of `source`, of
/// which `first` is the first of all `rows`. The same leaves in all parts of one schema.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub(crate) fn strings_of(
    ctx: &Context,
    source: &Source,
    first: u64,
    rows: u64,
) -> Result<Vec<Strings>> {
    let candidates = Candidates::new(source.schema());
    if candidates.open().is_empty() {
        return Ok(Vec::new());
    }
    let open = TextColumns::new(candidates.open().to_vec(), Vec::new());
    let blocks = Blocks::new(ctx, rows, BLOCK_ROWS, BLOCKS, SEED)?;
    scan(
        ctx,
        &source.project_text(&open, &[])?,
        |ordinals| blocks.mask(first + ordinals.start..first + ordinals.end),
        || vec![Strings::default(); open.len()],
        |strings, _, batch| {
            look_at(strings, &open.of(batch)?);
            Ok(())
        },
        |all, more| merge(all, more),
    )
}

/// Looks at all rows of a batch, leaf by leaf.
fn look_at(strings: &mut [Strings], texts: &RowTexts<'_>) {
    for (leaf, strings) in strings.iter_mut().enumerate() {
        (0..texts.rows()).for_each(|row| strings.add(texts.of_leaf(leaf, row)));
    }
}

/// Takes in what was seen of other rows, leaf by leaf.
pub(crate) fn merge(all: &mut [Strings], more: Vec<Strings>) {
    all.iter_mut().zip(more).for_each(|(all, more)| all.merge(more));
}

/// The default of a stream, found as it passes by: the same as that of a file of its rows.
pub(crate) struct StreamColumns {
    candidates: Candidates,
    open: TextColumns,
    hash: RowHash,
    /// What was seen in the blocks of smallest hash, one more than are needed: the last block of
    /// the stream may not be whole, and then does not count.
    blocks: BTreeMap<(u64, u64), Vec<Strings>>,
    rows: u64,
}

impl StreamColumns {
    /// Nothing seen yet of a stream with these columns.
    pub(crate) fn new(schema: &Schema) -> Self {
        let candidates = Candidates::new(schema);
        let open = TextColumns::new(candidates.open().to_vec(), Vec::new());
        let hash = RowHash::new(SEED);
        Self { candidates, open, hash, blocks: BTreeMap::new(), rows: 0 }
    }

    /// Looks at the next batch.
    ///
    /// # Errors
    /// [`Error::Invalid`] for text that is damaged.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let (mut start, end) = (self.rows, self.rows + batch.num_rows() as u64);
        while start < end && !self.open.is_empty() {
            let block = start / BLOCK_ROWS;
            let stop = ((block + 1) * BLOCK_ROWS).min(end);
            let key = (self.hash.of(block), block);
            if self.blocks.len() as u64 <= BLOCKS
                || self.blocks.last_key_value().is_some_and(|(last, _)| key <= *last)
            {
                let rows = batch.slice((start - self.rows) as usize, (stop - start) as usize);
                let rows = self.open.narrow(&rows)?;
                check_text(&rows)?;
                let new = || vec![Strings::default(); self.open.len()];
                look_at(self.blocks.entry(key).or_insert_with(new), &self.open.of(&rows)?);
                if self.blocks.len() as u64 > BLOCKS + 1 {
                    self.blocks.pop_last();
                }
            }
            start = stop;
        }
        self.rows = end;
        Ok(())
    }

    /// The text columns.
    pub(crate) fn finish(self) -> TextColumns {
        let is_whole = |block: u64| (block + 1) * BLOCK_ROWS <= self.rows;
        let all = self.rows <= BLOCKS * BLOCK_ROWS;
        let counted = self.blocks.into_iter().filter(|((_, block), _)| all || is_whole(*block));
        let mut strings = vec![Strings::default(); self.open.len()];
        counted.take(BLOCKS as usize).for_each(|(_, more)| merge(&mut strings, more));
        self.candidates.decide(strings.into_iter().map(Strings::kind).collect())
    }
}

/// Characters of each row of a table, in all text columns named or chosen by default. No thread is
/// started. The rows may be mapped from a file that anyone can have written.
///
/// # Errors
/// As [`text_columns`]; [`Error::Invalid`] for text that is damaged.
pub fn row_chars(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    named: Option<&[String]>,
) -> Result<Vec<u32>> {
    let source = Source::from_batches(schema.clone(), batches.to_vec(), None)?;
    let text = text_columns(&Context::new(Some(1)), &source, named, "measure rows by")?;
    memory::require_rows::<u32>(source.rows(), "the lengths")?;
    let mut chars = Vec::with_capacity(source.rows() as usize);
    for batch in batches {
        for &root in text.roots() {
            batch.column(root).to_data().validate_full().map_err(|error| {
                Error::Invalid(format!("damaged text ({error}); write the file again"))
            })?;
        }
        let texts = text.of_whole(batch)?;
        let of_row = |row| u32::try_from(texts.chars(row)).unwrap_or(u32::MAX);
        chars.extend((0..texts.rows()).map(of_row));
    }
    Ok(chars)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    /// A column whose strings are text in some blocks, and ids in the others.
    fn rows(count: u64) -> RecordBatch {
        let hash = RowHash::new(1);
        let mixed = |row: u64| match hash.of(row / BLOCK_ROWS) % 8 {
            0 => format!("{row} is the number of a row, which is told in a sentence"),
            _ => format!("{row:x}"),
        };
        let plain = |row: u64| format!("the text of row {row} is not much longer than this");
        let column = |value: &dyn Fn(u64) -> String| -> ArrayRef {
            Arc::new((0..count).map(|row| Some(value(row))).collect::<StringArray>())
        };
        RecordBatch::try_from_iter([("plain", column(&plain)), ("mixed", column(&mixed))])
            .expect("two columns")
    }

    #[test]
    fn streams_have_the_default_of_tables() {
        for count in [0, 1, 255, 4095, 4096, 4097, 4351, 4352, 4353, 9_000, 20_000] {
            let batch = rows(count);
            let source =
                Source::from_batches(batch.schema(), vec![batch.clone()], None).expect("a table");
            for threads in [1, 3] {
                let ctx = Context::new(Some(threads));
                let expected = default_columns(&ctx, &source).expect("sound");
                for size in [1, 100, 256, 5000] {
                    let mut stream = StreamColumns::new(&batch.schema());
                    for start in (0..batch.num_rows()).step_by(size) {
                        let len = size.min(batch.num_rows() - start);
                        stream.add(&batch.slice(start, len)).expect("sound");
                    }
                    assert_eq!(stream.finish(), expected, "{count} rows, {size} at once");
                }
            }
        }
    }
}
