//! Draws with replacement: n independent draws, so that a row may come several times.

use super::column::weighed;
use super::counted::TokensDrawn;
use super::drawn::Drawn;
use super::plan::{Counting, DrawPlan};
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Amount, ArrivalOrder, Repeats};
use crate::smart::{Judging, RuleWeights, SmartReport};
use crate::tokens::{self, Measure, TokenLimits};

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
    let (population, chances) = Chances::new(ctx, population, plan)?;
    let (rows, n) = (population.source().rows(), population.asked(amount)?);
    memory::require_rows::<u32>(n.min(rows), "how often each row was drawn")?;
    let weight = |row| chances.of(row, &population);
    let repeats = Repeats::draw(ctx, rows, n, plan.seed, weight)?;
    let inverse = if plan.weights {
        memory::require_rows::<f64>(n, "the weights")?;
        let all: f64 = (0..rows).map(|row| f64::from(weight(row))).sum();
        Some(repeats.values(|row| all / (n as f64 * f64::from(weight(row)))))
    } else {
        None
    };
    let report = chances.judged.map(|judged| judged.report(&repeats.selection));
    let sample = Sample::of_repeats(population, repeats, plan.seed, inverse)?;
    Ok((plan.judged(sample, report.as_ref()), report))
}

/// As [`draw`], rows of at most some tokens each, or until the next would exceed a budget of tokens.
///
/// # Errors
/// As [`draw`] and [`tokens::draw_again`].
pub(super) fn draw_by_tokens(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    limits: TokenLimits,
    counting: &Counting,
) -> Result<Drawn> {
    let (population, chances) = Chances::new(ctx, population, plan)?;
    let source = population.source();
    let measure =
        Measure::new(ctx, source.clone(), plan.text.as_deref(), counting.tokenizer.clone())?;
    let (rows, seed) = (source.rows(), plan.seed);
    let order = ArrivalOrder { rows, seed, weight: |row| chances.of(row, &population) };
    let drawn = tokens::draw_again(ctx, &measure, &order, limits)?;
    let repeats = Repeats::of_ids(drawn.ids, rows)?;
    let smart = chances.judged.map(|judged| judged.report(&repeats.selection));
    let sample = Sample::of_repeats(population, repeats, seed, None)?;
    let sample = sample.with_text(measure.text().clone()).with_inputs(measure.inputs());
    let tokens = Some(TokensDrawn { tokens: drawn.tokens, too_long: drawn.too_long });
    let sample = plan.judged(sample, smart.as_ref());
    Ok(Drawn { smart, tokens, notes: measure.notes(), ..Drawn::of(sample) })
}

/// What the chance of a row is in proportion to.
struct Chances {
    weights: Option<RowWeights>,
    judged: Option<RuleWeights>,
}

impl Chances {
    /// Those of a plan, and the rows that may be drawn.
    fn new(ctx: &Context, population: Population, plan: &DrawPlan) -> Result<(Population, Self)> {
        let (population, weights) = weighed(ctx, population, plan)?;
        let judge = |rule| {
            let factors = weights.as_ref().map(RowWeights::all);
            let (source, among) = (population.source(), population.among());
            RuleWeights::new(ctx, &Judging { source, among, seed: plan.seed, rule, factors })
        };
        let judged = plan.weight.rule.as_ref().map(judge).transpose()?;
        Ok((population, Self { weights, judged }))
    }

    /// The weight of a row of a population: 0 for one that may not be drawn.
    fn of(&self, row: u64, population: &Population) -> u32 {
        match (&self.judged, &self.weights) {
            (Some(judged), _) => judged.alone(row),
            (None, Some(weights)) => weights.of(row),
            (None, None) => u32::from(population.among().has(row)),
        }
    }
}
