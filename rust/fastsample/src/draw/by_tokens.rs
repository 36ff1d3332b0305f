//! Rows by their tokens, in the order of a uniform draw or of a ranking.

use super::plan::DrawPlan;
use crate::error::Result;
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::Selection;
use crate::smart::{Ranking, SmartReport};
use crate::tokens::{self, Measure, TokenLimits, UniformOrder};

/// The tokens of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokensDrawn {
    /// Tokens of all rows drawn.
    pub tokens: u64,
    /// Rows that were passed over, since they have too many; of whole groups, those that keep their
    /// groups from being drawn.
    pub too_long: u64,
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
    ranking: Option<&Ranking>,
) -> Result<(Sample, TokensDrawn, Option<SmartReport>)> {
    let (drawn, selection, report) = if let Some(ranking) = ranking {
        let drawn = tokens::draw(ctx, rows, ranking, limits)?;
        let (selection, report) = ranking.chosen(&drawn.ids, 0..ranking.len())?;
        (drawn, selection, Some(report))
    } else {
        let order = UniformOrder { among: population.among().clone(), seed: plan.seed };
        let drawn = tokens::draw(ctx, rows, &order, limits)?;
        let selection = Selection::of_ids(&drawn.ids, rows.source().rows())?;
        (drawn, selection, None)
    };
    let sample = Sample::of_population(population.clone(), selection, plan.seed, None)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    Ok((sample, TokensDrawn { tokens: drawn.tokens, too_long: drawn.too_long }, report))
}
