//! Groups of near-duplicates: a union-find over rows that share bands of their MinHash signatures.

use crate::error::Result;
use crate::exec::{Context, fold, memory};
use crate::hash::{Repeated, sorted};
use crate::sketch::minhash::BANDS;
use crate::smart::features::Features;
use crate::smart::terms::duplicates::{groups as groups_of, keys};

/// For each row a number that all rows of its group have, and no others: the smallest hash of the
/// texts in the group, so that it does not depend on where rows lie.
///
/// Two rows are near-duplicates if they share two bands or more of their MinHash signatures. The
/// groups are transitive: near-duplicates of near-duplicates are in one group. With a Jaccard
/// similarity J of the shingles a band is shared with probability p = J^4, and two of eight with
/// 1 - (1 - p)^8 - 8 p (1 - p)^7: 0.996 for J = 0.9, 0.90 for 0.8, 0.61 for 0.7, 0.09 for 0.5,
/// 0.002 for 0.3. One band would find more pairs and join rows that are not near-duplicates into
/// ever larger groups.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn groups(ctx: &Context, rows: &Features) -> Result<Vec<u64>> {
    let workers = ctx.threads().min(BANDS - 1) as u64;
    let counted = (rows.len() as u64).saturating_mul(workers + 1);
    memory::require_rows::<(u64, u32)>(counted, "the groups of near-duplicates")?;
    let (sets, _) = fold(
        ctx,
        BANDS - 1,
        || (UnionFind::new(rows.len()), Repeated::default()),
        |(sets, repeated), first| {
            for alike in groups_of(repeated.find(keys(rows.bands[first].iter().copied()))) {
                ctx.check()?;
                for band in &rows.bands[first + 1..] {
                    let again = alike.iter().map(|&key| {
                        let row = u64::from(key as u32);
                        u64::from(band[row as usize]) << 32 | row
                    });
                    groups_of(&sorted(again)).for_each(|group| sets.join(group));
                }
            }
            Ok(())
        },
        |(sets, _), (other, _)| sets.merge(other),
    )?;
    Ok(sets.smallest(&rows.exact))
}

/// Disjoint sets of rows. The root of a set is its first row.
struct UnionFind(Vec<u32>);

impl UnionFind {
    fn new(rows: usize) -> Self {
        Self((0..rows as u32).collect())
    }

    fn root(&mut self, mut row: u32) -> u32 {
        while self.0[row as usize] != row {
            let above = self.0[self.0[row as usize] as usize];
            self.0[row as usize] = above;
            row = above;
        }
        row
    }

    fn join(&mut self, keys: &[u64]) {
        for pair in keys.windows(2) {
            self.unite(pair[0] as u32, pair[1] as u32);
        }
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }

    fn merge(&mut self, other: Self) {
        (0_u32..).zip(other.0).for_each(|(row, above)| self.unite(row, above));
    }

    fn smallest(mut self, numbers: &[u64]) -> Vec<u64> {
        let mut found = numbers.to_vec();
        for row in 0..numbers.len() as u32 {
            let root = self.root(row) as usize;
            found[root] = found[root].min(numbers[row as usize]);
        }
        (0..numbers.len() as u32).map(|row| found[self.root(row) as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_are_the_naive_ones(
            values in prop::collection::vec(prop::array::uniform8(0_u32..6), 1..50), threads in 1_usize..4
        ) {
            let rows = Features {
                exact: (0..values.len() as u64).map(|row| row * 7919 % 1009).collect(),
                chars: vec![0; values.len()],
                bands: std::array::from_fn(|band| values.iter().map(|row| row[band]).collect()),
                ..Features::default()
            };
            let found = groups(&Context::new(Some(threads)), &rows).expect("not cancelled");
            // The smallest number spreads from near-copy to near-copy until nothing changes.
            let near = |a: &[u32; 8], b: &[u32; 8]| std::iter::zip(a, b).filter(|(a, b)| a == b).count() >= 2;
            let mut naive = rows.exact.clone();
            for _ in 0..values.len() {
                for (i, a) in values.iter().enumerate() {
                    for (j, b) in values.iter().enumerate() {
                        if near(a, b) {
                            naive[i] = naive[i].min(naive[j]);
                        }
                    }
                }
            }
            prop_assert_eq!(found, naive);
        }
    }
}
