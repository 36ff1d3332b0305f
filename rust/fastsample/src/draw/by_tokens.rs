//! Rows by their tokens, in the order of a uniform draw, of a column of weights, or of a rule.

use super::column::weighed;
use super::counted::TokensDrawn;
use super::plan::DrawPlan;
use super::ranked::rank;
use super::weighted::choose;
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::Selection;
use crate::smart::{Ranking, SmartReport};
use crate::tokens::{self, Measure, Order, TokenLimits, UniformOrder};

/// What makes a row come before another.
pub(super) enum Ranks {
    /// Chance alone.
    Alike,
    /// A column of weights.
    Weights(RowWeights),
    /// A rule, times a column of weights if the plan names one.
    Rule(Box<Ranking>),
}

impl Ranks {
    /// What the plan ranks rows by, and the rows that may be drawn.
    ///
    /// # Errors
    /// As [`rank`].
    pub(super) fn new(
        ctx: &Context,
        population: Population,
        plan: &DrawPlan,
    ) -> Result<(Population, Self)> {
        if plan.weight.rule.is_some() {
            let (population, ranking) = rank(ctx, population, plan)?;
            return Ok((population, Self::Rule(Box::new(ranking))));
        }
        let (population, weights) = weighed(ctx, population, plan)?;
        Ok((population, weights.map_or(Self::Alike, Self::Weights)))
    }

    /// The rows `ids`, and what a rule found of them.
    ///
    /// # Errors
    /// As [`Selection::of_ids`].
    pub(super) fn chosen(
        &self,
        ids: &[u64],
        rows: u64,
    ) -> Result<(Selection, Option<SmartReport>)> {
        if let Self::Rule(ranking) = self {
            let (selection, report) = ranking.chosen(ids, 0..ranking.len())?;
            return Ok((selection, Some(report)));
        }
        Ok((Selection::of_ids(ids, rows)?, None))
    }
}

/// The order of a draw by a column of weights.
struct WeightedOrder<'a> {
    /// The rows that may be drawn: those of weight above 0.
    among: &'a Selection,
    weights: &'a RowWeights,
}

impl Order for WeightedOrder<'_> {
    fn rows(&self) -> u64 {
        self.among.len()
    }

    fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>> {
        memory::require_rows::<[u64; 2]>(count, "the ordinals")?;
        let (drawn, _) = choose(ctx, self.among, self.weights, count, first)?;
        let mut ids = Vec::with_capacity(count as usize);
        drawn.extend_ids(0..drawn.rows(), &mut ids);
        ids.sort_unstable_by_key(|&id| self.weights.candidate(id));
        Ok(ids)
    }
}

/// Draws n rows with a limit of tokens each, or rows until a budget of tokens is used up.
///
/// # Errors
/// [`crate::Error::Argument`] when there are not enough, and whatever reading fails with.
pub(super) fn draw(
    ctx: &Context,
    population: &Population,
    plan: &DrawPlan,
    rows: &Measure,
    limits: TokenLimits,
    ranks: &Ranks,
) -> Result<(Sample, TokensDrawn, Option<SmartReport>)> {
    let (among, seed) = (population.among(), plan.seed);
    let drawn = match ranks {
        Ranks::Alike => {
            tokens::draw(ctx, rows, &UniformOrder { among: among.clone(), seed }, limits)?
        }
        Ranks::Weights(weights) => {
            tokens::draw(ctx, rows, &WeightedOrder { among, weights }, limits)?
        }
        Ranks::Rule(ranking) => tokens::draw(ctx, rows, &**ranking, limits)?,
    };
    let (selection, report) = ranks.chosen(&drawn.ids, rows.source().rows())?;
    let sample = Sample::of_population(population.clone(), selection, seed, None)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    Ok((sample, TokensDrawn { tokens: drawn.tokens, too_long: drawn.too_long }, report))
}
