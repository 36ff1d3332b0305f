//! Stratified sampling: of each group of rows its own number, uniformly or by weight.
//!
//! ```text
//!  population ─▶ partition: groups ─▶ allocation: rows of each ─▶ the best rows of each group
//! ```

use std::cmp::Reverse;

use super::column::weighed;
use super::plan::{DrawPlan, Shares};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::partition::{GroupKey, Partition};
use crate::population::Population;
use crate::row_weights::RowWeights;
use crate::sample::Sample;
use crate::select::{Allocated, Allocation, Amount, Repeats, Strata, check_sum, in_units};
use crate::smart::{self, Judging, SmartReport};

/// Groups whose numbers a report has: the largest.
pub const GROUPS_SHOWN: usize = 100;

/// A group of a sample.
#[derive(Debug, Clone)]
pub struct GroupDraw {
    /// Its values.
    pub values: GroupKey,
    /// Rows of the population in it.
    pub rows: u64,
    /// Rows drawn.
    pub drawn: u64,
}

/// The groups of a sample.
#[derive(Debug, Clone)]
pub struct GroupsReport {
    /// The largest, [`GROUPS_SHOWN`] at most, by falling number of rows.
    pub largest: Vec<GroupDraw>,
    /// All groups.
    pub count: u64,
    /// Groups that have fewer rows than their share.
    pub short: u64,
    /// Rows that those lack, which others give.
    pub moved: u64,
    /// Groups that have no share.
    pub unnamed: u64,
    /// Windows of which no two share a row.
    pub windows: u64,
}

/// Draws rows of a population, of each group its own number.
///
/// # Errors
/// As [`Population::count`] and [`Partition::new`]; [`Error::Argument`] for shares that make no
/// sense, or that leave too few rows; [`Error::Column`] where the column of weights is there already.
pub(super) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    by: &[String],
    shares: &Shares,
) -> Result<(Sample, GroupsReport, Option<SmartReport>)> {
    let seed = plan.seed;
    let (population, row_weights) = weighed(ctx, population, plan)?;
    let n = if plan.replace { population.asked(amount)? } else { population.count(amount)? };
    let partition = Partition::new(ctx, &population, by)?;
    let strata = partition.strata();
    let (allocation, named) = match shares {
        Shares::Formula(allocation) => (allocation.clone(), strata.rows().len()),
        Shares::Named(shares) => {
            (Allocation::Weights(weights_of(ctx, &partition, shares)?), shares.len())
        }
    };
    let Allocated { amounts, short, moved } = if plan.replace {
        allocation.divide_with_replacement(n, strata.rows())?
    } else {
        allocation.divide(n, strata.rows())?
    };
    let groups = GroupsReport {
        largest: largest(ctx, &partition, &amounts)?,
        count: amounts.len() as u64,
        short,
        moved,
        unnamed: (amounts.len() - named) as u64,
        windows: if plan.replace { 1 } else { windows(strata.rows(), &amounts) },
    };
    if plan.replace {
        let weights = row_weights.as_ref();
        let sample = with_replacement(ctx, population, strata, &amounts, plan, weights)?;
        return Ok((sample, groups, None));
    }
    let (selection, found) = if let Some(rule) = &plan.weight.rule {
        let factors = row_weights.as_ref().map(RowWeights::all);
        let (source, among) = (population.source(), population.among());
        let by = Judging { source, among, seed, rule, factors };
        let choice = smart::draw_strata(ctx, &by, strata, &amounts, plan.epoch)?;
        (choice.selection, Some(choice.report))
    } else if let Some(weights) = &row_weights {
        let key = |row| weights.candidate(row);
        (strata.draw_window(ctx, &amounts, plan.epoch, key)?, None)
    } else {
        let hash = RowHash::new(seed);
        (strata.draw_window(ctx, &amounts, plan.epoch, |row| hash.of(row))?, None)
    };
    if plan.weights {
        memory::require_rows::<(u64, f64)>(selection.len(), "the column of weights")?;
    }
    let weights = plan.weights.then(|| strata.weights(&amounts, &selection));
    let sample = Sample::of_population(population, selection, seed, weights)?;
    Ok((plan.judged(sample, found.as_ref()), groups, found))
}

/// Draws of each group `amounts` rows with replacement; a column of weights has, for each row, the
/// weight of its group over the rows drawn from it times its own (Hansen and Hurwitz 1943).
fn with_replacement(
    ctx: &Context,
    population: Population,
    strata: &Strata,
    amounts: &[u64],
    plan: &DrawPlan,
    weights: Option<&RowWeights>,
) -> Result<Sample> {
    let weight = |row| weights.map_or(1, |weights| weights.of(row));
    let (repeats, totals) = Repeats::of_strata(ctx, strata, amounts, plan.seed, weight)?;
    let inverse = plan.weights.then(|| {
        let of: Vec<u32> = strata.groups().collect();
        repeats.values(|row| {
            let group = of[row as usize] as usize;
            totals[group].sum as f64 / (amounts[group] as f64 * f64::from(weight(row)))
        })
    });
    Sample::of_repeats(population, repeats, plan.seed, inverse)
}

/// How many draws of `amounts` share no row.
fn windows(rows: &[u64], amounts: &[u64]) -> u64 {
    let drawn = rows.iter().zip(amounts).filter(|(_, amount)| **amount > 0);
    drawn.map(|(rows, amount)| rows / amount).min().unwrap_or(0)
}

/// The largest groups, ties by their first row.
fn largest(ctx: &Context, partition: &Partition, amounts: &[u64]) -> Result<Vec<GroupDraw>> {
    let rows = partition.strata().rows();
    let key = |&group: &usize| (Reverse(rows[group]), group);
    let mut groups: Vec<usize> = (0..rows.len()).collect();
    if groups.len() > GROUPS_SHOWN {
        groups.select_nth_unstable_by_key(GROUPS_SHOWN, key);
        groups.truncate(GROUPS_SHOWN);
    }
    groups.sort_unstable_by_key(key);
    let values = partition.values(ctx, &groups)?;
    let group = |(&group, values)| GroupDraw { values, rows: rows[group], drawn: amounts[group] };
    Ok(groups.iter().zip(values).map(group).collect())
}

/// The shares of all groups in units of 10^-18.
fn weights_of(
    ctx: &Context,
    partition: &Partition,
    shares: &[(GroupKey, f64)],
) -> Result<Vec<u64>> {
    let mut weights = vec![0; partition.strata().rows().len()];
    for (values, share) in shares {
        if !(0.0..=1.0).contains(share) {
            return Err(Error::Argument(format!(
                "allocation gives group {} the share {share}; it must be from 0 to 1",
                shown(values)
            )));
        }
        let Some(group) = partition.group_of(values) else {
            let known = largest(ctx, partition, &vec![0; weights.len()])?;
            let known: Vec<String> =
                known.iter().take(10).map(|group| shown(&group.values)).collect();
            let more = if weights.len() > known.len() { ", ..." } else { "" };
            return Err(Error::Argument(format!(
                "allocation names group {}, which no row is in; groups are {}{more}",
                shown(values),
                known.join(", ")
            )));
        };
        weights[group] = in_units(*share);
    }
    check_sum(shares.iter().map(|(_, share)| *share), "allocation")?;
    Ok(weights)
}

/// The values of a group, as an error shows them.
fn shown(values: &[Option<String>]) -> String {
    let one = |value: &Option<String>| value.as_ref().map_or("null".into(), |v| format!("{v:?}"));
    values.iter().map(one).collect::<Vec<_>>().join(" / ")
}
