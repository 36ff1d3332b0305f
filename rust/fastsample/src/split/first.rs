//! The first side by weight: rows that no other side has, by a column, by a rule, or by both.

use super::placement::{Together, too_few};
use super::strata::StrataOfSides;
use super::whole_groups::Side;
use crate::draw::{Weighting, choose};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::select::{Allocation, Selection};
use crate::smart::{self, Judging, Ranking, SmartReport};

/// Draws the first side out of the rows `free`: of each stratum its own number, if there are strata,
/// and where one has too few, the others give more in proportion to what they have.
///
/// # Errors
/// As [`RowWeights::new`] and [`smart::draw()`]; [`Error::Argument`] where too few rows are left.
pub(super) fn draw(
    ctx: &Context,
    population: &Population,
    weight: &Weighting,
    mut free: Vec<u64>,
    (wanted, seed): (Side, u64),
    strata: Option<&StrataOfSides>,
) -> Result<(Selection, Option<SmartReport>)> {
    let column = weight.column.as_ref();
    let weights = column.map(|column| RowWeights::new(ctx, population, column, seed));
    let weights = weights.transpose()?;
    if let Some(weights) = &weights {
        free.retain(|&row| weights.of(row) > 0);
    }
    let size = wanted.rows.min(free.len() as u64);
    if size < wanted.rows && (wanted.is_exact || size == 0) {
        return Err(column.map_or_else(
            || too_few(0, wanted.rows - size, wanted.rows, None, Together::Texts),
            |column| {
                Error::Argument(format!(
                    "side 1 of the split lacks {} of its {} rows: of those that no other side has, \
                     {size} have a weight above 0 in {}; ask for fewer rows",
                    wanted.rows - size,
                    wanted.rows,
                    column.described()
                ))
            },
        ));
    }
    let free = Selection::of_ids(&free, population.source().rows())?;
    let strata = strata.map(|plan| {
        let strata = plan.strata().among(&free);
        amounts(size, &plan.cells_of(0), strata.rows()).map(|amounts| (strata, amounts))
    });
    let strata = strata.transpose()?;
    if let Some(rule) = &weight.rule {
        let factors = weights.as_ref().map(RowWeights::all);
        let by = Judging { source: population.source(), among: &free, seed, rule, factors };
        let (chosen, report) = match strata {
            Some((strata, amounts)) => {
                let choice = smart::draw_strata(ctx, &by, &strata, &amounts, 0)?;
                (choice.selection, choice.report)
            }
            None => Ranking::new(ctx, &by)?.window(0..size)?,
        };
        return Ok((chosen, Some(report)));
    }
    let Some(weights) = weights else {
        return Err(Error::Argument("the first side has neither a weight nor a rule".into()));
    };
    let chosen = match strata {
        Some((strata, amounts)) => strata.draw(ctx, &amounts, |row| weights.candidate(row))?,
        None => choose(ctx, &free, &weights, size, 0)?.0,
    };
    Ok((chosen, None))
}

/// Rows of each stratum: those that are wanted, where there are so many; `size` together.
fn amounts(size: u64, wanted: &[u64], there: &[u64]) -> Result<Vec<u64>> {
    let least: Vec<u64> =
        wanted.iter().zip(there).map(|(wanted, there)| *wanted.min(there)).collect();
    let given: u64 = least.iter().sum();
    let spare: Vec<u64> = least.iter().zip(there).map(|(least, there)| there - least).collect();
    let more = Allocation::Proportional.divide(size.saturating_sub(given), &spare)?;
    Ok(least.iter().zip(more.amounts).map(|(least, more)| least + more).collect())
}
