//! A uniform draw by a key: which rows are drawn depends on a column, not on where they are.

use arrow_buffer::BooleanBuffer;

use super::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::partition::RowKeys;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::{Amount, Selection, at_rank};

/// Draws the rows of a population whose keys have the smallest numbers.
///
/// # Errors
/// As [`Population::count`] and [`RowKeys::all`]; [`Error::Argument`] where rows of one key would be
/// divided.
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    column: &str,
) -> Result<Sample> {
    let (n, keys) = (population.count(amount)?, RowKeys::new(column, plan.seed));
    let numbers = keys.all(ctx, &population)?;
    let (rows, among) = (population.source().rows(), population.among());
    let number = |row: u64| among.has(row).then(|| numbers[row as usize]);
    let last = at_rank(ctx, rows, n - 1, number, |number| number)?;
    let last = last.ok_or_else(|| Error::Internal(format!("{n} rows lack in {rows}")))?;
    let is_drawn = |row: usize| among.has(row as u64) && numbers[row] <= last;
    let bits = BooleanBuffer::collect_bool(numbers.len(), is_drawn);
    let chosen = Selection::of_bits(bits);
    if chosen.len() > n {
        let mut same = (0..rows).filter(|&row| number(row) == Some(last));
        let mut next = || same.next().unwrap_or_default();
        return Err(keys.divided(n, next(), next()));
    }
    Sample::of_population(population, chosen, plan.seed, None)
}
