//! Cluster sampling: groups of rows that are drawn whole, in the random order of their values.
//!
//! ```text
//!  population ─▶ partition: groups ─▶ u(group) = H(seed, values) ─▶ groups in the order of u,
//!  each that still fits into n rows
//! ```
//!
//! Whether a group is drawn does not depend on where its rows are in the source.

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::Amount;

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeGroups {
    /// All groups.
    pub count: u64,
    /// Groups drawn.
    pub drawn: u64,
    /// Rows asked for: no fewer than were drawn.
    pub wanted: u64,
}

/// Draws whole groups of a population, `amount` rows together, or as many as whole groups make of
/// them: never more.
///
/// # Errors
/// As [`Population::count`] and [`Partition::whole`]; [`Error::Argument`] where each group has more
/// rows.
pub fn draw(
    ctx: &Context,
    population: Population,
    amount: Amount,
    seed: u64,
    group: &[String],
) -> Result<(Sample, WholeGroups)> {
    let wanted = population.count(amount)?;
    let partition = Partition::whole(ctx, &population, group)?;
    let strata = partition.strata();
    let hash = RowHash::derive(seed, "groups");
    let numbers = partition.hashes().into_iter().map(|values| hash.of(values));
    let mut order: Vec<(u64, usize)> = numbers.zip(0..).collect();
    order.sort_unstable();
    let mut amounts = vec![0; order.len()];
    let (mut missing, mut drawn) = (wanted, 0);
    for (_, group) in order {
        let rows = strata.rows()[group];
        if rows <= missing {
            amounts[group] = rows;
            missing -= rows;
            drawn += 1;
        }
        if missing == 0 {
            break;
        }
    }
    if drawn == 0 {
        let least = strata.rows().iter().min().copied().unwrap_or_default();
        return Err(Error::Argument(format!(
            "{wanted} rows are asked for, but the smallest group has {least}, and groups are drawn \
             whole; ask for at least {least} rows"
        )));
    }
    let count = amounts.len() as u64;
    let selection = strata.draw(ctx, &amounts, |row| row)?;
    let sample = Sample::of_population(population, selection, seed, None)?;
    Ok((sample, WholeGroups { count, drawn, wanted }))
}
