//! Stratified sampling: of each group of rows its own number, uniformly or by weight.
//!
//! ```text
//!  population ─▶ partition: groups ─▶ allocation: rows of each ─▶ the best rows of each group
//! ```

use super::column::weighed;
use super::division::{GroupsReport, divide};
use super::plan::{DrawPlan, Shares};
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Amount, Repeats, Strata};
use crate::smart::{self, Judging, SmartReport};

/// Draws rows of a population, of each group its own number.
///
/// # Errors
/// As [`Population::count`] and [`Partition::new`]; [`Argument`](crate::Error::Argument) for shares
/// that make no sense, or that leave too few rows; [`Column`](crate::Error::Column) where the column
/// of weights is there already.
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    by: &[String],
    shares: &Shares,
) -> Result<(Sample, GroupsReport, Option<SmartReport>)> {
    let seed = plan.seed;
    let (population, row_weights) = weighed(ctx, population, plan)?;
    let n = if plan.replace { population.asked(amount)? } else { population.count(amount)? };
    let partition = Partition::new(ctx, &population, by)?;
    let strata = partition.strata();
    let (amounts, groups) = divide(ctx, &partition, n, shares, plan.replace)?;
    if plan.replace {
        let weights = row_weights.as_ref();
        let sample = with_replacement(ctx, population, strata, &amounts, plan, weights)?;
        return Ok((sample, groups, None));
    }
    let (selection, found) = if let Some(rule) = &plan.weight.rule {
        let factors = row_weights.as_ref().map(RowWeights::all);
        let (source, among) = (population.source(), population.among());
        let by = Judging { source, among, seed, rule, factors };
        let choice = smart::draw_strata(ctx, &by, strata, &amounts, plan.epoch)?;
        (choice.selection, Some(choice.report))
    } else if let Some(weights) = &row_weights {
        let key = |row| weights.candidate(row);
        (strata.draw_window(ctx, &amounts, plan.epoch, key)?, None)
    } else {
        let hash = RowHash::new(seed);
        (strata.draw_window(ctx, &amounts, plan.epoch, |row| hash.of(row))?, None)
    };
    if plan.weights {
        memory::require_rows::<(u64, f64)>(selection.len(), "the column of weights")?;
    }
    let weights = plan.weights.then(|| strata.weights(&amounts, &selection));
    let sample = Sample::of_population(population, selection, seed, weights)?;
    Ok((plan.judged(sample, found.as_ref()), groups, found))
}

/// Draws of each group `amounts` rows with replacement; a column of weights has, for each row, the
/// weight of its group over the rows drawn from it times its own (Hansen and Hurwitz 1943).
fn with_replacement(
    ctx: &Context,
    population: Population,
    strata: &Strata,
    amounts: &[u64],
    plan: &DrawPlan,
    weights: Option<&RowWeights>,
) -> Result<Sample> {
    let weight = |row| weights.map_or(1, |weights| weights.of(row));
    let (repeats, totals) = Repeats::of_strata(ctx, strata, amounts, plan.seed, weight)?;
    let inverse = plan.weights.then(|| {
        let of: Vec<u32> = strata.groups().collect();
        repeats.values(|row| {
            let group = of[row as usize] as usize;
            totals[group].sum as f64 / (amounts[group] as f64 * f64::from(weight(row)))
        })
    });
    Sample::of_repeats(population, repeats, plan.seed, inverse)
}
