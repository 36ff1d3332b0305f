//! Exchange of groups among sides: the same numbers of rows, other strata.
//!
//! ```text
//!  sides of whole groups ─▶ how many groups of each size a side has: that stays
//!  size by size, the largest first, and of a size the rarest strata first:
//!      a stratum's groups ─▶ sides, in proportion to the rows that they lack of it
//!  the smallest size: all strata at once, by two-way rounding
//! ```
//!
//! Smaller groups make up for what larger ones leave. Rounding is random and right on average, so
//! no group has a better chance of a side for its size.

use std::cmp::Reverse;

use super::placement::FREE;
use crate::hash::RowHash;
use crate::select::rounded;

/// What sides lack, while groups are put on them.
pub(super) struct Exchange<'a> {
    /// How many sides there are. One behind the last is no side.
    pub(super) sides: usize,
    /// A random number of each stratum.
    pub(super) keys: &'a [u64],
    /// The rows of each stratum.
    pub(super) rows: &'a [u64],
    /// The rows that each side lacks of each stratum, one stratum behind the other; the last of each
    /// are on no side.
    pub(super) left: Vec<i64>,
}

/// Groups of one size: the rank of the stratum, and the first row, of each.
type Alike<'a> = &'a [(Reverse<u32>, u32, u32)];

impl Exchange<'_> {
    /// Exchanges groups of the sorted rows `numbered` on the sides of `placed`; `homes` are the strata
    /// of groups.
    pub(super) fn run(mut self, numbered: &[(u64, u64)], homes: &[u32], placed: &mut [u8]) {
        let mut rarest: Vec<u32> = (0..self.rows.len() as u32).collect();
        rarest.sort_unstable_by_key(|&stratum| {
            (self.rows[stratum as usize], self.keys[stratum as usize], stratum)
        });
        let mut rank = vec![0_u32; rarest.len()];
        (0..).zip(&rarest).for_each(|(place, &stratum)| rank[stratum as usize] = place);
        let mut start = 0;
        let mut groups = Vec::with_capacity(homes.len());
        for (group, &home) in numbered.chunk_by(|a, b| a.0 == b.0).zip(homes) {
            let sides = &placed[start..start + group.len()];
            if sides.iter().all(|side| *side == sides[0]) {
                groups.push((Reverse(group.len() as u32), rank[home as usize], start as u32));
            } else {
                // A part of it is on a side, and the rest can't be.
                for &side in sides {
                    *self.lacks(home as usize, side) -= 1;
                }
            }
            start += group.len();
        }
        groups.sort_unstable();
        let mut sizes = groups.chunk_by(|a, b| a.0 == b.0).peekable();
        while let Some(alike) = sizes.next() {
            self.give(alike, &rarest, sizes.peek().is_none(), placed);
        }
    }

    fn lacks(&mut self, stratum: usize, side: u8) -> &mut i64 {
        let place = usize::from(side).min(self.sides);
        &mut self.left[stratum * (self.sides + 1) + place]
    }

    /// Gives each side as many of some groups as it has; the last make up for all that is left.
    fn give(&mut self, alike: Alike<'_>, rarest: &[u32], are_last: bool, placed: &mut [u8]) {
        let wide = self.sides + 1;
        let rows = u64::from(alike[0].0.0);
        let mut counts = vec![0_u64; wide];
        let side = |start: u32| usize::from(placed[start as usize]).min(wide - 1);
        alike.iter().for_each(|group| counts[side(group.2)] += 1);
        let strata = || alike.chunk_by(|a, b| a.1 == b.1);
        let strata_of: Vec<usize> =
            strata().map(|own| rarest[own[0].1 as usize] as usize).collect();
        let exact = are_last.then(|| self.exactly(&strata_of, rows)).flatten();
        for (place, (own, &stratum)) in strata().zip(&strata_of).enumerate() {
            let left = &mut self.left[stratum * wide..][..wide];
            let coin = RowHash::new(self.keys[stratum]).of(rows);
            let given = match &exact {
                Some(cells) => cells[place * wide..][..wide].to_vec(),
                None => apportion(own.len() as u64, rows, left, &counts, coin),
            };
            let mut next = own.iter().map(|group| group.2 as usize);
            for (side, given) in given.into_iter().enumerate() {
                counts[side] -= given;
                left[side] -= (given * rows) as i64;
                let name = if side == self.sides { FREE } else { side as u8 };
                for start in next.by_ref().take(given as usize) {
                    placed[start..start + rows as usize].fill(name);
                }
            }
        }
    }

    /// The groups of `rows` rows that each side lacks of these strata, if that is less than none nowhere
    /// and no other stratum lacks some.
    fn exactly(&self, strata: &[usize], rows: u64) -> Option<Vec<u64>> {
        let wide = self.sides + 1;
        let own = |stratum: &usize| &self.left[*stratum * wide..][..wide];
        let cells: Option<Vec<u64>> =
            strata.iter().flat_map(own).map(|&left| u64::try_from(left).ok()).collect();
        let all = self.left.iter().filter(|left| **left != 0).count();
        let cells = cells.filter(|cells| cells.iter().filter(|left| **left > 0).count() == all)?;
        let keys: Vec<u64> = strata.iter().map(|&stratum| self.keys[stratum]).collect();
        Some(rounded(&cells, rows, wide, &keys))
    }
}

/// How many of `n` groups of `rows` rows each side gets, in proportion to the rows that it lacks: rounded
/// down or up, with the probability of the fraction, as `coin` has it; no more than `most` of them.
fn apportion(n: u64, rows: u64, left: &[i64], most: &[u64], coin: u64) -> Vec<u64> {
    let weight = |side: usize| if most[side] > 0 { left[side].max(0) as u128 } else { 0 };
    let total: u128 = (0..left.len()).map(weight).sum();
    let (mut before, mut end) = (0, 0);
    let mut given: Vec<u64> = Vec::with_capacity(left.len());
    for (side, &most) in most.iter().enumerate() {
        before += weight(side);
        let quota = u128::from(n) * before;
        let carry = quota % total.max(1) * (1 << 32) / total.max(1) + u128::from(coin >> 32);
        let next = quota.checked_div(total).map_or(0, |down| (down + (carry >> 32)) as u64);
        given.push((next - end).min(most));
        end = next;
    }
    let mut missing = n - given.iter().sum::<u64>();
    while missing > 0 {
        let open = (0..given.len()).filter(|&side| given[side] < most[side]);
        let lacks = |side: &usize| left[*side] - (given[*side] * rows) as i64;
        let Some(side) = open.max_by_key(|side| (lacks(side), Reverse(*side))) else { break };
        given[side] += 1;
        missing -= 1;
    }
    given
}
