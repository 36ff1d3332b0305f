//! Cluster sampling: groups of rows that are drawn whole, in the random order of their values.
//!
//! ```text
//!  population ─▶ partition: groups ─▶ u(group) = H(seed, values) ─▶ groups in the order of u, or of
//!  u / w ─▶ each that still fits into n rows, or all until a budget of tokens is used up
//! ```
//!
//! Whether a group is drawn does not depend on where its rows are in the source. The weight w of a
//! group is the mean weight of its rows: so equal weights draw what none would, and a row of twice
//! the weight brings its group as much as another row of it would lose.

mod by_tokens;
mod passes;

pub(super) use self::by_tokens::draw_by_tokens;
use self::passes::Passes;
use super::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Amount, Candidate};

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeGroups {
    /// All groups.
    pub count: u64,
    /// Groups drawn.
    pub drawn: u64,
    /// Rows asked for: no fewer than were drawn. 0 for a budget of tokens.
    pub wanted: u64,
    /// Epochs of which no two share a group.
    pub epochs: u64,
}

/// Draws whole groups of a population, `amount` rows together, or as many as whole groups make of
/// them: never more.
///
/// # Errors
/// As [`Population::count`] and [`Partition::whole`]; [`Error::Argument`] where each group has more
/// rows, or none has a weight.
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    columns: &[String],
) -> Result<(Sample, WholeGroups)> {
    let wanted = population.count(amount)?;
    let groups = GroupOrder::new(ctx, &population, plan, columns)?;
    let rows = groups.partition.strata().rows();
    let passes = Passes::new(&groups.order, rows, wanted);
    let Some(drawn) = passes.epoch(plan.epoch) else {
        return Err(too_few(wanted, &groups));
    };
    let epochs = passes.count();
    groups.sample(ctx, population, &drawn, wanted, epochs, plan.seed)
}

fn too_few(wanted: u64, groups: &GroupOrder) -> Error {
    let rows = groups.partition.strata().rows();
    let least = groups.order.iter().map(|&group| rows[group]).min().unwrap_or_default();
    Error::Argument(format!(
        "{wanted} rows are asked for, but the smallest group has {least}, and groups are drawn \
         whole; ask for at least {least} rows"
    ))
}

/// The groups of a population, in the order in which they are drawn.
struct GroupOrder {
    partition: Partition,
    /// Those that may be drawn.
    order: Vec<usize>,
}

impl GroupOrder {
    fn new(
        ctx: &Context,
        population: &Population,
        plan: &DrawPlan,
        columns: &[String],
    ) -> Result<Self> {
        let partition = Partition::whole(ctx, population, columns)?;
        let weights = match &plan.weight.column {
            None => vec![1; partition.strata().rows().len()],
            Some(column) => {
                let weights = RowWeights::new(ctx, population, column, plan.seed)?;
                let weights = partition.strata().means(|row| weights.of(row));
                if weights.iter().all(|&weight| weight == 0) {
                    return Err(Error::Argument(format!(
                        "no row that may be drawn has a weight above 0 in column {column:?}"
                    )));
                }
                weights
            }
        };
        let hash = RowHash::derive(plan.seed, "groups");
        let groups = partition.hashes().into_iter().zip(weights).zip(0_u64..);
        let candidate =
            |((values, weight), ordinal)| Candidate { u: hash.of(values), weight, ordinal };
        let mut order: Vec<Candidate> =
            groups.map(candidate).filter(|group| group.weight > 0).collect();
        order.sort_unstable();
        let order = order.into_iter().map(|group| group.ordinal as usize).collect();
        Ok(Self { partition, order })
    }

    fn sample(
        &self,
        ctx: &Context,
        population: Population,
        drawn: &[usize],
        wanted: u64,
        epochs: u64,
        seed: u64,
    ) -> Result<(Sample, WholeGroups)> {
        let strata = self.partition.strata();
        let mut amounts = vec![0; strata.rows().len()];
        drawn.iter().for_each(|&group| amounts[group] = strata.rows()[group]);
        let found =
            WholeGroups { count: amounts.len() as u64, drawn: drawn.len() as u64, wanted, epochs };
        let selection = strata.draw(ctx, &amounts, |row| row)?;
        Ok((Sample::of_population(population, selection, seed, None)?, found))
    }
}
