//! Draws with replacement: n independent draws, so that a row may come several times.

use super::column::weighed;
use super::plan::DrawPlan;
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Amount, Repeats};
use crate::smart::{Judging, RuleWeights, SmartReport};

/// Draws rows of a population with replacement: each of the draws takes any of its rows, with a
/// chance in proportion to its weight, if there are weights: of a column, of a rule, or the product.
/// By a rule one of rows of equal texts stands for all, and rows that are too short are not drawn.
///
/// If the plan asks for it, the sample has a column of weights: for each row the weight of all rows over n
/// times its own. Sums over the sample with these estimate sums over all rows of weight above 0
/// without bias (M. H. Hansen, W. N. Hurwitz, 1943).
///
/// # Errors
/// As [`weighed`], [`Population::asked`] and [`RuleWeights::new`].
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
) -> Result<(Sample, Option<SmartReport>)> {
    let (population, weights) = weighed(ctx, population, plan)?;
    let (rows, n) = (population.source().rows(), population.asked(amount)?);
    memory::require_rows::<u32>(n.min(rows), "how often each row was drawn")?;
    let among = population.among();
    let judge = |rule| {
        let factors = weights.as_ref().map(RowWeights::all);
        let by = Judging { source: population.source(), among, seed: plan.seed, rule, factors };
        RuleWeights::new(ctx, &by)
    };
    let judged = plan.weight.rule.as_ref().map(judge).transpose()?;
    let weight = |row| match (&judged, &weights) {
        (Some(judged), _) => judged.alone(row),
        (None, Some(weights)) => weights.of(row),
        (None, None) => u32::from(among.has(row)),
    };
    let repeats = Repeats::draw(ctx, rows, n, plan.seed, weight)?;
    let inverse = if plan.weights {
        memory::require_rows::<f64>(n, "the weights")?;
        let all: f64 = (0..rows).map(|row| f64::from(weight(row))).sum();
        Some(repeats.values(|row| all / (n as f64 * f64::from(weight(row)))))
    } else {
        None
    };
    let report = judged.map(|judged| judged.report(&repeats.selection));
    let sample = Sample::of_repeats(population, repeats, plan.seed, inverse)?;
    Ok((plan.judged(sample, report.as_ref()), report))
}
