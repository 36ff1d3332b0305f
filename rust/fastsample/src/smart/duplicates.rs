//! How many rows are nearly the same as a row.

use super::features::{BANDS, Features};
use super::fixed::log2;
use crate::context::Context;
use crate::error::Result;
use crate::parallel::fold;

/// For each row: log2 of the estimated number of rows like it, itself included, in fixed point.
///
/// A band of MinHash values matches between two rows of Jaccard similarity J with probability J^4,
/// so the mean over bands of "rows that share this band" estimates the sum of J^4 over all rows:
/// a count of near-duplicates in which nearer ones weigh more. The minimum over bands would find
/// exact copies only. Counts are exact, not sketched: a band of all rows is sorted at a time.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn log_counts(ctx: &Context, features: &[Features]) -> Result<Vec<i64>> {
    let sums = fold(
        ctx,
        BANDS,
        Vec::new,
        |sums, band| {
            let counts = band_counts(features, band);
            add(sums, &counts);
            Ok(())
        },
        |sums, other| add(sums, &other),
    )?;
    Ok(sums.into_iter().map(|sum| log2(u64::from(sum)) - log2(BANDS as u64)).collect())
}

fn add(sums: &mut Vec<u32>, counts: &[u32]) {
    if sums.is_empty() {
        sums.extend(counts);
    } else if !counts.is_empty() {
        for (sum, &count) in sums.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
    }
}

/// For each row: how many rows share its value of a band.
fn band_counts(features: &[Features], band: usize) -> Vec<u32> {
    let mut keyed: Vec<u64> = features
        .iter()
        .zip(0_u64..)
        .map(|(features, row)| u64::from(features.bands[band]) << 32 | row)
        .collect();
    keyed.sort_unstable();
    let mut counts = vec![0; features.len()];
    for group in keyed.chunk_by(|a, b| a >> 32 == b >> 32) {
        for key in group {
            counts[*key as u32 as usize] = group.len() as u32;
        }
    }
    counts
}

/// For each row: is it a copy of a row that ranks before it?
///
/// `rank(row)` must be different for different rows; the lowest of equal rows is the original.
pub fn copies<K: Ord>(features: &[Features], rank: impl Fn(usize) -> K) -> Vec<bool> {
    let mut rows: Vec<u32> = (0..features.len() as u32).collect();
    rows.sort_unstable_by_key(|&row| features[row as usize].exact);
    let mut copies = vec![false; features.len()];
    for group in rows.chunk_by(|&a, &b| features[a as usize].exact == features[b as usize].exact) {
        if group.len() > 1 {
            let original = group.iter().copied().min_by_key(|&row| rank(row as usize));
            for &row in group {
                copies[row as usize] = Some(row) != original;
            }
        }
    }
    copies
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixed::ONE;
    use super::*;

    fn row(exact: u64, bands: [u32; BANDS]) -> Features {
        Features { exact, bands, chars: 1, shingles: 1, distinct: 1 }
    }

    proptest! {
        #[test]
        fn counts_are_the_naive_ones(
            values in prop::collection::vec(prop::array::uniform8(0_u32..4), 1..60), threads in 1_usize..4
        ) {
            let rows: Vec<Features> = values.iter().map(|&bands| row(0, bands)).collect();
            let counts = log_counts(&Context::new(Some(threads)), &rows).expect("not cancelled");
            for (a, found) in rows.iter().zip(counts) {
                let same = |b: &Features| std::iter::zip(a.bands, b.bands).filter(|(a, b)| a == b).count();
                let sum: usize = rows.iter().map(same).sum();
                let naive = (sum as f64 / BANDS as f64).log2();
                prop_assert!((naive - found as f64 / ONE as f64).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_best_of_equal_rows_is_the_original() {
        let rows = [7, 8, 7, 9, 7].map(|exact| row(exact, [0; BANDS]));
        let found = copies(&rows, |row| [5, 1, 3, 2, 4][row]);
        assert_eq!(found, [true, false, false, false, true]);
    }
}
