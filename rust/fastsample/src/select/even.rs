//! An order of several sequences that is even at every prefix: the chairman assignment problem.
//!
//! ```text
//! N rows in all, n of a sequence; k sequences that have rows; B = 1 - 1 / (2k - 2)
//! at every prefix of m rows a sequence has from m n / N - B to m n / N + B rows
//! so its r-th row has a first and a last place; at each place comes the row of the earliest last
//! one among those that may come
//! ```
//!
//! R. Tijdeman, *The chairman assignment problem*, Discrete Mathematics 32, 1980, shows that such an
//! order exists; the earliest deadline first then finds one (unit times: W. Horn, 1974).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::{Error, Result};

/// Rows in all, and sequences, of which 128 bits hold the products.
const MOST_ROWS: u64 = 1 << 53;
const MOST_SEQUENCES: usize = 1 << 16;

/// The sequence of the row at each place, as an iterator; a function of the numbers of rows alone.
#[derive(Debug, Clone)]
pub struct EvenOrder {
    rows: Vec<u64>,
    all: u64,
    /// 2k - 2.
    parts: u128,
    place: u64,
    /// Rows handed out of each sequence.
    given: Vec<u64>,
    /// Sequences whose next row may not come yet, by its first place.
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
    /// Sequences whose next row may come, by its last place; ties by number.
    open: BinaryHeap<Reverse<(u64, usize)>>,
}

impl EvenOrder {
    /// The order of sequences of `rows` rows each.
    ///
    /// # Errors
    /// [`Error::Argument`] for more than 2^53 rows, or 2^16 sequences.
    pub fn new(rows: &[u64]) -> Result<Self> {
        let all = rows.iter().fold(0_u64, |all, &rows| all.saturating_add(rows));
        if all > MOST_ROWS || rows.len() > MOST_SEQUENCES {
            return Err(Error::Argument(format!(
                "{all} rows of {} sources are asked for; at most {MOST_ROWS} of {MOST_SEQUENCES} \
                 can be mixed",
                rows.len()
            )));
        }
        let there: Vec<usize> = (0..rows.len()).filter(|&one| rows[one] > 0).collect();
        let parts = (2 * there.len()).saturating_sub(2).max(2) as u128;
        let (rows, given) = (rows.to_vec(), vec![0; rows.len()]);
        let (waiting, open) = (BinaryHeap::new(), BinaryHeap::new());
        let mut order = Self { rows, all, parts, place: 0, given, waiting, open };
        there.into_iter().for_each(|sequence| order.wait(sequence));
        Ok(order)
    }

    /// Puts the next row of a sequence among those that wait.
    fn wait(&mut self, sequence: usize) {
        // r <= m n / N + B, at the least m.
        let row = u128::from(self.given[sequence]) + 1;
        let least = u128::from(self.all) * (row * self.parts - self.parts + 1);
        let first = least.div_ceil(u128::from(self.rows[sequence]) * self.parts);
        self.waiting.push(Reverse((first as u64, sequence)));
    }

    /// The last place of the next row of a sequence.
    fn last_place(&self, sequence: usize) -> u64 {
        // r - 1 < m n / N - B, at the least m: there it must have come.
        let row = u128::from(self.given[sequence]) + 1;
        let bound = u128::from(self.all) * (row * self.parts - 1);
        (bound / (u128::from(self.rows[sequence]) * self.parts)) as u64 + 1
    }
}

impl Iterator for EvenOrder {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.place += 1;
        while let Some(&Reverse((first, sequence))) = self.waiting.peek() {
            if first > self.place && !self.open.is_empty() {
                break;
            }
            self.waiting.pop();
            self.open.push(Reverse((self.last_place(sequence), sequence)));
        }
        let Reverse((_, sequence)) = self.open.pop()?;
        self.given[sequence] += 1;
        if self.given[sequence] < self.rows[sequence] {
            self.wait(sequence);
        }
        Some(sequence)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The largest deviation of a sequence at a prefix, in units of 1 / (N (2k - 2)).
    fn check(rows: &[u64]) {
        let all: u64 = rows.iter().sum();
        let parts = (2 * rows.iter().filter(|&&n| n > 0).count() as u64).saturating_sub(2).max(2);
        let mut seen = vec![0_u64; rows.len()];
        for (sequence, place) in EvenOrder::new(rows).expect("few rows").zip(1_u64..) {
            seen[sequence] += 1;
            for (seen, n) in seen.iter().zip(rows) {
                let off = (seen * all).abs_diff(place * n);
                assert!(off * parts <= all * (parts - 1), "{rows:?} at {place}: {off} / {all}");
            }
        }
        assert_eq!(seen, rows);
    }

    proptest! {
        #[test]
        fn every_prefix_has_the_mixture(rows in prop::collection::vec(0_u64..60, 0..9)) {
            check(&rows);
        }

        #[test]
        fn of_very_different_numbers_too(
            rows in prop::collection::vec(prop::sample::select(vec![1_u64, 2, 7, 100, 2000]), 1..7)
        ) {
            check(&rows);
        }
    }

    #[test]
    fn it_is_pinned() {
        let order: Vec<usize> = EvenOrder::new(&[3, 5, 2]).expect("few rows").collect();
        assert_eq!(order, [1, 0, 1, 2, 0, 1, 1, 2, 0, 1]);
        assert!(EvenOrder::new(&[u64::MAX, 3]).is_err());
        assert_eq!(EvenOrder::new(&[0, 0]).expect("no rows").next(), None);
    }
}
