//! Features: what one pass over the text keeps of each row, the input of every term.
//!
//! ```text
//!  texts of a row ─▶ shingles ─▶ minhash       8 bands, for near-duplicates
//!                            ├─▶ repetition    how often a shingle occurs in the row
//!                            ├─▶ commonness    how often its shingles occur in the pilot
//!                            ├─▶ importance    how well they fit the target
//!                            ├─▶ avoided       how well they fit the rows to avoid
//!                            └─▶ likeness      which of these they fit
//! ```

use crate::sketch::minhash::{self, BANDS};
use crate::smart::columns::Column;
use crate::smart::terms::classifier::Classifier;
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::repetition::Repetition;
use crate::smart::terms::target::{Likeness, TargetTables};
use crate::text::shingle::Shingles;

/// Declares [`Features`]: a column a feature. A new feature is one line here and one in
/// [`Extractor::add`].
macro_rules! features {
    ($($(#[$doc:meta])* $name:ident: $column:ty,)*) => {
        /// Features of consecutive rows: a column a feature, so that each can be scanned and freed
        /// alone.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Features {
            $($(#[$doc])* pub $name: $column,)*
        }

        /// Bytes of one row.
        pub(super) const ROW_BYTES: usize = 0 $(+ <$column as Column>::ROW_BYTES)*;

        impl Features {
            /// Memory for `rows` rows.
            pub(super) fn zeroed(rows: usize) -> Self {
                Self { $($name: Column::zeroed(rows),)* }
            }

            /// To be written by several threads.
            pub(super) fn writer(&mut self) -> FeaturesWriter<'_> {
                FeaturesWriter { $($name: self.$name.writer(),)* }
            }

            /// Removes all rows, and keeps their memory.
            pub(super) fn clear(&mut self) {
                $(Column::clear(&mut self.$name);)*
            }

            /// Takes in the rows that follow.
            pub(super) fn append(&mut self, mut next: Self) {
                $(Column::append(&mut self.$name, &mut next.$name);)*
            }

            pub(super) fn write(&self, bytes: &mut Vec<u8>) {
                $(Column::write(&self.$name, bytes);)*
            }

            /// `rows` rows, off the front of what [`Features::write`] wrote; none if there are fewer.
            pub(super) fn read(bytes: &mut &[u8], rows: usize) -> Option<Self> {
                Some(Self { $($name: Column::read(bytes, rows)?,)* })
            }
        }

        /// Features of all rows, while threads write them.
        pub(super) struct FeaturesWriter<'a> {
            $($name: <$column as Column>::Writer<'a>,)*
        }

        impl FeaturesWriter<'_> {
            /// Writes `rows`, of which `first` is the first.
            pub(super) fn put(&self, first: usize, rows: &Features) {
                $(<$column as Column>::put(&self.$name, first, &rows.$name);)*
            }
        }
    };
}

features! {
    /// A hash of all texts: equal for equal rows.
    exact: Vec<u64>,
    /// One hash a band, see [`minhash::bands`].
    bands: [Vec<u32>; BANDS],
    /// Characters in all text columns.
    chars: Vec<u32>,
    /// See [`Repetition::of`].
    repetition: Vec<u16>,
    /// See [`Commonness::of`]; 0 if the term is off.
    commonness: Vec<u16>,
    /// See [`TargetTables::of`]; 0 where there is no target.
    importance: Vec<i16>,
    /// See [`Classifier::of`]; 0 where there are no rows to avoid.
    avoided: Vec<i16>,
    /// See [`Likeness`]; 0 where there is nothing to resemble.
    likeness: Vec<u8>,
}

impl Features {
    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty()
    }
}

/// What shingles are looked up in; each where its term counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tables<'a> {
    /// For the term of the same name.
    pub commonness: Option<&'a Commonness>,
    /// For the target.
    pub target: Option<&'a TargetTables>,
    /// For the rows to avoid.
    pub avoid: Option<&'a Classifier>,
}

/// Computes [`Features`], row after row, in memory that is used again.
#[derive(Default)]
pub struct Extractor<'a> {
    tables: Tables<'a>,
    shingles: Shingles,
    repetition: Repetition,
}

impl<'a> Extractor<'a> {
    /// An extractor that also looks shingles up in tables, if there are any.
    #[must_use]
    pub fn new(tables: Tables<'a>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Appends the features of a row to `rows`: of its texts, and of their hash. `in_pilot` says
    /// whether the row is among those that were counted.
    pub fn add<'t>(
        &mut self,
        texts: impl Iterator<Item = &'t str>,
        exact: u64,
        in_pilot: bool,
        rows: &mut Features,
    ) {
        self.shingles.clear();
        texts.for_each(|text| self.shingles.add(text));
        let hashes = self.shingles.hashes();
        rows.exact.push(exact);
        for (column, band) in rows.bands.iter_mut().zip(minhash::bands(hashes, exact)) {
            column.push(band);
        }
        rows.chars.push(u32::try_from(self.shingles.chars()).unwrap_or(u32::MAX));
        rows.repetition.push(self.repetition.of(hashes));
        let Tables { commonness, target, avoid } = self.tables;
        rows.commonness.push(commonness.map_or(0, |table| table.of(hashes, in_pilot)));
        let (importance, nearest) = target.map_or((0, 0), |tables| tables.of(hashes));
        let avoided = avoid.map_or(0, |table| table.of(hashes));
        rows.importance.push(importance);
        rows.avoided.push(avoided);
        rows.likeness.push(Likeness::of(importance, nearest, avoided).0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash_of;

    fn features(rows: &[&[&str]]) -> Features {
        let (mut extractor, mut features) = (Extractor::default(), Features::default());
        for row in rows {
            extractor.add(row.iter().copied(), hash_of(row), false, &mut features);
        }
        features
    }

    #[test]
    fn an_extractor_forgets_the_last_row() {
        let both = features(&[&["这是第一行的文字，它应该被忘记"], &["你好"]]);
        let alone = features(&[&["你好"]]);
        assert_eq!((both.exact[1], both.chars[1]), (alone.exact[0], alone.chars[0]));
        assert!(std::iter::zip(&both.bands, &alone.bands).all(|(a, b)| a[1] == b[0]));
    }

    #[test]
    fn columns_are_told_apart_in_exact_hashes_only() {
        let rows =
            features(&[&["ab", "c"], &["a", "bc"], &["", "a"], &["a", ""], &["你好", "世界"]]);
        assert_ne!(rows.exact[0], rows.exact[1]);
        assert_ne!(rows.exact[2], rows.exact[3]);
        assert_eq!(rows.chars, [3, 3, 1, 1, 4]);
    }

    #[test]
    fn rows_find_their_place_and_survive_a_journey() {
        let whole = features(&[&["第一行"], &["第二行"], &["third"]]);
        let mut room = Features::zeroed(3);
        let writer = room.writer();
        writer.put(2, &features(&[&["third"]]));
        writer.put(0, &features(&[&["第一行"], &["第二行"]]));
        assert_eq!(room, whole);
        let mut bytes = Vec::new();
        whole.write(&mut bytes);
        assert_eq!(bytes.len(), 3 * ROW_BYTES);
        assert_eq!(Features::read(&mut bytes.as_slice(), 3), Some(whole));
        assert_eq!(Features::read(&mut bytes.as_slice(), 4), None);
    }
}
