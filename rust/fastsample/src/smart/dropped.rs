//! Why a smart draw leaves rows out: each of them by what lowered its weight the most.
//!
//! ```text
//!  source ─▶ features, weights ─┐
//!                               ├─▶ a row whose texts the sample has: kept, as often as it has them
//!  sample ─▶ hashes of texts ───┘   any other row: dropped, for one reason
//! ```

use std::collections::{BTreeMap, HashMap};

use crate::columns::{named_columns, text_columns};
use crate::error::Result;
use crate::exec::Context;
use crate::smart::extract::row_texts;
use crate::smart::options::Smart;
use crate::smart::pipeline::{KnownRows, features};
use crate::smart::priority::JUDGE;
use crate::smart::terms::duplicates::Copies;
use crate::smart::terms::weight::{Lowered, Term, Terms, Weighed};
use crate::source::Source;

/// Rows between two looks at whether the call is cancelled.
const ROWS_PER_CHECK: usize = 1 << 16;

/// Why a row is not in a smart sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another row, in the sample or before it, has the same texts.
    Copy,
    /// Other rows are nearly the same.
    NearDuplicate,
    /// It is shorter than others, or too short to be drawn.
    Short,
    /// It repeats itself.
    Repetition,
    /// Its shingles are in many rows.
    Common,
    /// It is unlike the target.
    Target,
    /// It is like the rows to avoid.
    Avoid,
    /// No term says much against it: other rows were drawn.
    Chance,
}

impl Reason {
    /// All of them, in the order of everything that is reported of them.
    pub const ALL: [Self; 8] = [
        Self::Copy,
        Self::NearDuplicate,
        Self::Short,
        Self::Repetition,
        Self::Common,
        Self::Target,
        Self::Avoid,
        Self::Chance,
    ];

    /// What users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "exact copy",
            Self::NearDuplicate => "near-duplicate",
            Self::Short => "too short",
            Self::Repetition => "repeats itself",
            Self::Common => "common text",
            Self::Target => "unlike the target",
            Self::Avoid => "like rows to avoid",
            Self::Chance => "chance",
        }
    }
}

impl From<Lowered> for Reason {
    fn from(lowered: Lowered) -> Self {
        match lowered {
            Lowered::Excluded | Lowered::By(Term::Length) => Self::Short,
            Lowered::By(Term::Duplicates) => Self::NearDuplicate,
            Lowered::By(Term::Commonness) => Self::Common,
            Lowered::By(Term::Repetition) => Self::Repetition,
            Lowered::By(Term::Target) => Self::Target,
            Lowered::By(Term::Avoid) => Self::Avoid,
            Lowered::Little => Self::Chance,
        }
    }
}

/// The rows of a source that a sample does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    counts: [u64; Reason::ALL.len()],
    /// For each reason, some rows by the hashes of their texts, so at random.
    rows: [BTreeMap<u64, u64>; Reason::ALL.len()],
}

impl Dropped {
    /// Each reason with the number of its rows, and the ordinals of some of them.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64, Vec<u64>)> {
        let rows = self.rows.iter().map(|rows| rows.values().copied().collect());
        Reason::ALL
            .into_iter()
            .zip(self.counts)
            .zip(rows)
            .map(|((reason, count), rows)| (reason, count, rows))
    }

    fn add(&mut self, reason: Reason, hash: u64, row: u64, examples: usize) {
        self.counts[reason as usize] += 1;
        let rows = &mut self.rows[reason as usize];
        rows.entry(hash).or_insert(row);
        if rows.len() > examples {
            rows.pop_last();
        }
    }
}

/// Tells of each row of `source` that `sample` does not have why a draw by `smart` left it out, with
/// up to `examples` rows a reason.
///
/// Rows are the same if their texts are. Of several that are, the first are taken as those that the
/// sample has; so the rows kept and the rows dropped are all rows of the source.
///
/// # Errors
/// As [`crate::smart::score()`]; and [`crate::Error::Column`] if `sample` lacks a text column.
pub fn dropped(
    ctx: &Context,
    source: &Source,
    sample: &Source,
    smart: &Smart,
    examples: usize,
) -> Result<Dropped> {
    let terms = Terms::new(smart)?;
    let text = text_columns(ctx, source, smart.text.as_deref(), JUDGE)?;
    let of_sample = named_columns(sample, &text.paths())?;
    let mut kept: HashMap<u64, u64> = HashMap::new();
    for hash in row_texts(ctx, sample, &of_sample, false)?.exact {
        *kept.entry(hash).or_default() += 1;
    }
    // Hashes of texts are not kept in files.
    let smart = Smart { features: None, ..smart.clone() };
    let KnownRows { rows, copies, .. } = features(ctx, source, &text, &smart, &terms)?;
    let exact = rows.exact.clone();
    let weighed = Weighed::new(ctx, rows, copies, &terms)?;
    let is_copy = later_copies(&weighed.copies, exact.len());
    let lowered = weighed.lowered(&terms);
    let mut found = Dropped::default();
    for (row, hash) in exact.into_iter().enumerate() {
        if row % ROWS_PER_CHECK == 0 {
            ctx.check()?;
        }
        if let Some(left) = kept.get_mut(&hash).filter(|left| **left > 0) {
            *left -= 1;
            continue;
        }
        let reason = if is_copy[row] { Reason::Copy } else { lowered(row).into() };
        found.add(reason, hash, row as u64, examples);
    }
    Ok(found)
}

/// Whether a row before has the same texts.
fn later_copies(copies: &Copies, rows: usize) -> Vec<bool> {
    let mut is_copy = vec![false; rows];
    for group in copies.groups() {
        let first = group.iter().min();
        group
            .iter()
            .filter(|row| Some(*row) != first)
            .for_each(|&row| is_copy[row as usize] = true);
    }
    is_copy
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};

    use super::*;

    fn source(texts: &[String]) -> Source {
        let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let batch = RecordBatch::try_from_iter([("text", column)]).expect("one column");
        Source::from_batches(batch.schema(), vec![batch], None).expect("a source")
    }

    /// A text of `chars` characters that shares no shingle with those of other seeds.
    fn text(seed: u32, chars: u32) -> String {
        let code =
            |i: u32| 0x4e00 + seed.wrapping_mul(7919).wrapping_add(i * i * 31 + i * 7) % 20_000;
        (0..chars).filter_map(|i| char::from_u32(code(i))).collect()
    }

    #[test]
    fn every_row_dropped_has_one_reason() {
        let mut texts: Vec<String> = (0..200).map(|i| text(i, 60)).collect();
        texts.extend((0..6).map(|_| text(7, 60)));
        texts.extend((0..12).map(|i| format!("{}{i}", text(999, 80))));
        texts.extend(["短".to_owned(), "哈".repeat(60)]);
        let ctx = Context::new(Some(2));
        let all = source(&texts);
        let of = |sample: &[String], examples| {
            dropped(&ctx, &all, &source(sample), &Smart::default(), examples).expect("found")
        };
        let found = of(&texts[..150], 3);
        let count = |reason: Reason| found.counts[reason as usize];
        assert_eq!(found.counts.iter().sum::<u64>(), texts.len() as u64 - 150);
        assert_eq!(count(Reason::Copy), 6, "the first is in the sample");
        assert_eq!((count(Reason::NearDuplicate), count(Reason::Short)), (12, 1));
        assert_eq!((count(Reason::Repetition), count(Reason::Target)), (1, 0));
        assert_eq!(count(Reason::Chance) + count(Reason::Common), 50);
        for (reason, count, rows) in found.reasons() {
            // Copies share their hash, so one stands for all of them.
            let most = if reason == Reason::Copy { 1 } else { 3 };
            assert_eq!(rows.len() as u64, count.min(most), "{reason:?}");
            assert!(rows.iter().all(|&row| row >= 150), "{reason:?}");
        }
        // Of copies none of which is kept, the first is judged by its weight.
        let found = of(&texts[100..150], 0);
        assert_eq!(found.counts[Reason::Copy as usize], 6);
        assert!(found.rows.iter().all(BTreeMap::is_empty));
        assert_eq!(of(&texts, 3), Dropped::default());
    }
}
