//! `Repeats`: the rows of a draw with replacement, and how often each was drawn.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::arrivals::{Arrival, Arrivals, Between, Seen, TotalWeight};
use super::{Selection, Strata};
use crate::error::{Error, Result};
use crate::exec::{Context, fold, map, memory};

/// Rows looked at by one task: whole words of bits.
const ROWS_PER_TASK: u64 = 1 << 16;

/// Rows that can be drawn with replacement. Times of arrivals are compared in 128 bits.
const MOST: u64 = 1 << 31;

/// The rows that were drawn, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// The rows, each once.
    pub selection: Selection,
    /// How often each of them was drawn, ascending by row; above 0.
    pub counts: Vec<u32>,
}

impl Repeats {
    /// Draws `n` of `rows` rows with replacement, by the weight of each: 0 for rows that may not be
    /// drawn.
    ///
    /// # Errors
    /// [`Error::Argument`] for too many rows, or if no row has a weight.
    pub fn draw(
        ctx: &Context,
        rows: u64,
        n: u64,
        seed: u64,
        weight: impl Fn(u64) -> u32 + Sync,
    ) -> Result<Self> {
        let order = ArrivalOrder { rows, seed, weight };
        let last = order.last(ctx, n, order.total(ctx)?)?;
        Self::until(ctx, rows, |row| Arrivals::new(seed).count(row, (order.weight)(row), last))
    }

    /// The rows `ids` of `rows`, in any order, each as often as it is among them.
    ///
    /// # Errors
    /// As [`Selection::of_ids`].
    pub fn of_ids(mut ids: Vec<u64>, rows: u64) -> Result<Self> {
        ids.sort_unstable();
        let counts = ids.chunk_by(|a, b| a == b).map(|same| same.len() as u32).collect();
        ids.dedup();
        Ok(Self { selection: Selection::of_ids(&ids, rows)?, counts })
    }

    /// As [`Repeats::draw`], of each stratum its own number of rows.
    ///
    /// # Errors
    /// As [`Repeats::draw`].
    pub fn of_strata(
        ctx: &Context,
        strata: &Strata,
        amounts: &[u64],
        seed: u64,
        weight: impl Fn(u64) -> u32 + Sync,
    ) -> Result<(Self, Vec<TotalWeight>)> {
        check(amounts.iter().sum())?;
        let arrivals = Arrivals::new(seed);
        let found = strata.map(ctx, |stratum, rows| {
            let weighed = || rows.iter().map(|&row| (u64::from(row), weight(u64::from(row))));
            let total = TotalWeight::of(weighed().map(|(_, weight)| weight));
            let look = |between: &Between| {
                ctx.check()?;
                let mut found = Seen::default();
                arrivals.look(weighed(), between, &mut found);
                Ok(found)
            };
            let n = amounts[stratum];
            Ok(((n > 0).then(|| last(n, total, look)).transpose()?, total))
        })?;
        let of: Vec<u32> = strata.groups().collect();
        let count = |row: u64| {
            let stratum = found.get(of[row as usize] as usize);
            let last = stratum.and_then(|(last, _)| *last);
            last.map_or(0, |last| arrivals.count(row, weight(row), last))
        };
        let repeats = Self::until(ctx, of.len() as u64, count)?;
        Ok((repeats, found.into_iter().map(|(_, total)| total).collect()))
    }

    fn until(ctx: &Context, rows: u64, count: impl Fn(u64) -> u32 + Sync) -> Result<Self> {
        let blocks = map(ctx, rows.div_ceil(ROWS_PER_TASK) as usize, |task| {
            let first = task as u64 * ROWS_PER_TASK;
            let mut counts = Vec::new();
            let bits = (first..rows.min(first + ROWS_PER_TASK)).map(|row| {
                let count = count(row);
                counts.extend((count > 0).then_some(count));
                count > 0
            });
            let bits: BooleanBuffer = bits.collect();
            Ok((bits, counts))
        })?;
        let (mut bits, mut counts) = (BooleanBufferBuilder::new(rows as usize), Vec::new());
        for (block, mut more) in blocks {
            bits.append_buffer(&block);
            counts.append(&mut more);
        }
        Ok(Self { selection: Selection::of_bits(bits.finish()), counts })
    }

    /// Rows drawn, each as often as it was.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// Whether no row was drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// A value for each row drawn, as often as it was, by the ordinal of the row.
    #[must_use]
    pub fn values<T: Copy>(&self, value: impl Fn(u64) -> T) -> Vec<T> {
        let mut ids = Vec::with_capacity(self.counts.len());
        self.selection.extend_ids(0..self.selection.rows(), &mut ids);
        let each = ids.into_iter().zip(&self.counts);
        each.flat_map(|(row, &count)| std::iter::repeat_n(value(row), count as usize)).collect()
    }
}

/// Rows in the order in which they are drawn with replacement, by the weight of each.
#[derive(Debug, Clone)]
pub struct ArrivalOrder<W> {
    /// All rows.
    pub rows: u64,
    /// The seed of the draw.
    pub seed: u64,
    /// The weight of a row: 0 for one that may not be drawn.
    pub weight: W,
}

impl<W: Fn(u64) -> u32 + Sync> ArrivalOrder<W> {
    /// Rows that can be drawn at most, each as often as it is.
    pub const MOST: u64 = MOST;

    /// The rows at the ranks from `first` on, `count` of them.
    ///
    /// # Errors
    /// As [`Repeats::draw`].
    pub fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>> {
        memory::require_rows::<[Arrival; 2]>(count, "the order of rows")?;
        let total = self.total(ctx)?;
        let after = if first == 0 { None } else { Some(self.last(ctx, first, total)?) };
        let last = self.last(ctx, first + count, total)?;
        let arrivals = Arrivals::new(self.seed);
        let mut found = fold(
            ctx,
            self.tasks(),
            Vec::new,
            |found, task| {
                arrivals.between(self.task(task), after, last, found);
                Ok(())
            },
            |found: &mut Vec<Arrival>, mut other| found.append(&mut other),
        )?;
        found.sort_unstable();
        Ok(found.iter().map(Arrival::row).collect())
    }

    fn total(&self, ctx: &Context) -> Result<TotalWeight> {
        fold(
            ctx,
            self.tasks(),
            TotalWeight::default,
            |total, task| {
                *total = total.merged(TotalWeight::of(self.task(task).map(|(_, weight)| weight)));
                Ok(())
            },
            |total, other| *total = total.merged(other),
        )
    }

    /// The arrival of rank `n`, from 1 on, of rows of weight `total`.
    fn last(&self, ctx: &Context, n: u64, total: TotalWeight) -> Result<Arrival> {
        check(n)?;
        last(n, total, |between| {
            fold(
                ctx,
                self.tasks(),
                Seen::default,
                |seen, task| {
                    Arrivals::new(self.seed).look(self.task(task), between, seen);
                    Ok(())
                },
                Seen::merge,
            )
        })
    }

    fn tasks(&self) -> usize {
        self.rows.div_ceil(ROWS_PER_TASK) as usize
    }

    /// The rows of a task, each with its weight.
    fn task(&self, task: usize) -> impl Iterator<Item = (u64, u32)> {
        let first = task as u64 * ROWS_PER_TASK;
        (first..self.rows.min(first + ROWS_PER_TASK)).map(|row| (row, (self.weight)(row)))
    }
}

fn check(n: u64) -> Result<()> {
    if n > MOST {
        return Err(Error::Argument(format!(
            "n is {n}; with replacement at most {MOST} rows can be drawn"
        )));
    }
    Ok(())
}

/// The n-th arrival, which `look` looks for between two times.
fn last(n: u64, total: TotalWeight, look: impl Fn(&Between) -> Result<Seen>) -> Result<Arrival> {
    if total.sum == 0 {
        return Err(Error::Internal("a draw from rows without a weight".into()));
    }
    for tries in 0..MOST_TRIES {
        let between = Between::new(n, total, tries);
        if let Some(last) = look(&between)?.nth(&between) {
            return Ok(last);
        }
    }
    Err(Error::Internal(format!("the arrival of rank {n} was not found")))
}

/// The margin doubles with each; 2^40 times six standard deviations is beyond all arrivals.
const MOST_TRIES: u32 = 40;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::select::strata::NONE;

    proptest! {
        #[test]
        fn draws_are_exact_nested_and_the_same_in_any_number_of_threads(
            weights in prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 1..400),
            n in 1_u64..900, more in 0_u64..900, seed: u64
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let draw = |n, threads| {
                let ctx = Context::new(Some(threads));
                let weight = |row: u64| weights[row as usize];
                let repeats = Repeats::draw(&ctx, weights.len() as u64, n, seed, weight);
                repeats.expect("not cancelled")
            };
            let few = draw(n, 1);
            prop_assert_eq!(few.len(), n);
            prop_assert_eq!(&draw(n, 3), &few);
            let many = draw(n + more, 2).values(|row| row);
            let ids = few.values(|row| row);
            let times = |ids: &[u64], row| ids.iter().filter(|&&id| id == row).count();
            prop_assert!(ids.iter().all(|&row| times(&ids, row) <= times(&many, row)));
            prop_assert!(ids.iter().all(|&row| weights[row as usize] > 0));
        }
    }

    proptest! {
        #[test]
        fn a_stratum_is_drawn_from_as_if_it_were_alone(
            of in prop::collection::vec(prop::option::weighted(0.9, 0_u32..5), 1..400),
            amounts in prop::collection::vec(0_u64..300, 5), seed: u64
        ) {
            let strata = Strata::new(of.iter().map(|s| s.unwrap_or(NONE)).collect(), 5);
            let amounts: Vec<u64> =
                strata.rows().iter().zip(&amounts).map(|(rows, n)| n * rows.min(&1)).collect();
            let ctx = Context::new(Some(3));
            let (repeats, totals) =
                Repeats::of_strata(&ctx, &strata, &amounts, seed, |_| 1).expect("not cancelled");
            let ids = repeats.values(|row| row);
            for (stratum, &n) in (0..).zip(&amounts) {
                prop_assert_eq!(totals[stratum as usize].sum, strata.rows()[stratum as usize]);
                if n > 0 {
                    let weight = |row: u64| u32::from(of[row as usize] == Some(stratum));
                    let alone = Repeats::draw(&ctx, of.len() as u64, n, seed, weight);
                    let alone = alone.expect("not cancelled").values(|row| row);
                    let mine = ids.iter().copied().filter(|&row| weight(row) > 0);
                    prop_assert_eq!(mine.collect::<Vec<_>>(), alone);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn windows_of_the_order_make_the_draw(
            weights in prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 1..200),
            counts in prop::collection::vec(1_u64..200, 1..6), seed: u64
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let (ctx, rows) = (Context::new(Some(2)), weights.len() as u64);
            let order = ArrivalOrder { rows, seed, weight: |row: u64| weights[row as usize] };
            let mut ids = Vec::new();
            for count in counts {
                ids.extend(order.at(&ctx, ids.len() as u64, count).expect("not cancelled"));
                let weight = |row: u64| weights[row as usize];
                let all = Repeats::draw(&ctx, rows, ids.len() as u64, seed, weight);
                let found = Repeats::of_ids(ids.clone(), rows).expect("rows that are there");
                let all = all.expect("not cancelled").values(|row| row);
                prop_assert_eq!(found.values(|row| row), all);
            }
        }
    }

    #[test]
    fn several_tasks_give_one_draw() {
        let rows = 3 * ROWS_PER_TASK + 7;
        let draw = |threads| Repeats::draw(&Context::new(Some(threads)), rows, rows, 5, |_| 1);
        let repeats = draw(4).expect("not cancelled");
        assert_eq!(repeats.len(), rows);
        assert_eq!(repeats, draw(1).expect("not cancelled"));
        // A share of 1 / e of the rows is left out.
        let left = 1.0 - repeats.counts.len() as f64 / rows as f64;
        assert!((left - (-1_f64).exp()).abs() < 0.01, "{left}");
        assert!(Repeats::draw(&Context::new(Some(1)), 5, MOST + 1, 5, |_| 1).is_err());
    }
}
