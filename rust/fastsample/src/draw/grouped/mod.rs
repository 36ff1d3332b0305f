//! Cluster sampling: groups of rows that are drawn whole, in the random order of their values.
//!
//! ```text
//!  population ─▶ partition: groups ─▶ u(group) = H(seed, values) ─▶ groups in the order of u, or of
//!  u / w ─▶ each that still fits into n rows, all until a budget of tokens is used up, or the first n
//! ```
//!
//! Whether a group is drawn does not depend on where its rows are in the source. The weight w of a
//! group is the mean weight of its rows, in a column, by a rule, or the product of both: so equal
//! weights draw what none would, and a row of twice the weight brings its group as much as another row
//! of it would lose. Groups whose rows all weigh 0 by a rule come last.

mod by_tokens;
mod of_each;
mod passes;

pub(super) use self::by_tokens::draw_by_tokens;
pub(super) use self::of_each::draw as draw_of_each;
use self::passes::Passes;
use super::plan::{DrawPlan, DrawSize};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Amount, Candidate};
use crate::smart::{Judging, RuleWeights, SmartReport};

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeGroups {
    /// All groups.
    pub count: u64,
    /// Groups drawn.
    pub drawn: u64,
    /// Rows asked for: no fewer than were drawn. 0 for a budget of tokens, or a number of groups.
    pub wanted: u64,
    /// Epochs of which no two share a group.
    pub epochs: u64,
}

/// Draws whole groups of a population: `amount` rows together, or as many as whole groups make of
/// them, never more; or the number of groups that the plan asks for.
///
/// # Errors
/// As [`Population::count`] and [`Partition::whole`]; [`Error::Argument`] where each group has more
/// rows, none has a weight, or there are too few.
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    columns: &[String],
) -> Result<(Sample, WholeGroups, Option<SmartReport>)> {
    let wanted = population.count(amount)?;
    let groups = GroupOrder::new(ctx, &population, plan, columns)?;
    if let DrawSize::Groups { n, at_most } = plan.size {
        let (drawn, epochs) = groups.window(n, at_most, plan.epoch)?;
        return groups.sample(ctx, population, plan, &drawn, 0, epochs);
    }
    let rows = groups.partition.strata().rows();
    let passes = Passes::new(&groups.order, rows, wanted);
    let drawn = passes.epoch(plan.epoch).ok_or_else(|| too_few(wanted, &groups.order, rows))?;
    let epochs = passes.count();
    groups.sample(ctx, population, plan, &drawn, wanted, epochs)
}

/// The rows that each group gives in a uniform draw, all of them or none: `wanted` rows together, as far as
/// whole groups make them, or a number of groups. `groups` are the hash and the rows of each.
///
/// # Errors
/// [`Error::Argument`] where each group has more rows, or there are too few.
pub(crate) fn whole_amounts(
    groups: &[(u64, u64)],
    wanted: u64,
    n_groups: Option<u64>,
    seed: u64,
) -> Result<(Vec<u64>, WholeGroups)> {
    let hash = RowHash::derive(seed, "groups");
    let candidate = |(group, (values, _)): (usize, &(u64, u64))| Candidate {
        u: hash.of(*values),
        weight: 1,
        ordinal: group as u64,
    };
    let mut order: Vec<Candidate> = groups.iter().enumerate().map(candidate).collect();
    order.sort_unstable();
    let order: Vec<usize> = order.into_iter().map(|group| group.ordinal as usize).collect();
    let rows: Vec<u64> = groups.iter().map(|(_, rows)| *rows).collect();
    let (drawn, wanted) = if let Some(n) = n_groups {
        check_groups(n, order.len() as u64)?;
        (window(&order, n, 0), 0)
    } else {
        let drawn = Passes::new(&order, &rows, wanted).epoch(0);
        (drawn.ok_or_else(|| too_few(wanted, &order, &rows))?, wanted)
    };
    let mut amounts = vec![0; rows.len()];
    drawn.iter().for_each(|&group| amounts[group] = rows[group]);
    let count = rows.len() as u64;
    Ok((amounts, WholeGroups { count, drawn: drawn.len() as u64, wanted, epochs: 1 }))
}

fn too_few(wanted: u64, order: &[usize], rows: &[u64]) -> Error {
    let least = order.iter().map(|&group| rows[group]).min().unwrap_or_default();
    Error::Argument(format!(
        "{wanted} rows are asked for, but the smallest group has {least}, and groups are drawn \
         whole; ask for at least {least} rows"
    ))
}

/// Fails unless `n` of `all` groups can be drawn.
fn check_groups(n: u64, all: u64) -> Result<()> {
    if n > all || n == 0 {
        return Err(Error::Argument(format!(
            "n_groups is {n}, but only {all} groups can be drawn; ask for at most {all}"
        )));
    }
    Ok(())
}

/// The `n` groups of an epoch: each goes on where the one before ends, and behind the last group comes
/// the first again.
fn window(order: &[usize], n: u64, epoch: u64) -> Vec<usize> {
    let first = u128::from(epoch) * u128::from(n) % (order.len().max(1) as u128);
    let (before, from) = order.split_at(first as usize);
    from.iter().chain(before).copied().take(n as usize).collect()
}

/// The groups of a population, in the order in which they are drawn.
struct GroupOrder {
    partition: Partition,
    /// Those that may be drawn.
    order: Vec<usize>,
    /// The same with their random numbers and weights, where probabilities are asked for.
    candidates: Vec<Candidate>,
    /// How a rule judges rows.
    judged: Option<RuleWeights>,
}

impl GroupOrder {
    fn new(
        ctx: &Context,
        population: &Population,
        plan: &DrawPlan,
        columns: &[String],
    ) -> Result<Self> {
        let partition = Partition::whole(ctx, population, columns)?;
        let strata = partition.strata();
        let column = plan.weight.column.as_ref();
        let column = column.map(|column| RowWeights::new(ctx, population, column, plan.seed));
        let column = column.transpose()?;
        let of_column = column.as_ref().map(|weights| strata.means(|row| weights.of(row)));
        if let (Some(weights), Some(column)) = (&of_column, &plan.weight.column)
            && weights.iter().all(|&weight| weight == 0)
        {
            return Err(Error::Argument(format!(
                "no row that may be drawn has a weight above 0 in {}",
                column.described()
            )));
        }
        let judge = |rule| {
            let factors = column.as_ref().map(RowWeights::all);
            let (source, among) = (population.source(), population.among());
            RuleWeights::new(ctx, &Judging { source, among, seed: plan.seed, rule, factors })
        };
        let judged = plan.weight.rule.as_ref().map(judge).transpose()?;
        let of_rule = judged.as_ref().map(|judged| strata.means(|row| judged.of(row)));
        let hash = RowHash::derive(plan.seed, "groups");
        let weight = |of: &Option<Vec<u32>>, group: usize| of.as_ref().map_or(1, |of| of[group]);
        let candidate = |(group, values): (usize, u64)| {
            let of_column = weight(&of_column, group);
            let weight = if judged.is_some() { weight(&of_rule, group) } else { of_column };
            let candidate = Candidate { u: hash.of(values), weight, ordinal: group as u64 };
            (of_column > 0).then_some(candidate)
        };
        let hashes = partition.hashes();
        let mut order: Vec<Candidate> =
            hashes.into_iter().enumerate().filter_map(candidate).collect();
        order.sort_unstable();
        let candidates = if plan.weights { order.clone() } else { Vec::new() };
        let order = order.into_iter().map(|group| group.ordinal as usize).collect();
        Ok(Self { partition, order, candidates, judged })
    }

    /// 1 / the probability with which each of the first `n` groups was drawn: of a uniform draw exactly, by
    /// weight as [`Candidate::inverse`] has it.
    fn inverses(&self, n: usize) -> Vec<f64> {
        let mut inverse = vec![0.0; self.partition.strata().rows().len()];
        let alike = self.candidates.iter().all(|group| group.weight == 1);
        let next = self.candidates.get(n).copied();
        for group in &self.candidates[..n] {
            let of_all = self.candidates.len() as f64 / n as f64;
            let weight = if alike { of_all } else { group.inverse(next) };
            inverse[group.ordinal as usize] = weight;
        }
        inverse
    }

    /// The `n` groups of an epoch, and how many epochs share no group.
    fn window(&self, n: u64, at_most: bool, epoch: u64) -> Result<(Vec<usize>, u64)> {
        let all = self.order.len() as u64;
        let n = if at_most { n.min(all) } else { n };
        check_groups(n, all)?;
        Ok((window(&self.order, n, epoch), all / n))
    }

    fn sample(
        self,
        ctx: &Context,
        population: Population,
        plan: &DrawPlan,
        drawn: &[usize],
        wanted: u64,
        epochs: u64,
    ) -> Result<(Sample, WholeGroups, Option<SmartReport>)> {
        let strata = self.partition.strata();
        let mut amounts = vec![0; strata.rows().len()];
        drawn.iter().for_each(|&group| amounts[group] = strata.rows()[group]);
        let found =
            WholeGroups { count: amounts.len() as u64, drawn: drawn.len() as u64, wanted, epochs };
        let selection = strata.draw(ctx, &amounts, |row| row)?;
        let inverse = plan.weights.then(|| {
            let inverse = self.inverses(drawn.len());
            let rows = self.partition.strata().groups().enumerate();
            let drawn = rows.filter(|(row, _)| selection.has(*row as u64));
            drawn.map(|(_, group)| inverse[group as usize]).collect()
        });
        let report = self.judged.map(|judged| judged.report(&selection));
        let sample = Sample::of_population(population, selection, plan.seed, inverse)?;
        Ok((plan.judged(sample, report.as_ref()), found, report))
    }
}
