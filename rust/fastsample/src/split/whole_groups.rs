//! Subset sums: sides of a split made of whole groups, exact or as near to it as groups allow.
//!
//! ```text
//!  sides in order: exact ones, then the smallest first; the largest gets what is left if the
//!                  sides are to have all rows
//!  prefix     each side takes groups in their random order until some rows are missing: at first
//!             a few times the largest group, then more, at last RESERVE
//!  exact      depth-first search over numbers of groups of each size, all sides together
//!  nearest    else, side by side: all sums that the groups left can make, by dynamic programming
//!             (bounded subset sum), and of these the nearest
//! ```
//!
//! A group that is larger than each side of shares of the whole has the largest side for itself, and
//! the other sides share what is left.
//!
//! Groups of one size are alike, so only their number counts; which of them a side gets is decided
//! by their random order. The search is complete for a source of up to [`RESERVE`] rows a side,
//! unless it takes more than [`BUDGET`] steps.

use std::collections::BTreeMap;

/// Rows of a side that are left to the search: more than enough for any sum of usual groups.
const RESERVE: u64 = 1 << 14;

/// Steps of the exact search.
const BUDGET: usize = 1 << 17;

/// Sizes times sides that the exact search may go down.
const DEEPEST: usize = 2048;

/// Sizes times sums that are looked at for one side: a second or so.
const LARGEST_TABLE: u64 = 1 << 28;

/// What a side is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Rows.
    pub rows: u64,
    /// Whether another number of rows is an error.
    pub is_exact: bool,
}

/// A side that whole groups can't make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Miss {
    /// Which side.
    pub(super) side: usize,
    /// The largest possible number of rows below what is wanted.
    pub(super) below: Option<u64>,
    /// The smallest possible number of rows above.
    pub(super) above: Option<u64>,
}

/// The side of each group, given the rows of each group.
pub(super) fn assign(groups: &[u64], sides: &[Side]) -> Result<Vec<Option<usize>>, Miss> {
    match giant(groups, sides) {
        Some((group, side, others)) => {
            let mut small = groups.to_vec();
            small.remove(group);
            let behind = |other: usize| other + usize::from(other >= side);
            let found =
                assign(&small, &others).map_err(|miss| Miss { side: behind(miss.side), ..miss })?;
            let mut placed: Vec<_> = found.into_iter().map(|side| side.map(behind)).collect();
            placed.insert(group, Some(side));
            Ok(placed)
        }
        None => assign_groups(groups, sides),
    }
}

/// A group that is larger than each side of shares that are to have all rows; the largest side,
/// which has it alone; and the other sides, which share what is left in proportion.
fn giant(groups: &[u64], sides: &[Side]) -> Option<(usize, usize, Vec<Side>)> {
    let wanted: u64 = sides.iter().map(|side| side.rows).sum();
    let all: u64 = groups.iter().sum();
    let (group, &rows) = groups.iter().enumerate().max_by_key(|(_, rows)| **rows)?;
    let (side, largest) = sides.iter().enumerate().max_by_key(|(_, side)| side.rows)?;
    let are_shares = wanted == all && sides.iter().all(|side| !side.is_exact);
    if !are_shares || sides.len() < 2 || rows <= largest.rows {
        return None;
    }
    let (left, weights) = (u128::from(all - rows), u128::from(wanted - largest.rows));
    let (mut before, mut others) = (0, Vec::with_capacity(sides.len() - 1));
    for (_, other) in sides.iter().enumerate().filter(|(other, _)| *other != side) {
        let ends = |weight: u64| (u128::from(weight) * left / weights.max(1)) as u64;
        others.push(Side { rows: ends(before + other.rows) - ends(before), ..*other });
        before += other.rows;
    }
    others.iter().all(|side| side.rows > 0).then_some((group, side, others))
}

fn assign_groups(groups: &[u64], sides: &[Side]) -> Result<Vec<Option<usize>>, Miss> {
    let mut order: Vec<usize> = (0..sides.len()).collect();
    order.sort_by_key(|&side| (!sides[side].is_exact, sides[side].rows));
    let all: u64 = groups.iter().sum();
    let rest = (sides.iter().map(|side| side.rows).sum::<u64>() == all).then(|| order.pop());
    let rest = rest.flatten();

    let mut placed = vec![None; groups.len()];
    let chosen = match exactly(groups, sides, &order, &mut placed) {
        Ok(chosen) => chosen,
        Err(missing) => nearest(&mut Free::new(groups, &placed), sides, &order, &missing, rest)?,
    };
    let mut left: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for group in (0..groups.len()).rev().filter(|&group| placed[group].is_none()) {
        left.entry(groups[group]).or_default().push(group);
    }
    for (&side, chosen) in order.iter().zip(chosen) {
        for (size, count) in chosen {
            let groups = left.entry(size).or_default();
            let kept = groups.len().saturating_sub(count as usize);
            groups.drain(kept..).for_each(|group| placed[group] = Some(side));
        }
    }
    if let Some(rest) = rest {
        let free = placed.iter_mut().filter(|side| side.is_none());
        if free.map(|side| *side = Some(rest)).count() == 0 {
            return Err(Miss { side: rest, below: None, above: None });
        }
    }
    Ok(placed)
}

/// What each side takes behind its prefix, or the rows that each then lacks.
///
/// The search prefers large groups, so it gets no more rows than it needs: sides are made of groups
/// in random order but for the last ones.
fn exactly(
    groups: &[u64],
    sides: &[Side],
    order: &[usize],
    placed: &mut [Option<usize>],
) -> Result<Vec<Chosen>, Vec<u64>> {
    let largest = groups.iter().max().copied().unwrap_or_default();
    let few = [4, 64].map(|times: u64| largest.saturating_mul(times));
    let mut missing = Vec::new();
    for reserve in few.into_iter().filter(|few| *few < RESERVE).chain([RESERVE]) {
        placed.fill(None);
        missing = take_prefix(groups, sides, order, reserve, placed);
        if let Some(chosen) = Free::new(groups, placed).exactly(&missing) {
            return Ok(chosen);
        }
    }
    Err(missing)
}

/// Gives each side groups in their order, up to `reserve` rows before its end; returns the rows
/// that each then lacks.
fn take_prefix(
    groups: &[u64],
    sides: &[Side],
    order: &[usize],
    reserve: u64,
    placed: &mut [Option<usize>],
) -> Vec<u64> {
    let mut next = 0;
    let fill = |&side: &usize| {
        let mut missing = sides[side].rows;
        while missing > reserve && next < groups.len() {
            let rows = groups[next];
            if rows + reserve <= missing {
                placed[next] = Some(side);
                missing -= rows;
            } else if rows <= reserve {
                break;
            }
            next += 1;
        }
        missing
    };
    order.iter().map(fill).collect()
}

/// Numbers of groups of each size.
type Chosen = Vec<(u64, u64)>;

/// The sums nearest to what sides lack, side by side.
fn nearest(
    free: &mut Free,
    sides: &[Side],
    order: &[usize],
    missing: &[u64],
    rest: Option<usize>,
) -> Result<Vec<Chosen>, Miss> {
    let mut found = Vec::with_capacity(order.len());
    for (place, (&side, &missing)) in order.iter().zip(missing).enumerate() {
        let Side { rows, is_exact } = sides[side];
        let has = rows - missing;
        let later = order.len() - place - 1 + usize::from(rest.is_some());
        let sums = Sums::new(free, missing, free.rows().saturating_sub(later as u64));
        let (below, above) = sums.around(missing, has == 0);
        let best = match (below, above) {
            (Some(below), Some(above)) if above - missing < missing - below => Some(above),
            (below, above) => below.or(above),
        };
        match best {
            Some(best) if best == missing || !is_exact => found.push(sums.take(free, best)),
            _ => {
                let total = |sum: u64| has + sum;
                return Err(Miss { side, below: below.map(total), above: above.map(total) });
            }
        }
    }
    Ok(found)
}

/// Groups that are on no side: how many there are of each size, the largest first.
#[derive(Debug, Clone)]
struct Free(Vec<(u64, u64)>);

impl Free {
    fn new(groups: &[u64], placed: &[Option<usize>]) -> Self {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for (&rows, _) in groups.iter().zip(placed).filter(|(_, side)| side.is_none()) {
            *counts.entry(rows).or_default() += 1;
        }
        Self(counts.into_iter().rev().collect())
    }

    fn rows(&self) -> u64 {
        self.0.iter().map(|(size, count)| size * count).sum()
    }

    /// Groups that have exactly so many rows for each side, if the search finds them.
    fn exactly(&self, missing: &[u64]) -> Option<Vec<Chosen>> {
        if self.0.len() * missing.len() > DEEPEST {
            return None;
        }
        let mut search = Search {
            free: self.0.clone(),
            missing,
            chosen: vec![Vec::new(); missing.len()],
            steps: 0,
        };
        let first = missing.first().copied().unwrap_or(0);
        search.go(0, 0, first).then_some(search.chosen)
    }
}

/// A depth-first search: side by side, size by size, as many groups of a size as possible first.
struct Search<'a> {
    free: Vec<(u64, u64)>,
    missing: &'a [u64],
    chosen: Vec<Chosen>,
    steps: usize,
}

impl Search<'_> {
    fn go(&mut self, side: usize, place: usize, missing: u64) -> bool {
        self.steps += 1;
        if self.steps > BUDGET {
            return false;
        }
        if missing == 0 || side == self.missing.len() {
            let Some(&next) = self.missing.get(side + 1) else { return true };
            return self.go(side + 1, 0, next);
        }
        let Some(&(rows, count)) = self.free.get(place) else { return false };
        for taken in (0..=count.min(missing / rows)).rev() {
            self.free[place].1 -= taken;
            self.chosen[side].push((rows, taken));
            if self.go(side, place + 1, missing - taken * rows) {
                return true;
            }
            self.chosen[side].pop();
            self.free[place].1 += taken;
        }
        false
    }
}

/// The sums that groups can make, and by which group each was made first.
struct Sums {
    /// For each sum the place of a size, plus 1; 0 for a sum that can't be made.
    by: Vec<u32>,
}

impl Sums {
    /// All sums up to twice of what is wanted: none beyond is nearer than 0.
    fn new(free: &Free, wanted: u64, most: u64) -> Self {
        let most = most.min(2 * wanted.max(1));
        // The nearest from above may be a single group that is larger than that.
        let single = free.0.iter().rev().find(|(size, count)| *size >= wanted && *count > 0);
        let most = most.max(single.map_or(0, |(size, _)| *size));
        let places = free.0.iter().filter(|(size, _)| *size <= most).count() as u64;
        let most = if places * most > LARGEST_TABLE { wanted.min(most) } else { most };
        let mut by = vec![0_u32; most as usize + 1];
        let mut used = vec![0_u64; by.len()];
        by[0] = u32::MAX;
        for (place, &(size, count)) in (1_u32..).zip(&free.0) {
            let size = size as usize;
            used.fill(0);
            for sum in size..by.len() {
                if by[sum] == 0 && by[sum - size] > 0 && used[sum - size] < count {
                    by[sum] = place;
                    used[sum] = used[sum - size] + 1;
                }
            }
        }
        Self { by }
    }

    /// The nearest sums at or below, and at or above, what is wanted. Nothing is a sum, too, unless
    /// there must be some rows.
    fn around(&self, wanted: u64, some: bool) -> (Option<u64>, Option<u64>) {
        let least = u64::from(some);
        let can_be = |sum: &u64| self.by.get(*sum as usize).is_some_and(|&by| by > 0);
        let most = self.by.len() as u64;
        let below = (least..=wanted.min(most)).rev().find(can_be);
        (below, (wanted.max(least)..most).find(can_be))
    }

    /// Takes the groups of a sum out of `free`.
    fn take(&self, free: &mut Free, sum: u64) -> Chosen {
        let mut chosen = BTreeMap::new();
        let mut left = sum as usize;
        while left > 0 {
            let (size, count) = &mut free.0[self.by[left] as usize - 1];
            *count -= 1;
            *chosen.entry(*size).or_default() += 1;
            left -= *size as usize;
        }
        chosen.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
