//! The target term: how well a row fits the rows that a user named, by one of two methods.
//!
//! There may be several targets. A row counts by the one that it fits best, so that a small one is
//! not drowned by a large one.

use super::classifier::Classifier;
use super::importance::ImportanceRatio;
use crate::error::{Error, Result};
use crate::hash::mix_two;

/// Targets of one draw, at most.
const MOST_TARGETS: usize = 100;

/// What says how well a row fits a target.
#[derive(Debug, Clone)]
pub enum TargetTable {
    /// By the shares of each shingle in the target and in the source.
    Ratio(ImportanceRatio),
    /// By a classifier that has learned to tell them.
    Classifier(Classifier),
}

impl TargetTable {
    fn fingerprint(&self) -> u64 {
        match self {
            Self::Ratio(ratio) => ratio.fingerprint(),
            Self::Classifier(classifier) => classifier.fingerprint(),
        }
    }

    /// A logarithm to base 2, with 10 bits after the point: of the mean ratio of the row's shingles,
    /// or of the odds that it is of the target.
    #[must_use]
    pub fn of(&self, shingles: &[u64]) -> i16 {
        match self {
            Self::Ratio(ratio) => ratio.of(shingles),
            Self::Classifier(classifier) => classifier.of(shingles),
        }
    }
}

/// What says how well a row fits each of some targets, of which there is one at least.
#[derive(Debug, Clone)]
pub struct TargetTables(Vec<TargetTable>);

impl TargetTables {
    /// The tables of these targets.
    ///
    /// # Errors
    /// [`Error::Argument`] for none, or too many.
    pub fn new(tables: Vec<TargetTable>) -> Result<Self> {
        if (1..=MOST_TARGETS).contains(&tables.len()) {
            return Ok(Self(tables));
        }
        Err(Error::Argument(format!(
            "there are {} targets; name from 1 to {MOST_TARGETS}",
            tables.len()
        )))
    }

    /// A hash of the tables: rows that were judged by others can't be compared.
    pub(crate) fn fingerprint(&self) -> u64 {
        let each = self.0.iter().map(TargetTable::fingerprint);
        each.reduce(mix_two).unwrap_or_default()
    }

    /// The largest of [`TargetTable::of`], and the place of its target; of equal ones the first.
    #[must_use]
    pub fn of(&self, shingles: &[u64]) -> (i16, usize) {
        let each = self.0.iter().map(|table| table.of(shingles)).zip(0..);
        each.reduce(|best, next| if next.0 > best.0 { next } else { best }).unwrap_or_default()
    }
}

/// What a row resembles more than the source: the target that it fits best, if any; and the rows to
/// avoid, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness(pub u8);

impl Likeness {
    const AVOIDED: u8 = 1 << 7;

    /// By the row's values: of the target at a place, which it fits best, and of the rows to avoid.
    #[must_use]
    pub fn of(importance: i16, nearest: usize, avoided: i16) -> Self {
        let target = if importance > 0 { nearest.min(MOST_TARGETS) as u8 + 1 } else { 0 };
        Self(target | if avoided > 0 { Self::AVOIDED } else { 0 })
    }

    /// What it says of targets, or of rows to avoid, alone.
    #[must_use]
    pub fn of_kinds(self, targets: bool, avoid: bool) -> Self {
        let target = if targets { self.0 & !Self::AVOIDED } else { 0 };
        Self(target | if avoid { self.0 & Self::AVOIDED } else { 0 })
    }

    /// The place of the target that it resembles.
    #[must_use]
    pub fn target(self) -> Option<usize> {
        usize::from(self.0 & !Self::AVOIDED).checked_sub(1)
    }

    /// Whether it resembles the rows to avoid.
    #[must_use]
    pub fn is_avoided(self) -> bool {
        self.0 & Self::AVOIDED > 0
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "tests are not forked")]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// Some tables; the last equals the first.
    static TABLES: LazyLock<Vec<TargetTable>> = LazyLock::new(|| {
        let counts = |seed: u64| (0..2000_u64).map(move |i| (mix_two(seed, i), (i % 9) as u32));
        let ratio = |seed| TargetTable::Ratio(ImportanceRatio::new(counts(seed), counts(9)));
        [1, 2, 3, 1].map(ratio).to_vec()
    });

    proptest! {
        #[test]
        fn the_best_target_is_that_of_the_naive_search(
            places in prop::collection::vec(0..TABLES.len(), 1..5),
            row in prop::collection::vec(any::<u64>(), 0..9)
        ) {
            let tables: Vec<_> = places.into_iter().map(|place| TABLES[place].clone()).collect();
            let naive: Vec<i16> = tables.iter().map(|table| table.of(&row)).collect();
            let (value, place) = TargetTables::new(tables).expect("one at least").of(&row);
            prop_assert_eq!(Some(&value), naive.iter().max());
            prop_assert_eq!(Some(place), naive.iter().position(|&each| each == value));
        }

        #[test]
        fn a_likeness_keeps_what_it_was_made_of(
            importance in any::<i16>(), nearest in 0..MOST_TARGETS, avoided in any::<i16>()
        ) {
            let likeness = Likeness::of(importance, nearest, avoided);
            prop_assert_eq!(likeness.target(), (importance > 0).then_some(nearest));
            prop_assert_eq!(likeness.is_avoided(), avoided > 0);
            prop_assert_eq!(likeness.of_kinds(true, false), Likeness::of(importance, nearest, 0));
            prop_assert_eq!(likeness.of_kinds(false, true), Likeness::of(0, nearest, avoided));
        }
    }

    #[test]
    fn none_and_too_many_are_refused() {
        for count in [0, MOST_TARGETS + 1] {
            let refused =
                TargetTables::new(vec![TABLES[0].clone(); count]).expect_err("out of range");
            assert!(refused.to_string().contains("name from 1 to 100"), "{refused}");
        }
    }
}
