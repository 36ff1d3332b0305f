//! Two-way rounding: a table of whole numbers with given sums of rows and of columns.
//!
//! ```text
//!               side 1   side 2            side 1   side 2
//!  stratum a      2.7      0.3      3        3        0
//!  stratum b      2.7      0.3      3  ─▶    2        1
//!  stratum c      3.6      0.4      4        4        0
//!                  9        1                9        1
//! ```
//!
//! Each cell is its share rounded down or up, and up with the probability of its fraction, so that
//! no row has a better chance of a side for being in a large stratum. As long as there is a cycle of
//! cells with fractions, alternating between a stratum and a side, one is raised and the next lowered
//! by the same amount, until a cell is whole: dependent rounding (Gandhi, Khuller, Parthasarathy,
//! Srinivasan 2006).

use crate::hash::RowHash;

/// A stratum with cells that are no whole numbers.
#[derive(Debug)]
struct Unrounded {
    stratum: usize,
    /// Sides, and what their cells have above a whole number, in its units.
    fractions: Vec<(usize, u64)>,
}

/// A cell of a cycle: where its stratum is among the open ones, and its side.
type Cell = (usize, usize);

/// The rows of each side in each stratum, one stratum behind the other: `sides[k] * strata[s] / all`,
/// rounded down or up, such that sides and strata have their numbers of rows.
///
/// `keys` are random numbers, one of each stratum, that decide which cells are rounded up.
///
/// Requires sides and strata to have equal sums.
#[must_use]
pub fn two_way(sides: &[u64], strata: &[u64], keys: &[u64]) -> Vec<u64> {
    let all: u64 = sides.iter().sum();
    debug_assert_eq!(all, strata.iter().sum::<u64>());
    let unit = u128::from(all.max(1));
    let (mut whole, mut fractions) = (Vec::new(), Vec::new());
    for &rows in strata {
        let share = |&side: &u64| u128::from(side) * u128::from(rows);
        whole.extend(sides.iter().map(|side| (share(side) / unit) as u64));
        fractions.extend(sides.iter().map(|side| (share(side) % unit) as u64));
    }
    round(whole, &fractions, all, sides.len(), keys)
}

/// The cells of a table of `wide` columns over `unit`, rounded down or up, such that the sums of rows and
/// of columns stay what they are.
///
/// Requires these sums to be multiples of `unit`.
#[must_use]
pub fn rounded(cells: &[u64], unit: u64, wide: usize, keys: &[u64]) -> Vec<u64> {
    let whole = cells.iter().map(|cell| cell / unit).collect();
    let fractions: Vec<u64> = cells.iter().map(|cell| cell % unit).collect();
    round(whole, &fractions, unit, wide, keys)
}

/// Whole numbers plus fractions over `unit`, as [`rounded`].
fn round(mut cells: Vec<u64>, fractions: &[u64], unit: u64, wide: usize, keys: &[u64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|&stratum| (keys[stratum], stratum));
    let mut open: Vec<Unrounded> = Vec::new();
    for stratum in order {
        let own = fractions[stratum * wide..][..wide].iter().copied().enumerate();
        let fractions: Vec<_> = own.filter(|(_, fraction)| *fraction > 0).collect();
        open.push(Unrounded { stratum, fractions });
        let coins = RowHash::new(keys[stratum]);
        let mut step = 0;
        while let Some(cycle) = cycle(&open, wide) {
            turn(&mut open, &cycle, unit, coins.of(step), |stratum, side| {
                cells[stratum * wide + side] += 1;
            });
            step += 1;
        }
        open.retain(|stratum| !stratum.fractions.is_empty());
    }
    debug_assert!(open.is_empty());
    cells
}

/// A cycle through the last stratum: cells of which every other one is to be raised, from the first.
/// There is none through the others.
fn cycle(open: &[Unrounded], sides: usize) -> Option<Vec<Cell>> {
    let (last, others) = open.split_last()?;
    let mut seen_side = vec![false; sides];
    let mut seen = vec![false; others.len()];
    for &(start, _) in &last.fractions {
        if seen_side[start] {
            continue;
        }
        // Where each side was come to from: a stratum, and the side before.
        let mut before: Vec<Option<Cell>> = vec![None; sides];
        let mut next = vec![start];
        seen_side[start] = true;
        while let Some(side) = next.pop() {
            if side != start && last.fractions.iter().any(|&(end, _)| end == side) {
                let mut found = vec![(others.len(), side)];
                let mut at = side;
                while let Some((stratum, from)) = before[at] {
                    found.extend([(stratum, at), (stratum, from)]);
                    at = from;
                }
                found.push((others.len(), start));
                return Some(found);
            }
            for (place, stratum) in others.iter().enumerate() {
                if seen[place] || !stratum.fractions.iter().any(|&(there, _)| there == side) {
                    continue;
                }
                seen[place] = true;
                for &(there, _) in &stratum.fractions {
                    if !seen_side[there] {
                        seen_side[there] = true;
                        before[there] = Some((place, side));
                        next.push(there);
                    }
                }
            }
        }
    }
    None
}

/// Raises every other cell of a cycle and lowers the rest by as much, or the other way round, until
/// one is whole. On average none of them changes.
fn turn(
    open: &mut [Unrounded],
    cycle: &[Cell],
    unit: u64,
    coin: u64,
    mut one_more: impl FnMut(usize, usize),
) {
    let fraction = |&(place, side): &Cell| {
        let found = open[place].fractions.iter().find(|(there, _)| *there == side);
        found.map_or(0, |(_, fraction)| *fraction)
    };
    let (mut forth, mut back) = (unit, unit);
    for (place, cell) in cycle.iter().enumerate() {
        let (up, down) = (unit - fraction(cell), fraction(cell));
        let (up, down) = if place % 2 == 0 { (up, down) } else { (down, up) };
        (forth, back) = (forth.min(up), back.min(down));
    }
    let both = u128::from(forth) + u128::from(back);
    let is_forth = (u128::from(coin) * both) >> 64 < u128::from(back);
    for (place, &(stratum, side)) in cycle.iter().enumerate() {
        let Unrounded { stratum, fractions } = &mut open[stratum];
        let Some(at) = fractions.iter().position(|(there, _)| *there == side) else { continue };
        let fraction = &mut fractions[at].1;
        match (is_forth, (place % 2 == 0) == is_forth) {
            (true, true) => *fraction += forth,
            (true, false) => *fraction -= forth,
            (false, true) => *fraction += back,
            (false, false) => *fraction -= back,
        }
        if *fraction == unit {
            one_more(*stratum, side);
        }
        if *fraction == unit || *fraction == 0 {
            fractions.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows of strata, and of sides that have all of them together.
    fn case() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
        let strata = prop::collection::vec(prop_oneof![0_u64..4, 0_u64..50, 0_u64..1 << 40], 1..40);
        (strata, prop::collection::vec(1_u64..1000, 1..9)).prop_map(|(strata, weights)| {
            let (all, weight): (u64, u64) = (strata.iter().sum(), weights.iter().sum());
            let end = |weight_before: u64| {
                (u128::from(all) * u128::from(weight_before) / u128::from(weight)) as u64
            };
            let mut before = 0;
            let side = |own: &u64| {
                before += own;
                end(before) - end(before - own)
            };
            let sides = weights.iter().map(side).collect();
            (strata, sides)
        })
    }

    proptest! {
        #[test]
        fn sums_are_met_and_cells_are_rounded((strata, sides) in case(), seed: u64) {
            let hash = RowHash::new(seed);
            let keys: Vec<u64> = (0..strata.len() as u64).map(|stratum| hash.of(stratum)).collect();
            let cells = two_way(&sides, &strata, &keys);
            let all: u64 = sides.iter().sum();
            for (stratum, &rows) in strata.iter().enumerate() {
                let own = &cells[stratum * sides.len()..][..sides.len()];
                prop_assert_eq!(own.iter().sum::<u64>(), rows);
                for (&cell, &side) in own.iter().zip(&sides) {
                    let quota = u128::from(side) * u128::from(rows);
                    let (low, all) = (quota / u128::from(all.max(1)), u128::from(all));
                    let high = if all == 0 { 0 } else { quota.div_ceil(all) };
                    prop_assert!((low..=high).contains(&u128::from(cell)));
                }
            }
            for (side, &rows) in sides.iter().enumerate() {
                let column = cells.iter().skip(side).step_by(sides.len());
                prop_assert_eq!(column.sum::<u64>(), rows);
            }
        }
    }

    #[test]
    fn cells_are_rounded_up_as_often_as_their_fractions_say() {
        let (sides, strata) = ([12, 5, 3], [1, 1, 2, 3, 13]);
        let mut sums = [0_u32; 15];
        let trials = 20_000;
        for seed in 0..trials {
            let hash = RowHash::derive(seed, "keys");
            let keys: Vec<u64> = (0..5).map(|stratum| hash.of(stratum)).collect();
            let cells = two_way(&sides, &strata, &keys);
            cells.iter().zip(&mut sums).for_each(|(&cell, sum)| *sum += cell as u32);
        }
        for (place, &sum) in sums.iter().enumerate() {
            let expected = (sides[place % 3] * strata[place / 3]) as f64 / 20.0;
            let mean = f64::from(sum) / trials as f64;
            // Five standard deviations of a cell that is one of two numbers.
            assert!((mean - expected).abs() < 2.5 / (trials as f64).sqrt(), "{place}: {mean}");
        }
    }

    #[test]
    fn many_strata_and_sides() {
        let (sides, strata) = ([5_000; 20], vec![1; 100_000]);
        let keys: Vec<u64> = (0..100_000).map(|stratum| RowHash::new(7).of(stratum)).collect();
        let cells = two_way(&sides, &strata, &keys);
        let column = |side| cells.iter().skip(side).step_by(20).sum::<u64>();
        assert!((0..20).all(|side| column(side) == 5_000));
    }
}
