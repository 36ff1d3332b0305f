//! Stratified sampling by tokens: of each group of rows its own number of rows or tokens.
//!
//! ```text
//! quotas of the groups by the largest remainder: of the rows, or of the budget of tokens
//! each group: its rows in the order of the draw, those of at most max_tokens, while they fit into its quota
//! a group that has less than its quota gives all it has, and the others the rest (quotas again)
//! ```
//!
//! Only the rows drawn are counted, of groups that run out all rows, and none twice: those of all groups
//! that are wanted next, together.

use super::counted::TokensDrawn;
use super::division::{GroupsReport, Measured, allocation, largest};
use super::order::{DrawOrder, Ranks};
use super::plan::{DrawPlan, Shares};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::sample::Sample;
use crate::select::{Allocation, Strata};
use crate::smart::SmartReport;
use crate::tokens::{Goal, Measure, PILOT_ROWS, TokenLimits, lengths_of};

/// Draws rows of a population, of each group its own number, or tokens.
///
/// # Errors
/// As [`super::stratified::draw`]; [`Error::Argument`] where too few rows are short enough, or none fits
/// into the share of its group; and whatever counting fails with.
pub(super) fn draw(
    ctx: &Context,
    order: &DrawOrder,
    plan: &DrawPlan,
    rows: &Measure,
    limits: TokenLimits,
    (by, shares): (&[String], &Shares),
) -> Result<(Sample, GroupsReport, TokensDrawn, Option<SmartReport>)> {
    let population = order.population();
    let partition = Partition::new(ctx, population, by)?;
    let (formula, named) = allocation(ctx, &partition, shares)?;
    let there = partition.strata().rows();
    let mut strata = CountedStrata {
        groups: ordered(ctx, partition.strata(), order.ranks(), plan.seed)?,
        weights: formula.weights(there),
        limits,
    };
    let TokenShares { wanted, quotas, most } = strata.shares(ctx, rows)?;
    let (mut ids, mut amounts) = (Vec::new(), vec![0; there.len()]);
    let (mut tokens, mut empty) = (vec![0; there.len()], 0);
    let mut too_long = 0;
    for (place, (group, &quota)) in strata.groups.iter().zip(&quotas).enumerate() {
        let fit = group.within(quota, limits, |row| ids.push(u64::from(row)));
        (amounts[place], tokens[place]) = (fit.rows, fit.tokens);
        too_long += fit.too_long;
        empty += u64::from(fit.rows == 0 && quota > 0);
    }
    if ids.is_empty() {
        return Err(Error::Argument(format!(
            "no row fits into the tokens of its group: {} groups share {}; ask for more tokens, or \
             for fewer groups",
            there.len(),
            strata.goal()
        )));
    }
    let lacking: Vec<u64> =
        wanted.iter().zip(&most).map(|(wanted, most)| wanted.saturating_sub(*most)).collect();
    let mut shown = largest(ctx, &partition, &amounts)?;
    for group in &mut shown {
        group.tokens = partition.group_of(&group.values).map(|place| tokens[place]);
    }
    let report = GroupsReport {
        largest: shown,
        count: there.len() as u64,
        measure: match limits.goal {
            Goal::Rows(_) => Measured::Rows,
            Goal::Tokens(_) => Measured::Tokens,
        },
        short: lacking.iter().filter(|&&lacking| lacking > 0).count() as u64,
        moved: lacking.iter().sum::<u64>() - (strata.goal() - quotas.iter().sum::<u64>()),
        empty,
        unnamed: (there.len() - named) as u64,
        windows: 1,
    };
    let (selection, smart) = order.chosen(&ids)?;
    let sample = Sample::of_population(population.clone(), selection, plan.seed, None)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    let found = TokensDrawn { tokens: tokens.iter().sum(), too_long };
    Ok((plan.judged(sample, smart.as_ref()), report, found, smart))
}

/// The rows of each stratum, in the order of the draw.
fn ordered(ctx: &Context, strata: &Strata, ranks: &Ranks, seed: u64) -> Result<Vec<Group>> {
    fn by<K: Ord>(
        ctx: &Context,
        strata: &Strata,
        key: impl Fn(u64) -> K + Sync,
    ) -> Result<Vec<Group>> {
        strata.map(ctx, |_, rows| {
            let mut rows = rows.to_vec();
            rows.sort_by_cached_key(|&row| key(u64::from(row)));
            Ok(Group { rows, lengths: Vec::new() })
        })
    }
    match ranks {
        Ranks::Alike => {
            let hash = RowHash::new(seed);
            by(ctx, strata, |row| hash.of(row))
        }
        Ranks::Weights(weights) => by(ctx, strata, |row| weights.candidate(row)),
        Ranks::Rule(ranking) => {
            let rows = strata.groups().count();
            memory::require_rows::<u32>(rows as u64, "the ranks")?;
            let mut rank = vec![u32::MAX; rows];
            (0..).zip(ranking.at(0..ranking.len())).for_each(|(at, row)| rank[row as usize] = at);
            by(ctx, strata, |row| rank[row as usize])
        }
    }
}

/// Rows of a group, in the order of the draw, of which the first have been counted.
struct Group {
    rows: Vec<u32>,
    lengths: Vec<u32>,
}

/// What of a group fits into its quota.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    rows: u64,
    tokens: u64,
    too_long: u64,
    /// Whether there is no room for the next row.
    is_full: bool,
}

impl Fit {
    /// What it has of the quota.
    fn amount(&self, goal: Goal) -> u64 {
        match goal {
            Goal::Rows(_) => self.rows,
            Goal::Tokens(_) => self.tokens,
        }
    }
}

impl Group {
    /// Rows that have not been counted.
    fn left(&self) -> u64 {
        (self.rows.len() - self.lengths.len()) as u64
    }

    /// What of the counted rows fits into a quota; `take` gets each of these rows.
    fn within(&self, quota: u64, limits: TokenLimits, mut take: impl FnMut(u32)) -> Fit {
        let max_tokens = limits.max_tokens.unwrap_or(u32::MAX);
        let mut fit = Fit::default();
        let is_enough = |fit: &Fit| matches!(limits.goal, Goal::Rows(_)) && fit.rows == quota;
        for (&row, &length) in self.rows.iter().zip(&self.lengths) {
            if is_enough(&fit) {
                break;
            }
            if length > max_tokens {
                fit.too_long += 1;
                continue;
            }
            let tokens = fit.tokens + u64::from(length);
            let more = Fit { rows: fit.rows + 1, tokens, ..fit };
            if more.amount(limits.goal) > quota {
                return Fit { is_full: true, ..fit };
            }
            fit = more;
            take(row);
        }
        fit.is_full = is_enough(&fit);
        fit
    }

    /// How many rows to look at next, as far as is known from those that were seen.
    fn upcoming(&self, fit: &Fit, quota: u64, goal: Goal, pilot: u64) -> u64 {
        let seen = self.lengths.len() as u64;
        let missing = quota.saturating_sub(fit.amount(goal));
        let (more, spare) = match (goal, fit.amount(goal)) {
            (Goal::Rows(_), _) if seen == 0 => (quota, 0),
            (Goal::Tokens(_), _) if seen == 0 => (pilot, 0),
            (_, 0) => (seen * 2, 0),
            (_, amount) => {
                ((missing as f64 * seen as f64 / amount as f64 * 1.02) as u64, pilot / 8)
            }
        };
        // By steps of a share, the end of a group is near however wrong estimates are.
        more.saturating_add(spare).max(seen / 16).clamp(1, self.left())
    }
}

/// The shares of groups, in rows or tokens.
struct TokenShares {
    /// By their weights alone.
    wanted: Vec<u64>,
    /// What they give at the most.
    quotas: Vec<u64>,
    /// What they have, of those that have been counted to their ends.
    most: Vec<u64>,
}

/// Groups, and what is asked of them.
struct CountedStrata {
    groups: Vec<Group>,
    weights: Vec<u64>,
    limits: TokenLimits,
}

impl CountedStrata {
    fn goal(&self) -> u64 {
        match self.limits.goal {
            Goal::Rows(goal) | Goal::Tokens(goal) => goal,
        }
    }

    /// What each group gives.
    fn shares(&mut self, ctx: &Context, rows: &Measure) -> Result<TokenShares> {
        let (goal, weights) = (self.goal(), Allocation::Weights(self.weights.clone()));
        let wanted = weights.divide(goal, &vec![goal; self.groups.len()])?.amounts;
        let mut most: Vec<u64> = match self.limits.goal {
            Goal::Rows(_) => self.groups.iter().map(|group| group.rows.len() as u64).collect(),
            Goal::Tokens(_) => vec![goal; self.groups.len()],
        };
        loop {
            let quotas = weights.divide(goal, &most)?.amounts;
            self.count(ctx, rows, &quotas)?;
            let mut is_done = true;
            for ((group, &quota), most) in self.groups.iter().zip(&quotas).zip(&mut most) {
                let fit = group.within(quota, self.limits, |_| ());
                let has = fit.amount(self.limits.goal);
                if quota > 0 && group.left() == 0 && !fit.is_full && has < *most {
                    (*most, is_done) = (has, is_done && has == quota);
                }
            }
            if is_done {
                return Ok(TokenShares { wanted, quotas, most });
            }
            let with_share = most.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0);
            let all = with_share.fold(0_u64, |all, (most, _)| all.saturating_add(*most));
            if all >= goal {
                continue;
            }
            if let Goal::Rows(n) = self.limits.goal {
                return Err(Error::Argument(format!(
                    "{n} rows are asked for, but the groups that may give some have only {all} rows \
                     of at most {} tokens; ask for no more, or raise max_tokens",
                    self.limits.max_tokens.unwrap_or(u32::MAX)
                )));
            }
            // A budget is the most: all rows are drawn.
            let quotas = most.iter().zip(&self.weights);
            let quotas = quotas.map(|(&most, &weight)| if weight > 0 { most } else { 0 }).collect();
            return Ok(TokenShares { wanted, quotas, most });
        }
    }

    /// Counts rows of each group until its quota is full, or there are no others.
    fn count(&mut self, ctx: &Context, rows: &Measure, quotas: &[u64]) -> Result<()> {
        loop {
            let fits = self.groups.iter().zip(quotas).map(|(group, &quota)| {
                let is_open = quota > 0 && group.left() > 0;
                is_open.then(|| group.within(quota, self.limits, |_| ())).filter(|fit| !fit.is_full)
            });
            let fits: Vec<Option<Fit>> = fits.collect();
            let open = fits.iter().flatten().count() as u64;
            if open == 0 {
                return Ok(());
            }
            let pilot = (PILOT_ROWS / open).max(1);
            let (mut ids, mut counts) = (Vec::new(), Vec::new());
            for (place, fit) in fits.iter().enumerate() {
                let Some(fit) = fit else { continue };
                let (group, quota) = (&self.groups[place], quotas[place]);
                let more = group.upcoming(fit, quota, self.limits.goal, pilot) as usize;
                let seen = group.lengths.len();
                ids.extend(group.rows[seen..seen + more].iter().map(|&row| u64::from(row)));
                counts.push((place, more));
            }
            memory::require_rows::<[u64; 3]>(ids.len() as u64, "the tokens of rows")?;
            let lengths = lengths_of(ctx, rows, &ids)?;
            let mut lengths = lengths.into_iter();
            for (place, more) in counts {
                self.groups[place].lengths.extend(lengths.by_ref().take(more));
            }
        }
    }
}
