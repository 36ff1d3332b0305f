//! `Strata`: rows in disjoint groups, of each of which its own number is drawn.

use std::ops::Range;
use std::sync::Mutex;

use arrow_buffer::BooleanBufferBuilder;

use super::Selection;
use crate::error::Result;
use crate::exec::{Context, fold, lock, map};

/// The stratum of a row that may not be drawn.
pub const NONE: u32 = u32::MAX;

/// Rows of strata that one task looks at, unless a single one has more: some milliseconds of work.
const ROWS_PER_TASK: usize = 1 << 16;

/// The stratum of each row.
///
/// Invariants: each is below the number of strata, or [`NONE`]; `rows` has the rows of each. There
/// are at most 2^32 rows.
#[derive(Debug, Clone)]
pub struct Strata {
    of: Vec<u32>,
    rows: Vec<u64>,
}

/// The rows of each stratum, one stratum behind the other.
#[derive(Debug, Clone)]
pub struct Members {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Members {
    /// The rows of a stratum, ascending.
    pub fn of(&self, stratum: usize) -> impl Iterator<Item = u64> {
        let start = stratum.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.rows[start..self.ends[stratum]].iter().map(|&row| u64::from(row))
    }
}

impl Strata {
    /// `count` strata; the one of each row.
    #[must_use]
    pub fn new(of: Vec<u32>, count: usize) -> Self {
        let mut rows = vec![0; count];
        of.iter().filter(|&&s| s != NONE).for_each(|&stratum| rows[stratum as usize] += 1);
        Self { of, rows }
    }

    /// The rows of each stratum.
    #[must_use]
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// The stratum of a row, or [`NONE`].
    #[must_use]
    pub fn of(&self, row: u64) -> u32 {
        self.of[row as usize]
    }

    /// These rows alone.
    #[must_use]
    pub fn among(&self, rows: &Selection) -> Self {
        let of = (0..).zip(&self.of).map(|(row, &of)| if rows.has(row) { of } else { NONE });
        Self::new(of.collect(), self.rows.len())
    }

    /// The stratum of each row, or [`NONE`].
    pub fn groups(&self) -> impl Iterator<Item = u32> {
        self.of.iter().copied()
    }

    /// Draws of each stratum the rows with the smallest keys, `amounts` of them.
    ///
    /// ```text
    /// sort the rows by stratum (counting sort), 4 bytes a row
    /// in each stratum, some at a time on each core: select the smallest keys
    /// ```
    ///
    /// Keys must be distinct. Requires `amounts` to be at most the rows of each stratum.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn draw<K: Ord>(
        &self,
        ctx: &Context,
        amounts: &[u64],
        key: impl Fn(u64) -> K + Sync,
    ) -> Result<Selection> {
        self.draw_window(ctx, amounts, 0, key)
    }

    /// As [`Strata::draw`], but the rows of window `window`: those behind the rows of the windows
    /// before. In each stratum the first row comes again behind the last.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn draw_window<K: Ord>(
        &self,
        ctx: &Context,
        amounts: &[u64],
        window: u64,
        key: impl Fn(u64) -> K + Sync,
    ) -> Result<Selection> {
        debug_assert!(amounts.iter().zip(&self.rows).all(|(amount, rows)| amount <= rows));
        let mut sorted = self.sorted();
        let (mut tasks, mut rest) = (Vec::new(), sorted.as_mut_slice());
        for (strata, _) in self.tasks() {
            let rows: u64 = self.rows[strata.clone()].iter().sum();
            let (mine, others) = rest.split_at_mut(rows as usize);
            tasks.push(Mutex::new((strata, mine)));
            rest = others;
        }
        fold(
            ctx,
            tasks.len(),
            || (),
            |(), task| {
                let mut task = lock(&tasks[task]);
                let (strata, rows) = &mut *task;
                let mut rows = &mut **rows;
                for stratum in strata.clone() {
                    let (mine, others) = rows.split_at_mut(self.rows[stratum] as usize);
                    let amount = amounts[stratum];
                    if 0 < amount && amount < self.rows[stratum] {
                        let first = u128::from(window) * u128::from(amount);
                        let first = (first % u128::from(self.rows[stratum])) as usize;
                        to_front(mine, first, amount as usize, &key);
                    }
                    rows = others;
                }
                Ok(())
            },
            |(), ()| (),
        )?;
        drop(tasks);
        let mut bits = BooleanBufferBuilder::new(self.of.len());
        bits.append_n(self.of.len(), false);
        let mut start = 0;
        for (&rows, &amount) in self.rows.iter().zip(amounts) {
            let chosen = &sorted[start..start + amount as usize];
            chosen.iter().for_each(|&row| bits.set_bit(row as usize, true));
            start += rows as usize;
        }
        Ok(Selection::of_bits(bits.finish()))
    }

    /// The mean of the weights of the rows of each stratum, rounded down, but above 0 if one is.
    #[must_use]
    pub fn means(&self, weight: impl Fn(u64) -> u32) -> Vec<u32> {
        let mut sums = vec![0_u64; self.rows.len()];
        for (row, &stratum) in (0..).zip(&self.of) {
            if let Some(sum) = sums.get_mut(stratum as usize) {
                *sum += u64::from(weight(row));
            }
        }
        let mean = |(sum, rows): (u64, &u64)| match (sum / (*rows).max(1)) as u32 {
            0 => u32::from(sum > 0),
            mean => mean,
        };
        sums.into_iter().zip(&self.rows).map(mean).collect()
    }

    /// The rows of each stratum, to be looked up.
    #[must_use]
    pub fn members(&self) -> Members {
        let mut start = 0;
        let mut next = |rows: &u64| {
            start += *rows as usize;
            start
        };
        let ends = self.rows.iter().map(&mut next).collect();
        Members { rows: self.sorted(), ends }
    }

    /// What `each` makes of the number and the rows of each stratum, in the order of strata.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`], and those of `each`.
    pub fn map<T: Send>(
        &self,
        ctx: &Context,
        each: impl Fn(usize, &[u32]) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let sorted = self.sorted();
        let tasks = self.tasks();
        let found = map(ctx, tasks.len(), |task| {
            let (strata, mut first) = tasks[task].clone();
            let mut found = Vec::with_capacity(strata.len());
            for stratum in strata {
                let end = first + self.rows[stratum] as usize;
                found.push(each(stratum, &sorted[first..end])?);
                first = end;
            }
            Ok(found)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Strata for each task, and where the rows of the first begin among all.
    fn tasks(&self) -> Vec<(Range<usize>, usize)> {
        let (mut tasks, mut first, mut start) = (Vec::new(), 0, 0);
        while first < self.rows.len() {
            let (mut end, mut rows) = (first, 0);
            while end < self.rows.len() && (rows == 0 || rows < ROWS_PER_TASK) {
                rows += self.rows[end] as usize;
                end += 1;
            }
            tasks.push((first..end, start));
            (first, start) = (end, start + rows);
        }
        tasks
    }

    /// The rows of the strata, one after the other.
    fn sorted(&self) -> Vec<u32> {
        let mut next = Vec::with_capacity(self.rows.len());
        let mut total = 0;
        for rows in &self.rows {
            next.push(total);
            total += *rows as usize;
        }
        let mut sorted = vec![0; total];
        for (row, &stratum) in (0_u32..).zip(&self.of) {
            if let Some(place) = next.get_mut(stratum as usize) {
                sorted[*place] = row;
                *place += 1;
            }
        }
        sorted
    }

    /// 1 / the probability with which each row of `selection` was drawn uniformly, `amounts` of each
    /// stratum; ascending by row.
    #[must_use]
    pub fn weights(&self, amounts: &[u64], selection: &Selection) -> Vec<f64> {
        let mut ids = Vec::with_capacity(selection.len() as usize);
        selection.extend_ids(0..selection.rows(), &mut ids);
        let weight = |id: &u64| {
            let stratum = self.of[*id as usize] as usize;
            self.rows[stratum] as f64 / amounts[stratum] as f64
        };
        ids.iter().map(weight).collect()
    }
}

/// Brings the `amount` rows from rank `first` on to the front; behind the last rank comes the first.
fn to_front<K: Ord>(rows: &mut [u32], first: usize, amount: usize, key: &impl Fn(u64) -> K) {
    let select = |rows: &mut [u32], place: usize| {
        if 0 < place && place < rows.len() {
            rows.select_nth_unstable_by_key(place, |&row| key(u64::from(row)));
        }
    };
    select(rows, first);
    match (first + amount).checked_sub(rows.len()) {
        None | Some(0) => select(&mut rows[first..], amount),
        Some(again) => select(&mut rows[..first], again),
    }
    rows.rotate_left(first);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::RowHash;

    proptest! {
        #[test]
        fn each_stratum_gives_its_smallest(
            of in prop::collection::vec(prop::option::weighted(0.9, 0_u32..20), 1..2000),
            shares in prop::collection::vec(0.0..=1.0, 20), seed: u64, threads in 1_usize..4,
            window in prop_oneof![Just(0), 0_u64..9, any::<u64>()]
        ) {
            let strata = Strata::new(of.iter().map(|s| s.unwrap_or(NONE)).collect(), 20);
            let amounts: Vec<u64> =
                strata.rows().iter().zip(&shares).map(|(rows, s)| (*rows as f64 * s) as u64).collect();
            let hash = RowHash::new(seed);
            let ctx = Context::new(Some(threads));
            let drawn = strata.draw_window(&ctx, &amounts, window, |row| hash.of(row));
            let drawn = drawn.expect("not cancelled");
            let mut found = Vec::new();
            drawn.extend_ids(0..drawn.rows(), &mut found);
            let mut expected: Vec<u64> = Vec::new();
            for (stratum, &amount) in (0_u32..).zip(&amounts) {
                let mut rows: Vec<u64> =
                    (0..of.len() as u64).filter(|&row| of[row as usize] == Some(stratum)).collect();
                rows.sort_by_key(|&row| hash.of(row));
                if amount > 0 {
                    let first = u128::from(window) * u128::from(amount) % rows.len() as u128;
                    rows.rotate_left(first as usize);
                }
                expected.extend(&rows[..amount as usize]);
            }
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn many_strata_are_several_tasks() {
        let rows = 3 * ROWS_PER_TASK as u32;
        let strata = Strata::new((0..rows).map(|row| row / 3).collect(), rows as usize / 3);
        let ctx = Context::new(Some(3));
        let drawn = strata.draw(&ctx, &vec![1; rows as usize / 3], |row| row % 3).expect("sound");
        assert_eq!(drawn.len(), u64::from(rows) / 3);
        assert!((0..u64::from(rows)).all(|row| drawn.has(row) == (row % 3 == 0)));
    }
}
