//! Near-duplicates of each row, counted by shared MinHash bands, and exact copies.

use crate::error::Result;
use crate::exec::{Context, fold_on};
use crate::hash::Repeated;
use crate::select::Selection;
use crate::select::fixed_point::log2;
use crate::sketch::minhash::BANDS;

/// Most cores on which bands are counted: each needs 12 bytes a row meanwhile.
pub(crate) const WORKERS: usize = 4;

/// For each row: the estimated number of rows like it, itself included, times [`BANDS`].
///
/// A band of MinHash values matches between two rows of Jaccard similarity J with probability J^4,
/// so the mean over bands of "rows that share this band" estimates the sum of J^4 over all rows:
/// a count of near-duplicates in which nearer ones weigh more. The minimum over bands would find
/// exact copies only. Counts are exact, not sketched: the rows that share a band are brought
/// together, a band at a time.
///
/// With them come the rows of equal `exact` hashes.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn find(ctx: &Context, bands: &[Vec<u32>; BANDS], exact: &[u64]) -> Result<(Vec<u32>, Copies)> {
    let (mut counts, copies, _) = fold_on(
        ctx,
        WORKERS,
        BANDS + 1,
        || (vec![0_u32; exact.len()], Copies::default(), Repeated::default()),
        |(others, copies, repeated), task| {
            match task.checked_sub(1) {
                // What takes longest comes first.
                None => *copies = Copies::find(exact, repeated),
                Some(band) => count_others(others, bands[band].iter().copied(), repeated),
            }
            Ok(())
        },
        |(others, copies, _), (more, found, _)| {
            add(others, &more);
            if !found.rows.is_empty() {
                *copies = found;
            }
        },
    )?;
    counts.iter_mut().for_each(|others| *others = others.saturating_add(BANDS as u32));
    Ok((counts, copies))
}

/// Adds to each row's sum the number of other rows that have its hash.
pub(crate) fn count_others(
    sums: &mut [u32],
    hashes: impl Iterator<Item = u32> + Clone,
    repeated: &mut Repeated,
) {
    for group in groups(repeated.find(keys(hashes))) {
        for &key in group {
            let sum = &mut sums[key as u32 as usize];
            *sum = sum.saturating_add(group.len() as u32 - 1);
        }
    }
}

/// Adds the sums of another worker.
pub(crate) fn add(sums: &mut [u32], more: &[u32]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
}

/// As many rows as a group of near-duplicates counts for, times [`BANDS`]: one and a half, because
/// they are not the same. Of the same rows no two are drawn, whatever they weigh.
const GROUP: u64 = BANDS as u64 * 3 / 2;

/// `log2` of the factor of a row: 1.5 / (number of rows like it) and at most 1, of a count by
/// [`find`].
#[must_use]
pub fn log_factor(count: u32) -> i64 {
    (log2(GROUP) - log2(u64::from(count.max(1)))).min(0)
}

/// The estimated number of rows like a row, itself included, of a count by [`find`].
#[must_use]
pub fn estimate(count: u32) -> f32 {
    (count as f32 / BANDS as f32).max(1.0)
}

/// Rows as keys: a hash of 32 bits above, the number of the row below.
pub(crate) fn keys(hashes: impl Iterator<Item = u32> + Clone) -> impl Iterator<Item = u64> + Clone {
    hashes.zip(0..).map(|(hash, row)| u64::from(hash) << 32 | row)
}

fn is_alike(a: u64, b: u64) -> bool {
    a >> 32 == b >> 32
}

/// The keys of two or more rows with the same hash, hash by hash, of keys in ascending order.
pub(crate) fn groups(keys: &[u64]) -> impl Iterator<Item = &[u64]> {
    keys.chunk_by(|&a, &b| is_alike(a, b)).filter(|group| group.len() > 1)
}

/// Groups of two or more rows with equal texts.
#[derive(Debug, Clone, Default)]
pub struct Copies {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Copies {
    fn find(exact: &[u64], repeated: &mut Repeated) -> Self {
        let mut copies = Self::default();
        // Half of the hash, next to the row, sorts fast; the other half settles the rest.
        let found = repeated.find(keys(exact.iter().map(|hash| (hash >> 32) as u32)));
        for group in found.chunk_by_mut(|&a, &b| is_alike(a, b)).filter(|group| group.len() > 1) {
            let whole = |key: &u64| exact[*key as u32 as usize];
            group.sort_by_key(whole);
            for equal in group.chunk_by(|a, b| whole(a) == whole(b)) {
                if equal.len() > 1 {
                    copies.rows.extend(equal.iter().map(|&key| key as u32));
                    copies.ends.push(copies.rows.len());
                }
            }
        }
        copies
    }

    /// The groups of rows whose hashes are equal.
    pub(crate) fn of(exact: &[u64]) -> Self {
        Self::find(exact, &mut Repeated::default())
    }

    /// The groups in which each row names the first of its group; none if one does not.
    pub(crate) fn of_firsts(firsts: &[u32]) -> Option<Self> {
        let is_later = |key: &u64| (key >> 32) as u32 != *key as u32;
        let mut later: Vec<u64> = keys(firsts.iter().copied()).filter(is_later).collect();
        later.sort_unstable();
        let mut copies = Self::default();
        for group in later.chunk_by(|&a, &b| is_alike(a, b)) {
            let first = (group[0] >> 32) as u32;
            let is_first = firsts.get(first as usize) == Some(&first);
            if !is_first || first > group[0] as u32 {
                return None;
            }
            copies.rows.push(first);
            copies.rows.extend(group.iter().map(|&key| key as u32));
            copies.ends.push(copies.rows.len());
        }
        Some(copies)
    }

    /// For each of all rows the first of its group; of one that has no copies, itself.
    pub(crate) fn firsts(&self, rows: usize) -> Vec<u32> {
        let mut firsts: Vec<u32> = (0..rows as u32).collect();
        for group in self.groups() {
            let first = group.iter().copied().min().unwrap_or_default();
            group.iter().for_each(|&row| firsts[row as usize] = first);
        }
        firsts
    }

    /// The groups.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.rows[start..end])
    }

    /// Rows among those selected that are copies of another one of them, one of each group not
    /// counted.
    pub(crate) fn count_among(&self, rows: &Selection) -> u64 {
        let selected =
            |group: &[u32]| group.iter().filter(|&&row| rows.has(u64::from(row))).count();
        self.groups().map(|group| selected(group).saturating_sub(1) as u64).sum()
    }

    /// Rows that are copies of another row, one of each group not counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.rows.len() - self.ends.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::select::fixed_point::ONE;

    proptest! {
        #[test]
        fn counts_are_the_naive_ones(
            values in prop::collection::vec(prop::array::uniform8(0_u32..4), 1..60), threads in 1_usize..4
        ) {
            let bands = std::array::from_fn(|band| values.iter().map(|row| row[band]).collect());
            let exact = vec![0; values.len()];
            let found = find(&Context::new(Some(threads)), &bands, &exact).expect("not cancelled").0;
            for (a, found) in values.iter().zip(found) {
                let same = |b: &[u32; 8]| std::iter::zip(a, b).filter(|(a, b)| a == b).count() as u32;
                let naive: u32 = values.iter().map(same).sum();
                prop_assert_eq!(naive, found);
                let factor = log_factor(found) as f64 / ONE as f64;
                let expected = (1.5 / (f64::from(naive) / 8.0)).min(1.0).log2();
                prop_assert!((factor - expected).abs() < 1e-3);
            }
        }

        #[test]
        fn copies_are_the_naive_ones(
            low in prop::collection::vec(0_u64..9, 0..60), threads in 1_usize..4
        ) {
            // Equal upper halves, so that the lower ones decide.
            let exact: Vec<u64> = low.iter().map(|low| (low % 3) << 32 | low).collect();
            let bands = std::array::from_fn(|_| vec![0; low.len()]);
            let ctx = Context::new(Some(threads));
            let (_, copies) = find(&ctx, &bands, &exact).expect("not cancelled");
            let firsts = copies.firsts(exact.len());
            let again = Copies::of_firsts(&firsts).expect("rows of groups");
            let sorted = |copies: &Copies| {
                let mut groups: Vec<Vec<u32>> = copies.groups().map(<[_]>::to_vec).collect();
                groups.sort();
                groups
            };
            let found = sorted(&copies);
            prop_assert_eq!(&sorted(&again), &found);
            let rows_of = |value: u64| {
                let rows = exact.iter().zip(0_u32..);
                rows.filter(|(hash, _)| **hash & 15 == value).map(|(_, row)| row).collect()
            };
            let mut naive: Vec<Vec<u32>> = (0..9).map(rows_of).filter(|rows: &Vec<u32>| rows.len() > 1).collect();
            naive.sort();
            prop_assert_eq!(copies.count() as usize, naive.iter().map(|g| g.len() - 1).sum::<usize>());
            prop_assert_eq!(found, naive);
        }
    }

    #[test]
    fn rows_that_name_no_first_row_are_no_groups() {
        assert_eq!(Copies::of_firsts(&[0, 0, 2, 2]).map(|copies| copies.count()), Some(2));
        for damaged in [&[1, 0][..], &[0, 9], &[2, 1, 2], &[0, 0, 1], &[u32::MAX]] {
            assert!(Copies::of_firsts(damaged).is_none(), "{damaged:?}");
        }
    }
}
