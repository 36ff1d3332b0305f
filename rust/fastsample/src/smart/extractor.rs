//! `Extractor`: the features of one row after the other, from the shingles of its texts.

use crate::sketch::minhash;
use crate::smart::features::{Features, TableHashes};
use crate::smart::terms::classifier::Classifier;
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::repetition::Repetition;
use crate::smart::terms::target::{Likeness, TargetTables};
use crate::text::shingle::Shingles;

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

impl Tables<'_> {
    pub(super) fn hashes(self) -> TableHashes {
        TableHashes {
            commonness: self.commonness.map(Commonness::fingerprint),
            target: self.target.map(TargetTables::fingerprint),
            avoid: self.avoid.map(Classifier::fingerprint),
        }
    }
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
}
