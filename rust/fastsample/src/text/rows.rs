//! The texts of each row of a batch, leaf by leaf, where they lie: no string is built, no text is
//! listed.
//!
//! ```text
//!  batch ─▶ leaf: array of strings, places of each row in it ─▶ texts, hash, length of a row
//! ```
//!
//! Only the layout of the arrays at hand decides how the places are found; what comes out is the
//! same for every layout. A null is the empty text or the empty list.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::column::{TextColumn, count_chars};
use super::leaf::Step;
use super::places::{Lists, Places, follow};
use crate::error::{Error, Result};
use crate::hash::mix_two;

/// The texts of the rows of a batch.
///
/// Invariants: every leaf has texts for each row, in the order of the row's items.
#[derive(Debug)]
pub struct RowTexts<'a> {
    leaves: Vec<LeafTexts<'a>>,
    rows: usize,
}

/// The texts of one leaf.
#[derive(Debug)]
pub(super) struct LeafTexts<'a> {
    /// None for a column of nulls without a type.
    column: Option<TextColumn<'a>>,
    places: Places,
    /// None where each row has one text.
    lists: Option<Lists>,
}

impl<'a> RowTexts<'a> {
    /// The texts of some leaves in `batch`: the steps to each, and where its column lies there.
    ///
    /// # Errors
    /// [`Error::Internal`] for a batch of another schema.
    pub(super) fn new<'l>(
        batch: &'a RecordBatch,
        leaves: impl IntoIterator<Item = (&'l [Step], usize)>,
    ) -> Result<Self> {
        let rows = batch.num_rows();
        let leaves = leaves
            .into_iter()
            .map(|(steps, column)| LeafTexts::new(batch.column(column), steps))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::Internal("a text column is not text".into()))?;
        Ok(Self { leaves, rows })
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The texts of a leaf in a row.
    pub fn of_leaf(&self, leaf: usize, row: usize) -> impl Iterator<Item = &'a str> + '_ {
        self.leaves[leaf].of(row)
    }

    /// All texts of a row.
    pub fn of_row(&self, row: usize) -> impl Iterator<Item = &'a str> + '_ {
        self.leaves.iter().flat_map(move |leaf| leaf.of(row))
    }

    /// Characters (Unicode code points) of all texts of a row.
    #[must_use]
    pub fn chars(&self, row: usize) -> usize {
        self.leaves.iter().map(|leaf| leaf.chars_of_row(row)).sum()
    }

    /// Characters of a leaf in a row.
    #[must_use]
    pub fn chars_in_row(&self, leaf: usize, row: usize) -> usize {
        self.leaves[leaf].chars_of_row(row)
    }

    /// Characters of a leaf in all rows.
    #[must_use]
    pub fn chars_of_leaf(&self, leaf: usize) -> usize {
        let leaf = &self.leaves[leaf];
        leaf.chars(0..leaf.places.len())
    }

    /// A hash of all texts of a row and of how they lie in lists: equal for equal rows, whatever
    /// the layout of the arrays.
    ///
    /// ```text
    /// hash = 0
    /// for each leaf:  for each text:  hash = XXH3(text, seed = hash)
    ///                 unless each list on the way has one item:  hash = mix(hash, numbers of items)
    /// ```
    #[must_use]
    pub fn hash(&self, row: usize) -> u64 {
        self.leaves.iter().fold(0, |hash, leaf| {
            let hash = leaf.of(row).fold(hash, hash_on);
            match leaf.lists.as_ref().map_or(0, |lists| lists.shape(row)) {
                0 => hash,
                shape => mix_two(hash, shape),
            }
        })
    }
}

/// A text added to a hash.
fn hash_on(hash: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), hash)
}

/// The hash of a row with one text a leaf.
#[must_use]
pub fn hash_of(texts: &[&str]) -> u64 {
    texts.iter().copied().fold(0, hash_on)
}

impl<'a> LeafTexts<'a> {
    pub(super) fn new(column: &'a ArrayRef, steps: &[Step]) -> Option<Self> {
        let (array, places, lists) = follow(column, steps)?;
        let is_null = column.data_type() == &DataType::Null;
        let column = if is_null { None } else { Some(TextColumn::new(array)?) };
        Some(Self { column, places, lists })
    }

    /// The places of a row, by index.
    fn range(&self, row: usize) -> Range<usize> {
        self.lists.as_ref().map_or(row..row + 1, |lists| lists.of(row))
    }

    /// Characters of the texts of a row.
    pub(super) fn chars_of_row(&self, row: usize) -> usize {
        self.chars(self.range(row))
    }

    pub(super) fn of(&self, row: usize) -> impl Iterator<Item = &'a str> + '_ {
        self.range(row).map(|index| match (self.column, self.places.at(index)) {
            (Some(column), Some(place)) => column.text(place),
            _ => "",
        })
    }

    /// Characters of the texts at some places, by index.
    fn chars(&self, range: Range<usize>) -> usize {
        match (self.column, &self.places) {
            (None, _) => 0,
            (Some(column), Places::Run(run)) => {
                column.chars(run.start + range.start..run.start + range.end)
            }
            (Some(column), Places::Any(places)) => {
                let found = places[range].iter().flatten();
                found.map(|&place| count_chars(column.text(place))).sum()
            }
        }
    }
}
