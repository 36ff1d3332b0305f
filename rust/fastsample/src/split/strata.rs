//! Strata of a split: each side has of each stratum its own number of rows.
//!
//! ```text
//!  population ─▶ partition: strata ─▶ allocation: rows of each ─▶ two-way rounding: of each side
//!  rows that stay together ─▶ the stratum that most of them are in ─▶ a side with room for them there
//! ```

use std::cmp::Reverse;

use super::exchange::Exchange;
use crate::draw::{GroupDraw, GroupsReport, Measured, Shares, allocation, largest};
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::select::{Allocated, Selection, Strata, two_way};

/// The strata of one side.
#[derive(Debug, Clone)]
pub struct SideStrata {
    /// Rows of each.
    pub groups: GroupsReport,
    /// Strata of which the side has more or fewer rows than its share, rounded up or down.
    pub off: u64,
    /// How many more or fewer, at most.
    pub furthest: u64,
}

/// What a split does with strata.
#[derive(Debug)]
pub(super) struct StrataOfSides {
    partition: Partition,
    /// The rows that each side is to have of each stratum, one stratum behind the other.
    cells: Vec<u64>,
    /// The rows of each side, and those of each stratum that are to be on sides.
    sizes: Vec<u64>,
    allocated: Allocated,
    /// Strata that no share was given to.
    unnamed: u64,
    /// A random number of each stratum.
    keys: Vec<u64>,
    /// The rows that count to each stratum.
    rows: Vec<u64>,
    /// The stratum that each group of rows that stay together counts to.
    homes: Vec<u32>,
    /// Groups with rows of several strata.
    pub(super) mixed: u64,
}

impl StrataOfSides {
    /// Divides sides of these numbers of rows among the strata of the sorted rows `numbered`, in groups
    /// of equal numbers.
    ///
    /// # Errors
    /// As [`Partition::new`] and [`crate::draw::divide`].
    pub(super) fn new(
        ctx: &Context,
        population: &Population,
        (by, shares): (&[String], &Shares),
        sizes: &[u64],
        numbered: &[(u64, u64)],
        seed: u64,
    ) -> Result<Self> {
        let partition = Partition::new(ctx, population, by)?;
        let count = partition.strata().rows().len();
        memory::require_rows::<[u64; 2]>((count * sizes.len()) as u64, "the rows of groups")?;
        let hash = RowHash::derive(seed, "split by");
        let keys: Vec<u64> = partition.hashes().into_iter().map(|values| hash.of(values)).collect();
        let (homes, rows, mixed) = homes(partition.strata(), &keys, numbered);
        let (formula, named) = allocation(ctx, &partition, shares)?;
        let all = sizes.iter().sum();
        let cells = two_way(sizes, &formula.divide(all, &rows)?.amounts, &keys);
        // What is reported goes by the rows of strata themselves.
        let allocated = formula.divide(all, partition.strata().rows())?;
        let unnamed = (count - named) as u64;
        let sizes = sizes.to_vec();
        Ok(Self { partition, cells, sizes, allocated, unnamed, keys, rows, homes, mixed })
    }

    /// The stratum of each row.
    pub(super) fn strata(&self) -> &Strata {
        self.partition.strata()
    }

    /// The rows that a side is to have of each stratum.
    pub(super) fn cells_of(&self, side: usize) -> Vec<u64> {
        self.cells.iter().skip(side).step_by(self.sizes.len()).copied().collect()
    }

    /// Exchanges groups of equally many rows among sides, so that each has its rows of each stratum as
    /// nearly as can be. The first `skipped` sides have none yet: what is theirs is on no side.
    pub(super) fn arrange(&self, numbered: &[(u64, u64)], skipped: usize, placed: &mut [u8]) {
        let mut left = Vec::with_capacity(self.rows.len() * (self.sizes.len() + 1));
        for (cells, &rows) in self.cells.chunks_exact(self.sizes.len()).zip(&self.rows) {
            let given: u64 = cells[skipped..].iter().sum();
            left.extend(std::iter::repeat_n(0, skipped));
            left.extend(cells[skipped..].iter().chain([&(rows - given)]).map(|&rows| rows as i64));
        }
        Exchange { sides: self.sizes.len(), keys: &self.keys, rows: &self.rows, left }.run(
            numbered,
            &self.homes,
            placed,
        );
    }

    /// What each side has of each stratum.
    ///
    /// # Errors
    /// Whatever reading the values of strata fails with.
    pub(super) fn report(&self, ctx: &Context, sides: &[Selection]) -> Result<Vec<SideStrata>> {
        let strata = self.strata();
        let shown = largest(ctx, &self.partition, &vec![0; strata.rows().len()])?;
        let of_side = |(side, rows): (usize, &Selection)| {
            let mut found = vec![0_u64; strata.rows().len()];
            rows.clone().into_ids().for_each(|row| found[strata.of(row) as usize] += 1);
            let (size, all) = (u128::from(self.sizes[side]), self.sizes.iter().sum::<u64>());
            let all = u128::from(all.max(1));
            let share = |amount: &u64| {
                let quota = size * u128::from(*amount);
                ((quota / all) as u64, quota.div_ceil(all) as u64)
            };
            let both = || found.iter().zip(self.allocated.amounts.iter().map(share));
            let off = both().map(|(&found, (down, up))| found.abs_diff(found.clamp(down, up)));
            let drawn = |group: &GroupDraw| {
                let known = self.partition.group_of(&group.values);
                GroupDraw { drawn: known.map_or(0, |known| found[known]), ..group.clone() }
            };
            let groups = GroupsReport {
                largest: shown.iter().map(drawn).collect(),
                count: found.len() as u64,
                measure: Measured::Rows,
                short: self.allocated.short,
                moved: self.allocated.moved,
                empty: both().filter(|(found, (down, _))| **found == 0 && *down > 0).count() as u64,
                unnamed: self.unnamed,
                windows: 1,
            };
            SideStrata {
                groups,
                off: off.clone().filter(|off| *off > 0).count() as u64,
                furthest: off.max().unwrap_or(0),
            }
        };
        Ok(sides.iter().enumerate().map(of_side).collect())
    }
}

/// The stratum that most rows of each group are in, of several the one of the smallest key; the rows
/// of the groups of each stratum; and how many groups have rows of several strata.
fn homes(strata: &Strata, keys: &[u64], numbered: &[(u64, u64)]) -> (Vec<u32>, Vec<u64>, u64) {
    let (mut homes, mut rows, mut mixed) = (Vec::new(), vec![0; keys.len()], 0);
    let mut of: Vec<u32> = Vec::new();
    for group in numbered.chunk_by(|a, b| a.0 == b.0) {
        of.clear();
        of.extend(group.iter().map(|&(_, row)| strata.of(row)));
        of.sort_unstable();
        let runs = of.chunk_by(|a, b| a == b);
        let home = runs.max_by_key(|run| (run.len(), Reverse(keys[run[0] as usize])));
        let home = home.map_or(0, |run| run[0]);
        mixed += u64::from(of.first() != of.last());
        rows[home as usize] += group.len() as u64;
        homes.push(home);
    }
    (homes, rows, mixed)
}
