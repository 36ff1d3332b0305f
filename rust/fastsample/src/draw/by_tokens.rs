//! Rows by their tokens, in the order of a uniform draw, of a column of weights, or of a rule.

use super::counted::TokensDrawn;
use super::order::DrawOrder;
use super::plan::DrawPlan;
use crate::error::Result;
use crate::exec::Context;
use crate::sample::Sample;
use crate::smart::SmartReport;
use crate::tokens::{self, Measure, TokenLimits};

/// Draws n rows with a limit of tokens each, or rows until a budget of tokens is used up.
///
/// # Errors
/// [`crate::Error::Argument`] when there are not enough, and whatever reading fails with.
pub(super) fn draw(
    ctx: &Context,
    order: &DrawOrder,
    plan: &DrawPlan,
    rows: &Measure,
    limits: TokenLimits,
) -> Result<(Sample, TokensDrawn, Option<SmartReport>)> {
    let drawn = tokens::draw(ctx, rows, order, limits)?;
    let (selection, report) = order.chosen(&drawn.ids)?;
    let population = order.population().clone();
    let sample = Sample::of_population(population, selection, plan.seed, None)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    Ok((sample, TokensDrawn { tokens: drawn.tokens, too_long: drawn.too_long }, report))
}
