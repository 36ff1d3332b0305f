//! The column of weights of a plan.

use super::plan::DrawPlan;
use crate::error::Result;
use crate::exec::Context;
use crate::population::Population;
use crate::row_weights::RowWeights;

/// The weights of rows, if a column has some, and the rows that may be drawn: those of weight above 0.
///
/// # Errors
/// As [`RowWeights::new`].
pub(super) fn weighed(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
) -> Result<(Population, Option<RowWeights>)> {
    let Some(column) = &plan.weight.column else {
        return Ok((population, None));
    };
    let weights = RowWeights::new(ctx, &population, column, plan.seed)?;
    Ok((weights.population(population)?, Some(weights)))
}
