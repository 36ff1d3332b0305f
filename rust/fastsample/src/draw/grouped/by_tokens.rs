//! Whole groups by the tokens of their rows.

use super::{GroupOrder, WholeGroups, too_few};
use crate::draw::counted::TokensDrawn;
use crate::draw::plan::{DrawPlan, DrawSize};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::{Members, Selection};
use crate::smart::SmartReport;
use crate::tokens::Measure;

/// The most that may be drawn: `u64::MAX` where nothing was said.
#[derive(Debug, Clone, Copy)]
struct Limits {
    rows: u64,
    groups: u64,
    budget: u64,
    /// Groups with a row of more are passed over.
    max_tokens: u32,
}

impl Limits {
    /// Those of a plan that asks for `n` rows, if it asks for rows.
    fn new(plan: &DrawPlan, n: u64) -> Self {
        let max_tokens = plan.counting.as_ref().and_then(|counting| counting.max_tokens);
        let none = Self {
            rows: u64::MAX,
            groups: u64::MAX,
            budget: u64::MAX,
            max_tokens: max_tokens.unwrap_or(u32::MAX),
        };
        match plan.size {
            DrawSize::Rows(_) => Self { rows: n, ..none },
            DrawSize::Tokens(budget) => Self { budget, ..none },
            DrawSize::Groups { n, .. } => Self { groups: n, ..none },
        }
    }
}

/// Draws whole groups by the tokens of their rows: those of at most `max_tokens` each, until the next
/// group would exceed the budget of tokens, each that still fits into `n` rows, or a number of groups.
///
/// # Errors
/// As [`super::draw`]; and whatever counting fails with.
pub(in crate::draw) fn draw_by_tokens(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    rows: &Measure,
    n: u64,
    columns: &[String],
) -> Result<(Sample, WholeGroups, TokensDrawn, Option<SmartReport>)> {
    let groups = GroupOrder::new(ctx, &population, plan, columns)?;
    let strata = groups.partition.strata();
    let mut found = TokensDrawn { tokens: 0, too_long: 0 };
    let limits = Limits::new(plan, n);
    let (Limits { budget, max_tokens, .. }, mut missing) = (limits, limits);
    let members = strata.members();
    let (mut drawn, mut first_beyond) = (Vec::new(), None);
    let mut rest = groups.order.as_slice();
    'all: while missing.rows > 0 && missing.groups > 0 && !rest.is_empty() {
        let (some, others) = rest.split_at(block(rest, strata.rows()));
        rest = others;
        let fits = |group: &&usize| strata.rows()[**group] <= missing.rows;
        let some: Vec<usize> = some.iter().filter(fits).copied().collect();
        let lengths = lengths(ctx, rows, &some, &members)?;
        for (group, lengths) in some.into_iter().zip(lengths) {
            let size = strata.rows()[group];
            let too_long = lengths.iter().filter(|&&length| length > max_tokens).count() as u64;
            if size > missing.rows || too_long > 0 {
                found.too_long += if size > missing.rows { 0 } else { too_long };
                continue;
            }
            let tokens = lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
            if found.tokens + tokens > budget {
                first_beyond = Some(tokens);
                break 'all;
            }
            found.tokens += tokens;
            missing.rows -= size;
            drawn.push(group);
            missing.groups -= 1;
            if missing.groups == 0 {
                break 'all;
            }
        }
    }
    if drawn.is_empty() {
        return Err(match first_beyond {
            Some(tokens) => Error::Argument(format!(
                "the first group of the draw has {tokens} tokens, but budget_tokens is {budget}, and \
                 groups are drawn whole; ask for more tokens"
            )),
            None if found.too_long > 0 => Error::Argument(format!(
                "each group that could be drawn has a row of more than {max_tokens} tokens; raise \
                 max_tokens"
            )),
            None => too_few(limits.rows, &groups.order, strata.rows()),
        });
    }
    if let DrawSize::Groups { n, at_most: false } = plan.size
        && missing.groups > 0
    {
        return Err(Error::Argument(format!(
            "n_groups is {n}, but only {} groups have no row of more than {max_tokens} tokens; ask \
             for no more, or raise max_tokens",
            drawn.len()
        )));
    }
    let wanted = if matches!(plan.size, DrawSize::Rows(_)) { limits.rows } else { 0 };
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
