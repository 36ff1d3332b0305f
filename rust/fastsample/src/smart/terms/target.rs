//! The target term: how well a row fits the rows that a user named, by one of two methods.

use super::classifier::Classifier;
use super::importance::ImportanceRatio;

/// What says how well a row fits the target.
#[derive(Debug, Clone)]
pub enum TargetTable {
    /// By the shares of each shingle in the target and in the source.
    Ratio(ImportanceRatio),
    /// By a classifier that has learned to tell them.
    Classifier(Classifier),
}

impl TargetTable {
    /// A hash of the table: rows that were judged by another one can't be compared.
    pub(crate) fn fingerprint(&self) -> u64 {
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
