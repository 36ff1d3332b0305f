//! Priority sampling by a column of weights.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::{Context, map, memory};
use crate::population::Population;
use crate::row_weights::{RowWeights, WeightColumn};
use crate::sample::Sample;
use crate::select::{Amount, Candidate, Selection, at_rank};

/// Rows looked at by one task: whole words of bits.
const ROWS_PER_TASK: u64 = 1 << 17;

/// Draws rows of a population by weight: those of smallest u / w, those of epochs before left out.
/// Rows of weight 0 are not drawn.
///
/// If the plan asks for it, the sample has a column of weights, see [`Candidate::inverse`].
///
/// # Errors
/// As [`RowWeights::new`] and [`Population::count`].
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    column: &WeightColumn,
) -> Result<Sample> {
    let weights = RowWeights::new(ctx, &population, column, plan.seed)?;
    let population = weights.population(population)?;
    let n = population.count(amount)?;
    let first = plan.epoch.saturating_mul(n);
    check_window(&population, first, n)?;
    let (selection, next) = choose(ctx, population.among(), &weights, n, first)?;
    if plan.weights {
        memory::require_rows::<(u64, f64)>(selection.len(), "the column of weights")?;
    }
    let inverse = plan.weights.then(|| inverses(&selection, next, &weights));
    Sample::of_population(population, selection, plan.seed, inverse)
}

/// Fails unless the ranks `first` to `first + n` are there.
///
/// # Errors
/// [`Error::Argument`].
pub(super) fn check_window(population: &Population, first: u64, n: u64) -> Result<()> {
    let end = first.saturating_add(n);
    if end > population.rows() {
        return Err(Error::Argument(format!(
            "rows {first} to {end} in the order of weights are asked for, but {}",
            population.described()
        )));
    }
    Ok(())
}

/// The rows of `among` of ranks `first` to `first + n` by weight, and the row of the next rank.
pub(crate) fn choose(
    ctx: &Context,
    among: &Selection,
    weights: &RowWeights,
    n: u64,
    first: u64,
) -> Result<(Selection, Option<Candidate>)> {
    let rows = among.rows();
    let candidate = |row| among.has(row).then(|| weights.candidate(row));
    let ranked = |rank| at_rank(ctx, rows, rank, candidate, Candidate::rank_key);
    let from = if first == 0 { None } else { ranked(first)? };
    let next = ranked(first + n)?;
    let is_drawn = |row| {
        candidate(row).is_some_and(|row| {
            from.is_none_or(|from| from <= row) && next.is_none_or(|next| row < next)
        })
    };
    let blocks = map(ctx, rows.div_ceil(ROWS_PER_TASK) as usize, |task| {
        let first = task as u64 * ROWS_PER_TASK;
        let len = ROWS_PER_TASK.min(rows - first) as usize;
        Ok(BooleanBuffer::collect_bool(len, |row| is_drawn(first + row as u64)))
    })?;
    let mut bits = BooleanBufferBuilder::new(rows as usize);
    blocks.iter().for_each(|block| bits.append_buffer(block));
    Ok((Selection::of_bits(bits.finish()), next))
}

/// 1 / the probability with which each row of `selection` was drawn, ascending by row.
fn inverses(selection: &Selection, next: Option<Candidate>, weights: &RowWeights) -> Vec<f64> {
    let mut ids = Vec::with_capacity(selection.len() as usize);
    selection.extend_ids(0..selection.rows(), &mut ids);
    ids.iter().map(|&row| weights.candidate(row).inverse(next)).collect()
}
