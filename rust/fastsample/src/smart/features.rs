//! Features: what one pass over the text keeps of each row, the input of every term.
//!
//! ```text
//!  texts of a row ─▶ shingles ─▶ bands         8 of MinHash, for near-duplicates
//!                            ├─▶ repetition    how often a shingle occurs in the row
//!                            ├─▶ commonness    how often its shingles occur in the pilot
//!                            ├─▶ importance    how well they fit the target
//!                            ├─▶ avoided       how well they fit the rows to avoid
//!                            └─▶ likeness      which of these they fit
//!
//!  features of all rows ─▶ first_equal, near, novelty: which are the same, or nearly
//! ```

use std::ops::Range;

use crate::error::Result;
use crate::exec::{Context, memory};
use crate::sketch::minhash::BANDS;
use crate::smart::columns::Column;
use crate::smart::terms::duplicates::{self, Copies};
use crate::smart::terms::template;

/// Declares [`Features`]: a column a feature. A new feature is one line here and one in
/// [`Extractor::add`](crate::smart::extractor::Extractor::add).
macro_rules! features {
    ($($(#[$doc:meta])* $name:ident: $column:ty,)*) => {
        /// Features of consecutive rows: a column a feature, so that each can be scanned and freed
        /// alone. A column that nothing needs is empty, and reads as 0 in each row.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Features {
            $($(#[$doc])* pub $name: $column,)*
        }

        /// Which columns there are.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(crate) struct FeatureColumns {
            $($name: bool,)*
        }

        impl FeatureColumns {
            /// Bytes of one row.
            pub(super) fn row_bytes(self) -> usize {
                0 $(+ if self.$name { <$column as Column>::ROW_BYTES } else { 0 })*
            }

            /// A bit for each column.
            pub(super) fn bits(self) -> u16 {
                let all = [$(self.$name),*];
                (0..).zip(all).map(|(place, is_there)| u16::from(is_there) << place).sum()
            }

            /// The columns that [`FeatureColumns::bits`] are those of.
            pub(super) fn of_bits(bits: u16) -> Option<Self> {
                let mut places = 0..;
                let mut next = || places.next().is_some_and(|place: u32| bits >> place & 1 == 1);
                let columns = Self { $($name: next(),)* };
                (columns.bits() == bits).then_some(columns)
            }
        }

        impl Features {
            /// Memory for `rows` rows.
            fn zeroed(rows: usize, columns: FeatureColumns) -> Self {
                Self { $($name: Column::zeroed(if columns.$name { rows } else { 0 }),)* }
            }

            /// The columns that there are.
            pub(super) fn columns(&self) -> FeatureColumns {
                FeatureColumns { $($name: Column::rows(&self.$name) > 0,)* }
            }

            /// To be written by several threads.
            pub(super) fn writer(&mut self) -> FeaturesWriter<'_> {
                FeaturesWriter { $($name: self.$name.writer(),)* }
            }

            /// Removes the columns that are not among these.
            pub(super) fn keep(&mut self, columns: FeatureColumns) {
                $(if !columns.$name {
                    self.$name = Default::default();
                })*
            }

            /// Removes all rows, and keeps their memory.
            pub(super) fn clear(&mut self) {
                $(Column::clear(&mut self.$name);)*
            }

            /// Takes in the rows that follow.
            pub(super) fn append(&mut self, mut next: Self) {
                let (rows, more) = (self.len(), next.len());
                $(
                    if Column::rows(&self.$name) + Column::rows(&next.$name) > 0 {
                        Column::resize(&mut self.$name, rows);
                        Column::resize(&mut next.$name, more);
                        Column::append(&mut self.$name, &mut next.$name);
                    }
                )*
            }

            /// Appends some rows.
            pub(super) fn write(&self, rows: &Range<usize>, bytes: &mut Vec<u8>) {
                $(Column::write(&self.$name, rows, bytes);)*
            }

            /// `rows` rows, off the front of what [`Features::write`] wrote; none if there are fewer.
            pub(super) fn read(
                bytes: &mut &[u8],
                rows: usize,
                columns: FeatureColumns,
            ) -> Option<Self> {
                let rows = |is_there: bool| if is_there { rows } else { 0 };
                Some(Self { $($name: Column::read(bytes, rows(columns.$name))?,)* })
            }
        }

        /// Features of all rows, while threads write them.
        pub(super) struct FeaturesWriter<'a> {
            $($name: <$column as Column>::Writer<'a>,)*
        }

        impl FeaturesWriter<'_> {
            /// Writes `rows`, of which `first` is the first.
            pub(super) fn put(&self, first: usize, rows: &Features) {
                $(
                    if Column::rows(&rows.$name) > 0 {
                        <$column as Column>::put(&self.$name, first, &rows.$name);
                    }
                )*
            }
        }
    };
}

features! {
    /// A hash of all texts: equal for equal rows.
    exact: Vec<u64>,
    /// One hash a band, see [`crate::sketch::minhash::bands`].
    bands: [Vec<u32>; BANDS],
    /// Characters in all text columns.
    chars: Vec<u32>,
    /// See [`crate::smart::terms::repetition`].
    repetition: Vec<u16>,
    /// See [`crate::smart::terms::commonness`].
    commonness: Vec<u16>,
    /// See [`crate::smart::terms::target`].
    importance: Vec<i16>,
    /// See [`crate::smart::terms::avoid`].
    avoided: Vec<i16>,
    /// What the row resembles, see [`crate::smart::terms::target::Likeness`].
    likeness: Vec<u8>,
    /// The first row with the same texts.
    first_equal: Vec<u32>,
    /// Rows that are nearly the same, see [`duplicates::find`].
    near: Vec<u32>,
    /// See [`template::find`].
    novelty: Vec<u16>,
}

/// A hash of each table that shingles are looked up in, if there is one: features by others can't be
/// compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TableHashes {
    pub(super) commonness: Option<u64>,
    pub(super) target: Option<u64>,
    pub(super) avoid: Option<u64>,
}

impl FeatureColumns {
    /// The columns that are extracted by these tables.
    pub(super) fn extracted(tables: TableHashes) -> Self {
        Self { exact: true, bands: true, ..Self::judged(tables) }
    }

    /// The columns of rows of which it is known which are nearly the same.
    pub(super) fn compared(tables: TableHashes) -> Self {
        Self { first_equal: true, near: true, novelty: true, ..Self::judged(tables) }
    }

    fn judged(tables: TableHashes) -> Self {
        let (importance, avoided) = (tables.target.is_some(), tables.avoid.is_some());
        Self {
            chars: true,
            repetition: true,
            commonness: tables.commonness.is_some(),
            importance,
            avoided,
            likeness: importance || avoided,
            ..Self::default()
        }
    }

    /// Whether there are all columns that are always extracted.
    pub(super) fn are_extracted(self) -> bool {
        self.exact && self.bands && self.chars && self.repetition
    }
}

impl Features {
    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chars.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// Memory for `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Memory`].
    pub(super) fn for_rows(rows: u64, columns: FeatureColumns) -> Result<Self> {
        let bytes = (rows as usize).saturating_mul(columns.row_bytes());
        memory::require(bytes, || format!("the features of {rows} rows"))?;
        Ok(Self::zeroed(rows as usize, columns))
    }

    /// Counts near-duplicates, which needs the bands, and drops them. The columns that say so are
    /// there then, but for [`Features::first_equal`]: which rows are copies is returned.
    pub(super) fn compare(&mut self, ctx: &Context) -> Result<Copies> {
        memory::require_rows::<[u64; COMPARING]>(self.len() as u64, "near-duplicates and weights")?;
        let (near, copies) = duplicates::find(ctx, &self.bands, &self.exact)?;
        self.novelty = template::find(ctx, &self.bands, &near)?;
        (self.near, self.bands) = (near, Default::default());
        Ok(copies)
    }

    /// The number of a row in a column that may not be there.
    pub(super) fn of<T: Copy + Default>(column: &[T], row: usize) -> T {
        column.get(row).copied().unwrap_or_default()
    }
}

/// Words that comparing takes for each row, at its peak: sorted hashes with their rows on each of two
/// workers, sums, weights.
const COMPARING: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of these numbers.
    fn rows(numbers: Range<u32>) -> Features {
        Features {
            exact: numbers.clone().map(u64::from).collect(),
            bands: std::array::from_fn(|band| {
                numbers.clone().map(|n| n * 9 + band as u32).collect()
            }),
            chars: numbers.clone().map(|n| n + 5).collect(),
            repetition: numbers.map(|n| n as u16).collect(),
            ..Features::default()
        }
    }

    #[test]
    fn rows_find_their_place_and_survive_a_journey() {
        let extracted = rows(0..3).columns();
        assert_eq!(extracted, FeatureColumns::extracted(TableHashes::default()));
        assert_eq!(extracted.row_bytes(), 46);
        let mut others = Features { commonness: vec![1, 2, 3], avoided: vec![-1; 3], ..rows(0..3) };
        others.bands = Default::default();
        for whole in [rows(0..3), others] {
            let columns = whole.columns();
            assert_eq!(FeatureColumns::of_bits(columns.bits()), Some(columns));
            let mut bytes = Vec::new();
            whole.write(&(0..3), &mut bytes);
            assert_eq!(bytes.len(), 3 * columns.row_bytes());
            assert_eq!(Features::read(&mut bytes.as_slice(), 3, columns).as_ref(), Some(&whole));
            assert_eq!(Features::read(&mut bytes.as_slice(), 4, columns), None);
            let mut room = Features::zeroed(3, columns);
            room.writer().put(0, &whole);
            assert_eq!(room, whole);
        }
        let mut room = Features::zeroed(3, extracted);
        let writer = room.writer();
        writer.put(2, &rows(2..3));
        writer.put(0, &rows(0..2));
        drop(writer);
        assert_eq!(room, rows(0..3));
        assert_eq!(FeatureColumns::of_bits(1 << 15), None);
    }

    #[test]
    fn a_column_that_is_not_there_is_zero() {
        let without = rows(0..3);
        let with = Features { commonness: vec![1, 2, 3], ..rows(0..3) };
        let (mut before, mut behind) = (with.clone(), without.clone());
        before.append(without);
        behind.append(with);
        assert_eq!(
            (&*before.commonness, &*behind.commonness),
            (&[1, 2, 3, 0, 0, 0][..], &[0, 0, 0, 1, 2, 3][..])
        );
        assert_eq!((before.len(), before.avoided.len()), (6, 0));
        assert_eq!(Features::of(&before.commonness, 1), 2);
        assert_eq!(Features::of(&before.avoided, 1), 0);
    }
}
