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
            pub(super) fn zeroed(rows: usize, columns: FeatureColumns) -> Self {
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

            pub(super) fn write(&self, bytes: &mut Vec<u8>) {
                $(Column::write(&self.$name, bytes);)*
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
    /// One hash a band, see [`minhash::bands`].
    bands: [Vec<u32>; BANDS],
    /// Characters in all text columns.
    chars: Vec<u32>,
    /// See [`Repetition::of`].
    repetition: Vec<u16>,
    /// See [`Commonness::of`].
    commonness: Vec<u16>,
    /// See [`TargetTables::of`].
    importance: Vec<i16>,
    /// See [`Classifier::of`], of the rows to avoid.
    avoided: Vec<i16>,
    /// See [`Likeness`]; where there is something to resemble.
    likeness: Vec<u8>,
}

impl FeatureColumns {
    /// The columns that an [`Extractor`] with these tables fills.
    pub(crate) fn extracted(tables: Tables<'_>) -> Self {
        let (importance, avoided) = (tables.target.is_some(), tables.avoid.is_some());
        Self {
            exact: true,
            bands: true,
            chars: true,
            repetition: true,
            commonness: tables.commonness.is_some(),
            importance,
            avoided,
            likeness: importance || avoided,
        }
    }

    /// Whether there are all columns that every [`Extractor`] fills.
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

    /// The number of a row in a column that may not be there.
    pub(super) fn of<T: Copy + Default>(column: &[T], row: usize) -> T {
        column.get(row).copied().unwrap_or_default()
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
        if let Some(table) = commonness {
            rows.commonness.push(table.of(hashes, in_pilot));
        }
        let (importance, nearest) = target.map(|tables| tables.of(hashes)).unwrap_or_default();
        let avoided = avoid.map(|table| table.of(hashes)).unwrap_or_default();
        if target.is_some() {
            rows.importance.push(importance);
        }
        if avoid.is_some() {
            rows.avoided.push(avoided);
        }
        if target.is_some() || avoid.is_some() {
            rows.likeness.push(Likeness::of(importance, nearest, avoided).0);
        }
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

    fn three() -> Features {
        features(&[&["第一行"], &["第二行"], &["third"]])
    }

    #[test]
    fn rows_find_their_place_and_survive_a_journey() {
        let extracted = three().columns();
        assert_eq!(extracted, FeatureColumns::extracted(Tables::default()));
        assert_eq!(extracted.row_bytes(), 46);
        let mut others = Features { commonness: vec![1, 2, 3], avoided: vec![-1; 3], ..three() };
        others.bands = Default::default();
        for whole in [three(), others] {
            let columns = whole.columns();
            assert_eq!(FeatureColumns::of_bits(columns.bits()), Some(columns));
            let mut bytes = Vec::new();
            whole.write(&mut bytes);
            assert_eq!(bytes.len(), 3 * columns.row_bytes());
            assert_eq!(Features::read(&mut bytes.as_slice(), 3, columns).as_ref(), Some(&whole));
            assert_eq!(Features::read(&mut bytes.as_slice(), 4, columns), None);
            let mut room = Features::zeroed(3, columns);
            room.writer().put(0, &whole);
            assert_eq!(room, whole);
        }
        let mut room = Features::zeroed(3, extracted);
        let writer = room.writer();
        writer.put(2, &features(&[&["third"]]));
        writer.put(0, &features(&[&["第一行"], &["第二行"]]));
        drop(writer);
        assert_eq!(room, three());
        assert_eq!(FeatureColumns::of_bits(1 << 15), None);
    }

    #[test]
    fn a_column_that_is_not_there_is_zero() {
        let without = three();
        let with = Features { commonness: vec![1, 2, 3], ..three() };
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
