//! Cross-validation: how well a classifier tells rows that it has not seen from those of the source.
//!
//! ```text
//! both sides in FOLDS parts; for each part: learn from the others, judge the part
//! separation = share of the pairs (a row of the kind, a row of the source) of a part in which the
//!              first has the higher odds, equal odds counting half: the area under the ROC curve
//! ```
//!
//! 1/2 is chance: rows of the kind are like the rows of the source. All sums are whole numbers.

use std::ops::Range;

use super::classifier::Classifier;
use crate::error::Result;
use crate::exec::{Context, fold};

/// Parts that rows are cut into.
const FOLDS: usize = 4;

/// Rows of a side that are needed to say anything.
const LEAST: usize = 8;

/// Rows of the source that are used: enough to tell a share of pairs to a hundredth.
const MOST_OF_SOURCE: usize = 8192;

/// The separation of some rows from those of the source, given by their classes in random order;
/// none where one side has too few.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn separation(ctx: &Context, kind: &[Vec<u16>], source: &[Vec<u16>]) -> Result<Option<f64>> {
    let source = &source[..source.len().min(MOST_OF_SOURCE)];
    if kind.len().min(source.len()) < LEAST {
        return Ok(None);
    }
    let pairs = fold(
        ctx,
        FOLDS,
        Pairs::default,
        |pairs, part| {
            let (kind, unseen) = without(kind, part);
            let (source, others) = without(source, part);
            let learned = Classifier::learn(ctx, &kind, &source)?;
            let odds = |rows: &[Vec<u16>]| rows.iter().map(|row| learned.judge(row)).collect();
            pairs.add(&odds(unseen), odds(others));
            Ok(())
        },
        |pairs, other| {
            pairs.halves += other.halves;
            pairs.all += other.all;
        },
    )?;
    Ok(Some(pairs.halves as f64 / (2 * pairs.all) as f64))
}

/// The rows of all parts but one, and those of that part. Neighbours have like hashes, so copies are
/// in one part.
fn without(rows: &[Vec<u16>], part: usize) -> (Vec<&[u16]>, &[Vec<u16>]) {
    let Range { start, end } = rows.len() * part / FOLDS..rows.len() * (part + 1) / FOLDS;
    let seen = rows[..start].iter().chain(&rows[end..]).map(Vec::as_slice);
    (seen.collect(), &rows[start..end])
}

/// Pairs of rows, and halves of those whose first has the higher odds: two of each, one of equals.
#[derive(Debug, Default)]
struct Pairs {
    halves: u64,
    all: u64,
}

impl Pairs {
    fn add(&mut self, kind: &Vec<i64>, mut source: Vec<i64>) {
        source.sort_unstable();
        for odds in kind {
            let lower = source.partition_point(|other| other < odds);
            let not_higher = source.partition_point(|other| other <= odds);
            self.halves += (lower + not_higher) as u64;
        }
        self.all += kind.len() as u64 * source.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::mix_two;

    /// Rows of 30 classes, of which `own` hundredths are from a part of the classes that others lack.
    fn rows(many: u64, seed: u64, own: u64) -> Vec<Vec<u16>> {
        let class = |row: u64, place: u64| {
            let random = mix_two(mix_two(seed, row), place);
            let is_own = random % 100 < own;
            (random >> 8) as u16 % 4000 + if is_own { 4000 } else { 0 }
        };
        (0..many).map(|row| (0..30).map(|place| class(row, place)).collect()).collect()
    }

    fn found(kind: &[Vec<u16>], source: &[Vec<u16>], threads: usize) -> Option<f64> {
        separation(&Context::new(Some(threads)), kind, source).expect("not cancelled")
    }

    #[test]
    fn rows_of_a_kind_are_told_and_rows_like_the_source_are_not() {
        let source = rows(2000, 1, 0);
        let own = found(&rows(200, 2, 40), &source, 1).expect("rows enough");
        let some = found(&rows(200, 2, 20), &source, 1).expect("rows enough");
        let none = found(&rows(200, 2, 0), &source, 1).expect("rows enough");
        assert!(own > 0.9 && some < own && none < some, "{own}, {some}, {none}");
        assert!((none - 0.5).abs() < 0.1, "{none}");
        assert_eq!(found(&rows(7, 2, 40), &source, 1), None);
        assert_eq!(found(&source, &[], 1), None);
    }

    #[test]
    fn threads_change_no_bit() {
        let (kind, source) = (rows(90, 2, 3), rows(700, 1, 0));
        let one = found(&kind, &source, 1).expect("rows enough");
        for threads in [2, 3, 7] {
            assert_eq!(found(&kind, &source, threads).map(f64::to_bits), Some(one.to_bits()));
        }
    }

    proptest! {
        #[test]
        fn pairs_are_counted_like_one_by_one(
            kind in prop::collection::vec(-5_i64..5, 0..20), source in prop::collection::vec(-5_i64..5, 0..20)
        ) {
            let naive: u64 = kind
                .iter()
                .flat_map(|a| source.iter().map(move |b| 1 + u64::from(a > b) - u64::from(a < b)))
                .sum();
            let mut pairs = Pairs::default();
            pairs.add(&kind, source.clone());
            prop_assert_eq!((pairs.halves, pairs.all), (naive, (kind.len() * source.len()) as u64));
        }

        #[test]
        fn every_row_is_judged_once(many in 0_usize..50) {
            let rows: Vec<Vec<u16>> = (0..many as u16).map(|row| vec![row]).collect();
            let judged: Vec<_> = (0..FOLDS).flat_map(|part| without(&rows, part).1.to_vec()).collect();
            prop_assert_eq!(&judged, &rows);
            for part in 0..FOLDS {
                let (seen, unseen) = without(&rows, part);
                prop_assert!(unseen.iter().all(|row| !seen.contains(&row.as_slice())));
                prop_assert_eq!(seen.len() + unseen.len(), many);
            }
        }
    }
}
