//! Whole groups of each stratum: of each value of a column its own number of rows, or of groups.
//!
//! ```text
//!  groups, in their order ─▶ the stratum of each, that of all its rows
//!  allocation: rows of each stratum, or groups ─▶ in each the next groups that fit in
//! ```

use super::passes::Passes;
use super::{GroupOrder, WholeGroups, check_groups, window};
use crate::draw::division::{GroupsReport, Measured, allocation, largest, shown};
use crate::draw::plan::{DrawPlan, DrawSize, Shares};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::partition::Partition;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::strata::NONE;
use crate::select::{Allocation, Amount};
use crate::smart::SmartReport;

/// Draws whole groups of a population, of each stratum its own number of rows, or as many as whole groups
/// make of them; or its own number of groups.
///
/// # Errors
/// As [`super::draw`] and [`crate::draw::divide`]; [`Error::Argument`] for a group with rows in several
/// strata.
pub(in crate::draw) fn draw(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    group: &[String],
    (by, shares): (&[String], &Shares),
) -> Result<(Sample, GroupsReport, WholeGroups, Option<SmartReport>)> {
    let wanted = population.count(amount)?;
    let groups = GroupOrder::new(ctx, &population, plan, group)?;
    let strata = Partition::new(ctx, &population, by)?;
    let orders = orders(ctx, &groups, &strata)?;
    let (formula, named) = allocation(ctx, &strata, shares)?;
    let rows = groups.partition.strata().rows();
    let (drawn, divided, epochs) = if let DrawSize::Groups { n, at_most } = plan.size {
        let there: Vec<u64> = orders.iter().map(|order| order.len() as u64).collect();
        let weights = formula.weights(&there);
        let with_share = there.iter().zip(&weights).filter(|(_, weight)| **weight > 0);
        let all: u64 = with_share.map(|(there, _)| *there).sum();
        let n = if at_most { n.min(all) } else { n };
        check_groups(n, all)?;
        let divided = Allocation::Weights(weights).divide(n, &there)?;
        let windows =
            orders.iter().zip(&divided.amounts).map(|(order, &n)| window(order, n, plan.epoch));
        let epochs = there.iter().zip(&divided.amounts).filter(|(_, n)| **n > 0);
        let epochs = epochs.map(|(there, n)| there / n).min().unwrap_or(1);
        (windows.collect::<Vec<Vec<usize>>>(), divided, epochs)
    } else {
        let divided = formula.divide(wanted, strata.strata().rows())?;
        let passes = orders.iter().zip(&divided.amounts);
        let passes: Vec<Passes<'_>> =
            passes.map(|(order, &n)| Passes::new(order, rows, n)).collect();
        let drawn = passes.iter().map(|passes| passes.epoch(plan.epoch).unwrap_or_default());
        let asked = passes.iter().zip(&divided.amounts).filter(|(_, n)| **n > 0);
        let epochs = asked.map(|(passes, _)| passes.count()).min().unwrap_or(1);
        (drawn.collect(), divided, epochs)
    };
    let rows_of = |groups: &Vec<usize>| groups.iter().map(|&group| rows[group]).sum::<u64>();
    let amounts: Vec<u64> = drawn.iter().map(rows_of).collect();
    let empty = amounts.iter().zip(&divided.amounts).filter(|(rows, n)| **rows == 0 && **n > 0);
    let is_of_groups = matches!(plan.size, DrawSize::Groups { .. });
    let report = GroupsReport {
        largest: largest(ctx, &strata, &amounts)?,
        count: amounts.len() as u64,
        measure: if is_of_groups { Measured::Groups } else { Measured::Rows },
        short: divided.short,
        moved: divided.moved,
        empty: empty.count() as u64,
        unnamed: (amounts.len() - named) as u64,
        windows: epochs,
    };
    let drawn: Vec<usize> = drawn.into_iter().flatten().collect();
    if drawn.is_empty() {
        return Err(Error::Argument(format!(
            "{wanted} rows are asked for, but no group fits into the share of its {}, and groups are \
             drawn whole; ask for more rows",
            by.join(", ")
        )));
    }
    let wanted = if is_of_groups { 0 } else { wanted };
    let (sample, whole, found) = groups.sample(ctx, population, plan, &drawn, wanted, epochs)?;
    Ok((sample, report, whole, found))
}

/// The groups of each stratum, in their order.
fn orders(ctx: &Context, groups: &GroupOrder, strata: &Partition) -> Result<Vec<Vec<usize>>> {
    let parts = groups.partition.strata();
    let mut stratum = vec![NONE; parts.rows().len()];
    for (group, own) in parts.groups().zip(strata.strata().groups()) {
        let Some(known) = stratum.get_mut(group as usize) else { continue };
        if *known == NONE {
            *known = own;
        } else if *known != own {
            let values = groups.partition.values(ctx, &[group as usize])?;
            let of = strata.values(ctx, &[*known as usize, own as usize])?;
            return Err(Error::Argument(format!(
                "the rows of group {} are of several values of by: {} and {}; groups are drawn whole, \
                 so all rows of one have to have the same",
                shown(&values[0]),
                shown(&of[0]),
                shown(&of[1])
            )));
        }
    }
    let mut orders = vec![Vec::new(); strata.strata().rows().len()];
    for &group in &groups.order {
        orders[stratum[group] as usize].push(group);
    }
    Ok(orders)
}
