//! The texts of each row of a batch, leaf by leaf, where they lie: no string is built.
//!
//! ```text
//!  messages: list<struct<role, content>>      content of row 0: texts[0..2], of row 1: texts[2..3]
//!     steps: items, field 1                   shape of row 0: hash of [2],   of row 1: 0
//! ```
//!
//! Going down a path, a list replaces each place by those of its items, a struct keeps the places.
//! Only the layout of the arrays at hand decides how that is done; what comes out is the same for
//! every layout. A null is the empty text or the empty list.

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, GenericListViewArray, OffsetSizeTrait,
    RecordBatch,
};
use arrow_schema::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::column::{TextColumn, count_chars};
use super::leaf::{Leaf, Step};
use crate::error::{Error, Result};
use crate::hash::mix_two;

/// The texts of the rows of a batch.
///
/// Invariants: every leaf has a slice of texts for each row, in the order of the row's items.
#[derive(Debug)]
pub struct RowTexts<'a> {
    leaves: Vec<LeafTexts<'a>>,
    rows: usize,
}

/// The texts of one leaf.
#[derive(Debug)]
struct LeafTexts<'a> {
    texts: Vec<&'a str>,
    lists: Option<Lists>,
}

/// How the texts of a leaf are spread over rows.
#[derive(Debug)]
struct Lists {
    /// Where the texts of each row end.
    ends: Vec<usize>,
    /// A hash of the numbers of items on the way to each row's texts; 0 if all of them are 1.
    shapes: Vec<u64>,
}

impl<'a> RowTexts<'a> {
    /// The texts of `leaves` in `batch`; `column` tells where the column of a leaf lies there.
    ///
    /// # Errors
    /// [`Error::Internal`] for a batch of another schema.
    pub(super) fn new<'l>(
        batch: &'a RecordBatch,
        leaves: impl IntoIterator<Item = (&'l Leaf, usize)>,
    ) -> Result<Self> {
        let rows = batch.num_rows();
        let leaves = leaves
            .into_iter()
            .map(|(leaf, column)| LeafTexts::new(batch.column(column), leaf.steps()))
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
    #[must_use]
    pub fn of_leaf(&self, leaf: usize, row: usize) -> &[&'a str] {
        self.leaves[leaf].of(row)
    }

    /// All texts of a row.
    pub fn of_row(&self, row: usize) -> impl Iterator<Item = &'a str> + '_ {
        self.leaves.iter().flat_map(move |leaf| leaf.of(row).iter().copied())
    }

    /// Characters (Unicode code points) of all texts of a row.
    #[must_use]
    pub fn chars(&self, row: usize) -> usize {
        self.of_row(row).map(count_chars).sum()
    }

    /// Characters of a leaf in all rows.
    #[must_use]
    pub fn chars_of_leaf(&self, leaf: usize) -> usize {
        self.leaves[leaf].texts.iter().map(|text| count_chars(text)).sum()
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
            let hash = hash_on(hash, leaf.of(row));
            match leaf.lists.as_ref().map_or(0, |lists| lists.shapes[row]) {
                0 => hash,
                shape => mix_two(hash, shape),
            }
        })
    }
}

/// Some texts added to a hash.
fn hash_on(hash: u64, texts: &[&str]) -> u64 {
    texts.iter().fold(hash, |hash, text| xxh3_64_with_seed(text.as_bytes(), hash))
}

/// The hash of a row with one text a leaf.
#[must_use]
pub fn hash_of(texts: &[&str]) -> u64 {
    hash_on(0, texts)
}

impl<'a> LeafTexts<'a> {
    fn new(column: &'a ArrayRef, steps: &[Step]) -> Option<Self> {
        let is_null = column.data_type() == &DataType::Null;
        if steps.is_empty() {
            let texts = if is_null { vec![""; column.len()] } else { all(column)? };
            return Some(Self { texts, lists: None });
        }
        let mut array: &dyn Array = column;
        let mut places = Places::rows(array);
        for step in steps {
            match step {
                // A part of the data may have nothing but nulls, of no type.
                Step::Items if is_null => places.spread(|_| 0..0),
                Step::Field(_) if is_null => {}
                Step::Items => array = places.items_of(array)?,
                Step::Field(index) => {
                    array = array.as_struct_opt()?.columns().get(*index)?;
                    places.forget_nulls(array);
                }
            }
        }
        let texts = if is_null {
            vec![""; places.found.len()]
        } else {
            TextColumn::new(array)?.pick(&places.found)
        };
        let lists = (places.lists > 0).then(|| places.finish());
        Some(Self { texts, lists })
    }

    fn of(&self, row: usize) -> &[&'a str] {
        match &self.lists {
            None => &self.texts[row..=row],
            Some(Lists { ends, .. }) => {
                let start = row.checked_sub(1).map_or(0, |before| ends[before]);
                &self.texts[start..ends[row]]
            }
        }
    }
}

fn all(column: &dyn Array) -> Option<Vec<&str>> {
    let mut texts = Vec::with_capacity(column.len());
    TextColumn::new(column)?.for_each(|text| texts.push(text));
    Some(texts)
}

/// Where the items of each row lie in an array, on the way down a path.
struct Places {
    /// The place of each item; none for one that is null, or lies in a null.
    found: Vec<Option<usize>>,
    /// Where those of each row end.
    ends: Vec<usize>,
    /// A hash of the numbers of items so far.
    shapes: Vec<u64>,
    /// Lists on the way.
    lists: u32,
}

impl Places {
    fn rows(array: &dyn Array) -> Self {
        let rows = array.len();
        let mut places = Self {
            found: (0..rows).map(Some).collect(),
            ends: (1..=rows).collect(),
            shapes: vec![0; rows],
            lists: 0,
        };
        places.forget_nulls(array);
        places
    }

    fn forget_nulls(&mut self, array: &dyn Array) {
        if let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            for place in &mut self.found {
                *place = place.filter(|&place| nulls.is_valid(place));
            }
        }
    }

    /// Goes on to the items of lists.
    fn items_of<'a>(&mut self, array: &'a dyn Array) -> Option<&'a dyn Array> {
        match array.data_type() {
            DataType::List(_) => Some(self.list_items(array.as_list::<i32>())),
            DataType::LargeList(_) => Some(self.list_items(array.as_list::<i64>())),
            DataType::ListView(_) => Some(self.view_items(array.as_list_view::<i32>())),
            DataType::LargeListView(_) => Some(self.view_items(array.as_list_view::<i64>())),
            DataType::FixedSizeList(..) => Some(self.fixed_items(array.as_fixed_size_list())),
            DataType::Map(..) => {
                let map = array.as_map();
                let offsets = map.value_offsets();
                self.spread(|at| offsets[at] as usize..offsets[at + 1] as usize);
                Some(map.entries())
            }
            _ => None,
        }
    }

    fn list_items<'a, O: OffsetSizeTrait>(
        &mut self,
        array: &'a GenericListArray<O>,
    ) -> &'a dyn Array {
        let offsets = array.value_offsets();
        self.spread(|at| offsets[at].as_usize()..offsets[at + 1].as_usize());
        self.forget_nulls(array.values());
        array.values()
    }

    fn view_items<'a, O: OffsetSizeTrait>(
        &mut self,
        array: &'a GenericListViewArray<O>,
    ) -> &'a dyn Array {
        self.spread(|at| {
            let start = array.value_offset(at).as_usize();
            start..start + array.value_size(at).as_usize()
        });
        self.forget_nulls(array.values());
        array.values()
    }

    fn fixed_items<'a>(&mut self, array: &'a FixedSizeListArray) -> &'a dyn Array {
        let length = array.value_length() as usize;
        self.spread(|at| at * length..(at + 1) * length);
        self.forget_nulls(array.values());
        array.values()
    }

    /// Replaces each place by those of its items.
    fn spread(&mut self, items: impl Fn(usize) -> std::ops::Range<usize>) {
        let mut found = Vec::with_capacity(self.found.len());
        let mut start = 0;
        for (end, shape) in self.ends.iter_mut().zip(&mut self.shapes) {
            for place in &self.found[start..*end] {
                let range = place.map_or(0..0, &items);
                *shape = with_count(*shape, range.len());
                found.extend(range.map(Some));
            }
            start = *end;
            *end = found.len();
        }
        self.found = found;
        self.lists += 1;
    }

    fn finish(self) -> Lists {
        // Lists of one item each are like no list at all.
        let plain = (0..self.lists).fold(0, |shape, _| with_count(shape, 1));
        let mut shapes = self.shapes;
        shapes.iter_mut().filter(|shape| **shape == plain).for_each(|shape| *shape = 0);
        Lists { ends: self.ends, shapes }
    }
}

/// The numbers of items, level by level, as a hash.
fn with_count(shape: u64, count: usize) -> u64 {
    mix_two(shape ^ 0x73_6861_7065, count as u64)
}
