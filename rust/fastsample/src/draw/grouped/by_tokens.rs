//! Whole groups by the tokens of their rows.

use super::{GroupOrder, WholeGroups, too_few};
use crate::draw::counted::TokensDrawn;
use crate::draw::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::{Members, Selection};
use crate::smart::SmartReport;
use crate::tokens::{Goal, Measure, TokenLimits};

/// Draws whole groups by the tokens of their rows: those of at most `max_tokens` each, until the next
/// group would exceed the budget of tokens, or each that still fits into a number of rows.
///
/// # Errors
/// As [`super::draw`]; and whatever counting fails with.
pub(in crate::draw) fn draw_by_tokens(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    rows: &Measure,
    limits: TokenLimits,
    columns: &[String],
) -> Result<(Sample, WholeGroups, TokensDrawn, Option<SmartReport>)> {
    let groups = GroupOrder::new(ctx, &population, plan, columns)?;
    let strata = groups.partition.strata();
    let mut found = TokensDrawn { tokens: 0, too_long: 0 };
    let max_tokens = limits.max_tokens.unwrap_or(u32::MAX);
    let (mut missing, wanted) = match limits.goal {
        Goal::Rows(n) => (n, n),
        Goal::Tokens(_) => (u64::MAX, 0),
    };
    let members = strata.members();
    let (mut drawn, mut first_beyond) = (Vec::new(), None);
    let mut rest = groups.order.as_slice();
    'all: while missing > 0 && !rest.is_empty() {
        let (some, others) = rest.split_at(block(rest, strata.rows()));
        rest = others;
        let fits = |group: &&usize| strata.rows()[**group] <= missing;
        let some: Vec<usize> = some.iter().filter(fits).copied().collect();
        let lengths = lengths(ctx, rows, &some, &members)?;
        for (group, lengths) in some.into_iter().zip(lengths) {
            let size = strata.rows()[group];
            let too_long = lengths.iter().filter(|&&length| length > max_tokens).count() as u64;
            if size > missing || too_long > 0 {
                found.too_long += if size > missing { 0 } else { too_long };
                continue;
            }
            let tokens = lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
            if let Goal::Tokens(budget) = limits.goal
                && found.tokens + tokens > budget
            {
                first_beyond = Some(tokens);
                break 'all;
            }
            (found.tokens, missing) = (found.tokens + tokens, missing - size);
            drawn.push(group);
        }
    }
    if drawn.is_empty() {
        return Err(match (limits.goal, first_beyond) {
            (Goal::Tokens(budget), Some(tokens)) => Error::Argument(format!(
                "the first group of the draw has {tokens} tokens, but budget_tokens is {budget}, and \
                 groups are drawn whole; ask for more tokens"
            )),
            _ if found.too_long > 0 => Error::Argument(format!(
                "each group that could be drawn has a row of more than {max_tokens} tokens; raise \
                 max_tokens"
            )),
            _ => too_few(wanted, &groups),
        });
    }
    let (sample, whole, report) = groups.sample(ctx, population, plan, &drawn, wanted, 1)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    Ok((sample, whole, found, report))
}

/// Rows whose tokens are counted at once.
const BLOCK_ROWS: u64 = 8192;

/// How many of the next groups have that many rows; at least one.
fn block(order: &[usize], rows: &[u64]) -> usize {
    let mut all = 0;
    let more = order.iter().take_while(|&&group| {
        let is_full = all >= BLOCK_ROWS;
        all += rows[group];
        !is_full
    });
    more.count()
}

/// The tokens of the rows of each of some groups.
fn lengths(
    ctx: &Context,
    rows: &Measure,
    groups: &[usize],
    members: &Members,
) -> Result<Vec<Vec<u32>>> {
    let mut ids: Vec<(u64, usize)> = Vec::new();
    for (place, &group) in groups.iter().enumerate() {
        ids.extend(members.of(group).map(|row| (row, place)));
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ids.sort_unstable();
    let chosen: Vec<u64> = ids.iter().map(|(row, _)| *row).collect();
    let found = rows.lengths(ctx, &Selection::of_ids(&chosen, rows.source().rows())?)?;
    let mut lengths = vec![Vec::new(); groups.len()];
    for ((_, place), length) in ids.into_iter().zip(found) {
        lengths[place].push(length);
    }
    Ok(lengths)
}
