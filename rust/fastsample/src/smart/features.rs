//! Features: what one pass over the text keeps of each row, the input of every term.
//!
//! ```text
//!  texts of a row ─▶ shingles ─▶ minhash       8 bands, for near-duplicates
//!                            ├─▶ repetition    how often a shingle occurs in the row
//!                            ├─▶ commonness    how often its shingles occur in the pilot
//!                            └─▶ importance      how much more often in the target than in the source
//! ```

use crate::exec::SharedSlice;
use crate::sketch::minhash::{self, BANDS};
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::importance::ImportanceRatio;
use crate::smart::terms::repetition::Repetition;
use crate::text::shingle::Shingles;

/// Features of consecutive rows: a column a feature, so that each can be scanned and freed alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// A hash of all texts: equal for equal rows.
    pub exact: Vec<u64>,
    /// One hash a band, see [`minhash::bands`].
    pub bands: [Vec<u32>; BANDS],
    /// Characters in all text columns.
    pub chars: Vec<u32>,
    /// See [`Repetition::of`].
    pub repetition: Vec<u16>,
    /// See [`Commonness::of`]; 0 if the term is off.
    pub commonness: Vec<u16>,
    /// See [`ImportanceRatio::of`]; 0 where there is no target.
    pub importance: Vec<i16>,
}

/// Bytes of one row.
pub(super) const ROW_BYTES: usize = 8 + 4 * BANDS + 4 + 2 + 2 + 2;

impl Features {
    /// Memory for `rows` rows.
    pub(super) fn zeroed(rows: usize) -> Self {
        Self {
            exact: vec![0; rows],
            bands: std::array::from_fn(|_| vec![0; rows]),
            chars: vec![0; rows],
            repetition: vec![0; rows],
            commonness: vec![0; rows],
            importance: vec![0; rows],
        }
    }

    /// To be written by several threads.
    pub(super) fn shared(&mut self) -> SharedFeatures<'_> {
        SharedFeatures {
            exact: SharedSlice::new(&mut self.exact),
            bands: self.bands.each_mut().map(|band| SharedSlice::new(band)),
            chars: SharedSlice::new(&mut self.chars),
            repetition: SharedSlice::new(&mut self.repetition),
            commonness: SharedSlice::new(&mut self.commonness),
            importance: SharedSlice::new(&mut self.importance),
        }
    }

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

    /// Forgets all rows, and keeps their memory.
    pub(super) fn clear(&mut self) {
        self.exact.clear();
        self.bands.iter_mut().for_each(Vec::clear);
        self.chars.clear();
        self.repetition.clear();
        self.commonness.clear();
        self.importance.clear();
    }

    /// Takes in the rows that follow.
    pub(super) fn append(&mut self, mut next: Self) {
        self.exact.append(&mut next.exact);
        self.bands.iter_mut().zip(&mut next.bands).for_each(|(all, band)| all.append(band));
        self.chars.append(&mut next.chars);
        self.repetition.append(&mut next.repetition);
        self.commonness.append(&mut next.commonness);
        self.importance.append(&mut next.importance);
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        self.exact.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        for column in self.bands.iter().chain([&self.chars]) {
            column.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        for column in [&self.repetition, &self.commonness] {
            column.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        self.importance.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    }

    /// `rows` rows, off the front of what [`Features::write`] wrote; none if there is less.
    pub(super) fn read(bytes: &mut &[u8], rows: usize) -> Option<Self> {
        fn column<T, const N: usize>(
            bytes: &mut &[u8],
            rows: usize,
            value: fn([u8; N]) -> T,
        ) -> Option<Vec<T>> {
            let (head, rest) = bytes.split_at_checked(rows.checked_mul(N)?)?;
            *bytes = rest;
            Some(head.as_chunks::<N>().0.iter().map(|&chunk| value(chunk)).collect())
        }
        let mut read = Self { exact: column(bytes, rows, u64::from_le_bytes)?, ..Self::default() };
        for band in &mut read.bands {
            *band = column(bytes, rows, u32::from_le_bytes)?;
        }
        read.chars = column(bytes, rows, u32::from_le_bytes)?;
        read.repetition = column(bytes, rows, u16::from_le_bytes)?;
        read.commonness = column(bytes, rows, u16::from_le_bytes)?;
        read.importance = column(bytes, rows, i16::from_le_bytes)?;
        Some(read)
    }
}

/// Features of all rows, while threads write them.
pub(super) struct SharedFeatures<'a> {
    exact: SharedSlice<'a, u64>,
    bands: [SharedSlice<'a, u32>; BANDS],
    chars: SharedSlice<'a, u32>,
    repetition: SharedSlice<'a, u16>,
    commonness: SharedSlice<'a, u16>,
    importance: SharedSlice<'a, i16>,
}

impl SharedFeatures<'_> {
    /// Writes `rows`, of which `first` is the first.
    pub(super) fn put(&self, first: usize, rows: &Features) {
        self.exact.put(first, &rows.exact);
        self.bands.iter().zip(&rows.bands).for_each(|(all, band)| all.put(first, band));
        self.chars.put(first, &rows.chars);
        self.repetition.put(first, &rows.repetition);
        self.commonness.put(first, &rows.commonness);
        self.importance.put(first, &rows.importance);
    }
}

/// Computes [`Features`], row after row, in memory that is used again.
#[derive(Default)]
pub struct Extractor<'a> {
    commonness: Option<&'a Commonness>,
    importance: Option<&'a ImportanceRatio>,
    shingles: Shingles,
    repetition: Repetition,
}

impl<'a> Extractor<'a> {
    /// An extractor that also looks shingles up in tables, if there are any.
    #[must_use]
    pub fn new(
        commonness: Option<&'a Commonness>,
        importance: Option<&'a ImportanceRatio>,
    ) -> Self {
        Self { commonness, importance, ..Self::default() }
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
        rows.commonness.push(self.commonness.map_or(0, |table| table.of(hashes, in_pilot)));
        rows.importance.push(self.importance.map_or(0, |table| table.of(hashes)));
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
        let shared = room.shared();
        shared.put(2, &features(&[&["third"]]));
        shared.put(0, &features(&[&["第一行"], &["第二行"]]));
        assert_eq!(room, whole);
        let mut bytes = Vec::new();
        whole.write(&mut bytes);
        assert_eq!(bytes.len(), 3 * ROW_BYTES);
        assert_eq!(Features::read(&mut bytes.as_slice(), 3), Some(whole));
        assert_eq!(Features::read(&mut bytes.as_slice(), 4), None);
    }
}
