//! Draws by a rule: the best rows, or windows of a ranking of all rows.

use super::column::weighed;
use super::drawn::Drawn;
use super::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::{Sample, check_weights};
use crate::select::Amount;
use crate::smart::{self, Choice, Judging, Ranking, Rule};

/// Ranks the rows of a population by the rule of a plan, times a column of weights if it names one;
/// windows of the ranking are its epochs. Returns the rows that may be drawn, too.
///
/// # Errors
/// As [`draw`](super::draw()).
pub fn rank(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
) -> Result<(Population, Ranking)> {
    let Some(rule) = &plan.weight.rule else {
        return Err(Error::Internal("a ranking without a rule".into()));
    };
    let (population, weights) = weighed(ctx, population, plan)?;
    let factors = weights.as_ref().map(RowWeights::all);
    let (source, among) = (population.source(), population.among());
    let by = Judging { source, among, seed: plan.seed, rule, factors };
    let ranking = Ranking::new(ctx, &by)?;
    Ok((population.with_inputs(rule.inputs()), ranking))
}

/// The rows of an epoch of a ranking.
///
/// # Errors
/// As [`Population::count`]; [`Error::Argument`] behind the last row.
pub fn window(
    population: &Population,
    ranking: &Ranking,
    amount: Amount,
    epoch: u64,
    seed: u64,
) -> Result<Drawn> {
    let n = population.count(amount)?;
    let first = epoch.saturating_mul(n);
    let ranks = first..first.saturating_add(n);
    let (sample, report) = Sample::ranked(population.source().clone(), ranking, ranks, seed)?;
    Ok(Drawn { smart: Some(report), ..Drawn::of(sample) })
}

/// Draws by a rule, times a column of weights if the plan names one: the best rows, or those of a
/// later epoch.
///
/// # Errors
/// As [`super::draw()`].
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    rule: &Rule,
) -> Result<Drawn> {
    if plan.epoch > 0 {
        let (population, ranking) = rank(ctx, population, plan)?;
        return window(&population, &ranking, amount, plan.epoch, plan.seed);
    }
    let (population, weights) = weighed(ctx, population, plan)?;
    let factors = weights.as_ref().map(RowWeights::all);
    let (source, among) = (population.source(), population.among());
    let by = Judging { source, among, seed: plan.seed, rule, factors };
    let n = population.count(amount)?;
    check_weights(plan.weights, source.schema())?;
    let Choice { selection, weights, report } = smart::draw(ctx, &by, n, plan.weights)?;
    let sample = Sample::of_population(population, selection, plan.seed, weights)?;
    let sample = sample.with_text(report.text.clone()).with_inputs(rule.inputs());
    Ok(Drawn { smart: Some(report), ..Drawn::of(sample) })
}
