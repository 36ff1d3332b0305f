//! Draws with replacement: rows arrive at random times, and the first n arrivals are drawn.
//!
//! ```text
//!  row 0  ──×───────────×─×────▶ time      each row arrives again and again, at the rate of its
//!  row 1  ─────×───────────────▶           weight (a Poisson process)
//!  row 2  ───×──×─────×────────▶
//!                    │
//!                    the n-th arrival of all: what lies before it is drawn, as often as it arrived
//! ```
//!
//! The rows of the first n arrivals are n independent draws, in each of which a row comes with a
//! probability in proportion to its weight. So the draw is exactly n draws with replacement, and the
//! draw of n is a part of that of more. Each arrival depends on the seed and the ordinal of its row
//! alone: parts of a source merge in any order, and a source that has grown keeps its arrivals.
//!
//! Sources: J. F. C. Kingman, *Poisson Processes*, 1993 (superposition and colouring); N. Chamandy,
//! O. Muralidharan, A. Najmi, S. Naidu, *Estimating Uncertainty for Massive Data Streams*, 2012 (the
//! Poisson bootstrap: a number of copies of each row from its own key).

use std::cmp::Ordering;
use std::ops::Range;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// `2^64 P(K <= k)`, rounded down, of a Poisson variable K of mean 1, for k from 0 on.
const AT_MOST: [u64; 20] = [
    0x5e2d_58d8_b3bc_df1a,
    0xbc5a_b1b1_6779_be35,
    0xeb71_5e1d_c158_2dc2,
    0xfb23_9797_34a2_52f1,
    0xff10_25f5_9174_dc3d,
    0xffd9_0f3b_a405_5e19,
    0xfffa_8b71_fc72_c913,
    0xffff_540c_0914_b3c9,
    0xffff_ed1f_4aa8_f120,
    0xffff_fe21_6e64_1462,
    0xffff_ffd4_d85d_3183,
    0xffff_fffc_6da2_62b4,
    0xffff_ffff_ba12_d178,
    0xffff_ffff_fb07_c64c,
    0xffff_ffff_ffab_8ea5,
    0xffff_ffff_fffa_be22,
    0xffff_ffff_ffff_b11a,
    0xffff_ffff_ffff_fba1,
    0xffff_ffff_ffff_ffc5,
    0xffff_ffff_ffff_fffd,
];

/// When rows arrive.
///
/// ```text
/// key       = XXH3-64("arrivals", seed = XXH3-64(seed as 8 little-endian bytes))
/// u(i,t,j)  = XXH3-64(i, t and j as 8 little-endian bytes each, seed = key)
/// in the time from t to t + 1 row i arrives K times, a Poisson number of mean 1 by u(i,t,0),
/// at t + u(i,t,1) / 2^64, ..., t + u(i,t,K) / 2^64; divided by the weight of the row
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Arrivals {
    key: u64,
}

/// An arrival of a row.
///
/// Ordered by time, compared exactly in integers; ties by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The time in units of 2^-64, as if the weight were 1.
    at: u128,
    /// The weight of the row, which divides the time; above 0.
    weight: u32,
    row: u64,
    nth: u64,
}

impl Arrival {
    /// The row that arrives.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mine, theirs) =
            (self.at * u128::from(other.weight), other.at * u128::from(self.weight));
        let tie = || (self.row, self.nth).cmp(&(other.row, other.nth));
        mine.cmp(&theirs).then_with(tie)
    }
}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Arrivals {
    /// The arrivals of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { key: xxh3_64_with_seed(b"arrivals", xxh3_64(&seed.to_le_bytes())) }
    }

    fn number(self, row: u64, period: u64, nth: u64) -> u64 {
        let mut bytes = [0; 24];
        for (place, number) in bytes.chunks_exact_mut(8).zip([row, period, nth]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        xxh3_64_with_seed(&bytes, self.key)
    }

    /// The arrivals of a row of weight above 0, up to and with `last`; in no order.
    fn until(self, row: u64, weight: u32, last: Arrival, mut each: impl FnMut(Arrival)) {
        for period in 0.. {
            let arrival = |at: u64, nth| Arrival {
                at: u128::from(period) << 64 | u128::from(at),
                weight,
                row,
                nth,
            };
            if arrival(0, 0) > last {
                return;
            }
            let number = self.number(row, period, 0);
            let count = AT_MOST.iter().take_while(|&&bound| bound <= number).count() as u64;
            for nth in 1..=count {
                let found = arrival(self.number(row, period, nth), nth);
                if found <= last {
                    each(found);
                }
            }
        }
    }

    /// How often a row arrives up to and with `last`. A row of weight 0 never does.
    #[must_use]
    pub fn count(self, row: u64, weight: u32, last: Arrival) -> u32 {
        let mut count = 0;
        if weight > 0 {
            self.until(row, weight, last, |_| count += 1);
        }
        count
    }

    /// Adds the arrivals of some rows, each with its weight, behind `after` up to and with `last`.
    pub fn between(
        self,
        rows: impl Iterator<Item = (u64, u32)>,
        after: Option<Arrival>,
        last: Arrival,
        found: &mut Vec<Arrival>,
    ) {
        for (row, weight) in rows.filter(|(_, weight)| *weight > 0) {
            self.until(row, weight, last, |arrival| {
                found.extend(after.is_none_or(|after| arrival > after).then_some(arrival));
            });
        }
    }

    /// Looks for an arrival among those of some rows, each with its weight.
    pub fn look(self, rows: impl Iterator<Item = (u64, u32)>, between: &Between, seen: &mut Seen) {
        for (row, weight) in rows.filter(|(_, weight)| *weight > 0) {
            self.until(row, weight, between.range.end, |found| {
                if found < between.range.start {
                    seen.before += 1;
                } else {
                    seen.near.push(found);
                }
            });
        }
    }
}

/// The sum of the weights of some rows, and the largest of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct TotalWeight {
    /// The sum.
    pub sum: u64,
    /// The largest.
    pub largest: u32,
}

impl TotalWeight {
    /// Of rows of these weights.
    #[must_use]
    pub fn of(weights: impl Iterator<Item = u32>) -> Self {
        weights.fold(Self::default(), |all, weight| {
            all.merged(Self { sum: u64::from(weight), largest: weight })
        })
    }

    /// Of the rows of both.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, largest: self.largest.max(other.largest) }
    }
}

/// Two times between which the n-th arrival probably lies.
#[derive(Debug, Clone)]
pub struct Between {
    n: u64,
    range: Range<Arrival>,
}

impl Between {
    /// For rows of weight `total`, `tries` attempts having failed.
    #[must_use]
    pub fn new(n: u64, total: TotalWeight, tries: u32) -> Self {
        let mean = n as f64;
        // Six standard deviations, and then more.
        let margin = (6.0 * mean.sqrt() + 16.0) * f64::from(tries + 1).exp2() / 2.0;
        let time = |arrivals: f64| {
            let share = f64::from(total.largest) / total.sum.max(1) as f64;
            let at = (arrivals.max(0.0) * share * (u64::MAX as f64)) as u128;
            Arrival { at, weight: total.largest.max(1), row: 0, nth: 0 }
        };
        Self { n, range: time(mean - margin)..time(mean + margin) }
    }
}

/// Arrivals that were seen: mergeable.
#[derive(Debug, Default)]
pub struct Seen {
    before: u64,
    near: Vec<Arrival>,
}

impl Seen {
    /// Adds those of other rows.
    pub fn merge(&mut self, mut other: Self) {
        self.before += other.before;
        self.near.append(&mut other.near);
    }

    /// The n-th arrival, if it was seen.
    #[must_use]
    pub fn nth(mut self, between: &Between) -> Option<Arrival> {
        let place = between.n.checked_sub(self.before + 1)? as usize;
        let is_there = place < self.near.len();
        is_there.then(|| *self.near.select_nth_unstable(place).1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first n arrivals in plain words: of each row more than can be needed, sorted.
    fn naive(weights: &[u32], n: usize, seed: u64) -> Vec<u32> {
        let arrivals = Arrivals::new(seed);
        let mut all = Vec::new();
        for (row, &weight) in (0..).zip(weights).filter(|(_, weight)| **weight > 0) {
            let (mut mine, mut period) = (0, 0);
            while mine < n {
                let number = arrivals.number(row, period, 0);
                let count = AT_MOST.iter().filter(|&&bound| bound <= number).count() as u64;
                for nth in 1..=count {
                    let at =
                        u128::from(period) << 64 | u128::from(arrivals.number(row, period, nth));
                    all.push(Arrival { at, weight, row, nth });
                    mine += 1;
                }
                period += 1;
            }
        }
        all.sort_unstable();
        let mut counts = vec![0; weights.len()];
        all[..n].iter().for_each(|arrival| counts[arrival.row as usize] += 1);
        counts
    }

    proptest! {
        #[test]
        fn the_first_arrivals_are_the_naive_ones(
            weights in prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 1..40),
            n in 1_usize..300, seed: u64, narrow: bool, parts in 1_usize..5
        ) {
            let total = TotalWeight::of(weights.iter().copied());
            prop_assume!(total.sum > 0);
            let arrivals = Arrivals::new(seed);
            let rows: Vec<(u64, u32)> = (0..).zip(weights.iter().copied()).collect();
            let last = (0..).find_map(|tries| {
                let mut between = Between::new(n as u64, total, tries);
                if narrow && tries == 0 {
                    between.range.start = between.range.end;
                }
                let mut seen = Seen::default();
                for part in 0..parts {
                    let mut mine = Seen::default();
                    arrivals.look(rows.iter().copied().skip(part).step_by(parts), &between, &mut mine);
                    seen.merge(mine);
                }
                seen.nth(&between)
            });
            let last = last.expect("the search goes on");
            let found: Vec<u32> = rows.iter().map(|&(row, w)| arrivals.count(row, w, last)).collect();
            prop_assert_eq!(found.iter().sum::<u32>() as usize, n);
            prop_assert_eq!(found, naive(&weights, n, seed));
        }
    }

    #[test]
    fn numbers_are_pinned() {
        // Computed with the reference implementation (Python package xxhash).
        let arrivals = Arrivals::new(42);
        assert_eq!(arrivals.number(0, 0, 0), PINNED[0]);
        assert_eq!(arrivals.number(7, 1, 2), PINNED[1]);
    }

    const PINNED: [u64; 2] = [0xe403_2c06_942c_0408, 0xb5de_a059_3ab0_fe02];

    #[test]
    fn bounds_are_those_of_a_poisson_variable_of_mean_1() {
        let (mut term, mut sum) = ((-1_f64).exp(), 0.0);
        for (k, &bound) in (1..).zip(&AT_MOST) {
            sum += term;
            term /= f64::from(k);
            assert!((bound as f64 / u64::MAX as f64 - sum).abs() < 1e-15, "{k}");
        }
    }
}
