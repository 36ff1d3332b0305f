//! What is in a source: the lengths of its texts, in one parallel pass.

use arrow_array::Array;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::parallel::fold;
use crate::select::RowMask;
use crate::source::{Source, is_text};
use crate::text::{TextColumn, count_chars};

/// Lengths below this are counted one by one, longer ones in classes of 1/64 of their size.
const EXACT: usize = 4096;
const CLASSES_PER_DOUBLING: usize = 64;

/// How many texts have which length in characters. States of parts merge.
#[derive(Debug, Clone)]
pub struct Lengths {
    counts: Vec<u64>,
    /// Texts.
    pub rows: u64,
    /// Nulls among them, counted with length 0.
    pub nulls: u64,
    /// Characters in all.
    pub chars: u64,
    /// Characters of the longest text.
    pub max: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        let classes = EXACT + (u64::BITS - EXACT.ilog2()) as usize * CLASSES_PER_DOUBLING;
        Self { counts: vec![0; classes], rows: 0, nulls: 0, chars: 0, max: 0 }
    }
}

impl Lengths {
    pub(crate) fn add(&mut self, chars: usize) {
        self.counts[class_of(chars)] += 1;
        self.rows += 1;
        self.chars += chars as u64;
        self.max = self.max.max(chars as u64);
    }

    fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.chars += other.chars;
        self.max = self.max.max(other.max);
    }

    /// The mean length; 0 without texts.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.chars as f64 / self.rows as f64 }
    }

    /// The smallest length that at least the share `q` of texts does not exceed.
    ///
    /// Exact below 4,096 characters, to within 1/64 above.
    #[must_use]
    pub fn quantile(&self, q: f64) -> u64 {
        let wanted = ((self.rows as f64 * q).ceil() as u64).clamp(1, self.rows.max(1));
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |class| largest_of(class).min(self.max))
    }
}

fn class_of(chars: usize) -> usize {
    if chars < EXACT {
        return chars;
    }
    let doubling = (chars.ilog2() - EXACT.ilog2()) as usize;
    let within = (chars >> (chars.ilog2() - CLASSES_PER_DOUBLING.ilog2())) - CLASSES_PER_DOUBLING;
    EXACT + doubling * CLASSES_PER_DOUBLING + within
}

fn largest_of(class: usize) -> u64 {
    if class < EXACT {
        return class as u64;
    }
    let (doubling, within) =
        ((class - EXACT) / CLASSES_PER_DOUBLING, (class - EXACT) % CLASSES_PER_DOUBLING);
    let shift = EXACT.ilog2() as usize + doubling - CLASSES_PER_DOUBLING.ilog2() as usize;
    (((CLASSES_PER_DOUBLING + within + 1) as u64) << shift) - 1
}

/// The lengths of every top-level text column, by name.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn text_lengths(ctx: &Context, source: &Source) -> Result<Vec<(String, Lengths)>> {
    let fields = source.schema().fields().iter().enumerate();
    let columns: Vec<usize> =
        fields.filter(|(_, field)| is_text(field.data_type())).map(|(index, _)| index).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    ctx.begin(source.rows());
    let texts = source.project(&columns)?;
    let spans = texts.spans();
    let lengths = fold(
        ctx,
        spans.len(),
        || vec![Lengths::default(); columns.len()],
        |lengths, task| {
            let span = &spans[task];
            let rows = (span.ordinals.end - span.ordinals.start) as usize;
            for batch in texts.read(span, &RowMask::AllTrue(rows))? {
                ctx.check()?;
                let batch = batch?;
                for (column, lengths) in batch.columns().iter().zip(lengths.iter_mut()) {
                    let text = TextColumn::new(column)
                        .ok_or_else(|| Error::Internal("a text column is not text".into()))?;
                    text.for_each(|text| lengths.add(count_chars(text)));
                    lengths.nulls += column.logical_null_count() as u64;
                }
                ctx.advance(batch.num_rows() as u64);
            }
            Ok(())
        },
        |total, other| total.iter_mut().zip(&other).for_each(|(a, b)| a.merge(b)),
    )?;
    let names = columns.iter().map(|&index| source.schema().field(index).name().clone());
    Ok(names.zip(lengths).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_for_short_texts_and_close_for_long_ones() {
        let mut lengths = Lengths::default();
        (1..=100).for_each(|chars| lengths.add(chars));
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| lengths.quantile(q)), [1, 50, 99, 100]);
        for chars in [4095, 4096, 5000, 1_000_000, usize::MAX / 2] {
            let bound = largest_of(class_of(chars));
            assert!(bound >= chars as u64 && (bound - chars as u64) as f64 <= chars as f64 / 64.0);
        }
        assert_eq!(Lengths::default().quantile(0.5), 0);
    }
}
