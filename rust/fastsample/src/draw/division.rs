//! Division of a sample among groups of rows: how many rows of each, and what is told of it.

use std::cmp::Reverse;

use super::plan::Shares;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::partition::{GroupKey, Partition};
use crate::select::{Allocated, Allocation, check_sum, in_units};

/// Groups whose numbers a report has: the largest.
pub const GROUPS_SHOWN: usize = 100;

/// What groups have shares of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// Rows.
    Rows,
    /// Tokens of a budget.
    Tokens,
    /// Groups that are drawn whole.
    Groups,
}

impl Measured {
    /// What users call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Tokens => "tokens",
            Self::Groups => "groups",
        }
    }
}

/// A group of a sample.
#[derive(Debug, Clone)]
pub struct GroupDraw {
    /// Its values.
    pub values: GroupKey,
    /// Rows of the population in it.
    pub rows: u64,
    /// Rows drawn.
    pub drawn: u64,
    /// Their tokens, where they were counted.
    pub tokens: Option<u64>,
}

/// The groups of a sample.
#[derive(Debug, Clone)]
pub struct GroupsReport {
    /// The largest, [`GROUPS_SHOWN`] at most, by falling number of rows.
    pub largest: Vec<GroupDraw>,
    /// All groups.
    pub count: u64,
    /// What shares are of.
    pub measure: Measured,
    /// Groups that have less than their share.
    pub short: u64,
    /// What those lack, and others give.
    pub moved: u64,
    /// Groups that have a share, and no row or group that fits into it.
    pub empty: u64,
    /// Groups that have no share.
    pub unnamed: u64,
    /// Windows of which no two share a row.
    pub windows: u64,
}

/// Groups of rows, numbered by their first row.
pub(crate) trait GroupTable {
    /// The rows of each group.
    fn rows(&self) -> &[u64];

    /// The group of these values, if there is one.
    fn group_of(&self, values: &[Option<String>]) -> Option<usize>;

    /// The values of some groups.
    ///
    /// # Errors
    /// Whatever reading fails with.
    fn values(&self, ctx: &Context, groups: &[usize]) -> Result<Vec<GroupKey>>;
}

impl GroupTable for Partition {
    fn rows(&self) -> &[u64] {
        self.strata().rows()
    }

    fn group_of(&self, values: &[Option<String>]) -> Option<usize> {
        self.group_of(values)
    }

    fn values(&self, ctx: &Context, groups: &[usize]) -> Result<Vec<GroupKey>> {
        self.values(ctx, groups)
    }
}

/// Divides `n` rows among groups as `shares` says: the rows of each, and the report. With `replace`
/// a row may be drawn again.
///
/// # Errors
/// [`Error::Argument`] for shares that make no sense, or that leave too few rows.
pub(crate) fn divide(
    ctx: &Context,
    groups: &impl GroupTable,
    n: u64,
    shares: &Shares,
    replace: bool,
) -> Result<(Vec<u64>, GroupsReport)> {
    let rows = groups.rows();
    let (allocation, named) = allocation(ctx, groups, shares)?;
    let Allocated { amounts, short, moved } = if replace {
        allocation.divide_with_replacement(n, rows)?
    } else {
        allocation.divide(n, rows)?
    };
    let report = GroupsReport {
        largest: largest(ctx, groups, &amounts)?,
        count: amounts.len() as u64,
        measure: Measured::Rows,
        short,
        moved,
        empty: 0,
        unnamed: (amounts.len() - named) as u64,
        windows: if replace { 1 } else { windows(rows, &amounts) },
    };
    Ok((amounts, report))
}

/// How rows or tokens are divided, and the number of groups that have a share.
pub(crate) fn allocation(
    ctx: &Context,
    groups: &impl GroupTable,
    shares: &Shares,
) -> Result<(Allocation, usize)> {
    Ok(match shares {
        Shares::Formula(allocation) => (allocation.clone(), groups.rows().len()),
        Shares::Named(shares) => {
            (Allocation::Weights(weights_of(ctx, groups, shares)?), shares.len())
        }
    })
}

/// How many draws of `amounts` share no row.
fn windows(rows: &[u64], amounts: &[u64]) -> u64 {
    let drawn = rows.iter().zip(amounts).filter(|(_, amount)| **amount > 0);
    drawn.map(|(rows, amount)| rows / amount).min().unwrap_or(0)
}

/// The largest groups, ties by their first row.
pub(crate) fn largest(
    ctx: &Context,
    groups: &impl GroupTable,
    amounts: &[u64],
) -> Result<Vec<GroupDraw>> {
    let rows = groups.rows();
    let key = |&group: &usize| (Reverse(rows[group]), group);
    let mut shown: Vec<usize> = (0..rows.len()).collect();
    if shown.len() > GROUPS_SHOWN {
        shown.select_nth_unstable_by_key(GROUPS_SHOWN, key);
        shown.truncate(GROUPS_SHOWN);
    }
    shown.sort_unstable_by_key(key);
    let values = groups.values(ctx, &shown)?;
    let group = |(&group, values)| GroupDraw {
        values,
        rows: rows[group],
        drawn: amounts[group],
        tokens: None,
    };
    Ok(shown.iter().zip(values).map(group).collect())
}

/// The shares of all groups in units of 10^-18.
fn weights_of(
    ctx: &Context,
    groups: &impl GroupTable,
    shares: &[(GroupKey, f64)],
) -> Result<Vec<u64>> {
    let mut weights = vec![0; groups.rows().len()];
    for (values, share) in shares {
        if !(0.0..=1.0).contains(share) {
            return Err(Error::Argument(format!(
                "allocation gives group {} the share {share}; it must be from 0 to 1",
                shown(values)
            )));
        }
        let Some(group) = groups.group_of(values) else {
            let known = largest(ctx, groups, &vec![0; weights.len()])?;
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
pub(super) fn shown(values: &[Option<String>]) -> String {
    let one = |value: &Option<String>| value.as_ref().map_or("null".into(), |v| format!("{v:?}"));
    values.iter().map(one).collect::<Vec<_>>().join(" / ")
}
