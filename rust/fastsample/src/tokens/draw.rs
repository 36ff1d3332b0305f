//! Draws by tokens: rows up to a limit of tokens each, or up to a budget of tokens in all.
//!
//! ```text
//! for the rows in the order of the draw, some thousand at a time:
//!     longer than the limit?                  skip it
//!     n rows were asked for?                  take it; n taken: done
//!     a budget was given?                     take it while the sum stays within; else done
//! ```
//!
//! Only these rows are tokenized, so a small draw from a large source is cheap. The result does not
//! depend on the number of rows at a time.

use super::Measure;
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::select::{ArrivalOrder, Selection, window_among};

/// Rows tokenized first, to estimate the length of rows.
pub(crate) const PILOT_ROWS: u64 = 8192;

/// Rows tokenized beyond the estimate: another pass costs more than a few rows.
const SPARE_ROWS: u64 = 1024;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// At this number of rows.
    Rows(u64),
    /// Before the row with which the sum of tokens would exceed this.
    Tokens(u64),
}

/// What ends a draw, and what it skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimits {
    /// When to stop.
    pub goal: Goal,
    /// Rows with more tokens are skipped.
    pub max_tokens: Option<u32>,
}

/// The rows that were drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDraw {
    /// Their ordinals, in the order of the draw.
    pub ids: Vec<u64>,
    /// Their tokens, together.
    pub tokens: u64,
    /// Rows that were skipped.
    pub too_long: u64,
}

/// What became of a row that a draw comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomLeft {
    /// There is room for more.
    More,
    /// It is the last one.
    Last,
    /// The one before was: there is no room for it.
    Beyond,
}

impl TokenDraw {
    pub(super) fn new() -> Self {
        Self { ids: Vec::new(), tokens: 0, too_long: 0 }
    }

    /// Takes the next row in the order, skips it, or stops before it.
    ///
    /// # Errors
    /// [`Error::Argument`] where the first row exceeds the budget.
    pub(super) fn see(&mut self, id: u64, length: u32, limits: TokenLimits) -> Result<RoomLeft> {
        if length > limits.max_tokens.unwrap_or(u32::MAX) {
            self.too_long += 1;
            return Ok(RoomLeft::More);
        }
        let tokens = self.tokens + u64::from(length);
        if let Goal::Tokens(budget) = limits.goal
            && tokens > budget
        {
            if self.ids.is_empty() {
                return Err(Error::Argument(format!(
                    "the first row of the draw has {length} tokens, but budget_tokens is {budget}; \
                     ask for more tokens, or leave long rows out with max_tokens"
                )));
            }
            return Ok(RoomLeft::Beyond);
        }
        self.tokens = tokens;
        self.ids.push(id);
        let is_last = limits.goal == Goal::Rows(self.ids.len() as u64);
        Ok(if is_last { RoomLeft::Last } else { RoomLeft::More })
    }
}

/// All rows of a source, in the order in which they are drawn.
pub trait Order {
    /// How many there are.
    fn rows(&self) -> u64;

    /// The ordinals of `count` rows from rank `first` on.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>>;

    /// How many rows may be asked for at once.
    fn at_once(&self) -> u64 {
        u64::MAX
    }

    /// Rows after which a draw that has nothing of its goal gives up.
    fn patience(&self) -> u64 {
        self.rows()
    }
}

/// Rows of a draw with replacement, some several times, of so many rows.
impl<W: Fn(u64) -> u32 + Sync> Order for ArrivalOrder<W> {
    fn rows(&self) -> u64 {
        Self::MOST
    }

    fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>> {
        self.at(ctx, first, count)
    }

    fn at_once(&self) -> u64 {
        self.rows.max(LEAST_AT_ONCE)
    }

    fn patience(&self) -> u64 {
        self.rows.saturating_mul(2).max(PILOT_ROWS)
    }
}

/// Rows of a draw with replacement that are put in order at once, whatever the source has.
const LEAST_AT_ONCE: u64 = 1 << 20;

/// The order of a uniform draw.
#[derive(Debug, Clone)]
pub struct UniformOrder {
    /// The rows that may be drawn.
    pub among: Selection,
    /// The seed of the draw.
    pub seed: u64,
}

impl Order for UniformOrder {
    fn rows(&self) -> u64 {
        self.among.len()
    }

    fn at(&self, ctx: &Context, first: u64, count: u64) -> Result<Vec<u64>> {
        memory::require_rows::<[u64; 2]>(count, "the ordinals")?;
        let mut ids = Vec::with_capacity(count as usize);
        let drawn = window_among(ctx, &self.among, count, self.seed, first)?;
        drawn.extend_ids(0..drawn.rows(), &mut ids);
        let hash = RowHash::new(self.seed);
        ids.sort_by_cached_key(|&id| hash.of(id));
        Ok(ids)
    }
}

/// Draws rows in the order `order`.
///
/// # Errors
/// [`Error::Argument`] when there are not enough rows that are short enough, or when the first row
/// exceeds the budget; and whatever reading fails with.
pub fn draw(
    ctx: &Context,
    rows: &Measure,
    order: &impl Order,
    limits: TokenLimits,
) -> Result<TokenDraw> {
    walk(ctx, order, limits, PILOT_ROWS, |ids| lengths_of(ctx, rows, ids))
}

/// As [`draw`], with replacement. No row is counted twice.
///
/// # Errors
/// As [`draw`].
pub fn draw_again<W: Fn(u64) -> u32 + Sync>(
    ctx: &Context,
    rows: &Measure,
    order: &ArrivalOrder<W>,
    limits: TokenLimits,
) -> Result<TokenDraw> {
    memory::require_rows::<Option<u32>>(order.rows, "the tokens of rows")?;
    let mut known = vec![None; order.rows as usize];
    walk(ctx, order, limits, PILOT_ROWS, |ids| {
        let is_new = |id: &&u64| known[**id as usize].is_none();
        let mut new: Vec<u64> = ids.iter().filter(is_new).copied().collect();
        new.sort_unstable();
        new.dedup();
        for (id, length) in new.iter().zip(lengths_of(ctx, rows, &new)?) {
            known[*id as usize] = Some(length);
        }
        Ok(ids.iter().filter_map(|&id| known[id as usize]).collect())
    })
}

/// The tokens of some rows, in the order of their ordinals `ids`.
pub(crate) fn lengths_of(ctx: &Context, rows: &Measure, ids: &[u64]) -> Result<Vec<u32>> {
    let mut places: Vec<usize> = (0..ids.len()).collect();
    places.sort_unstable_by_key(|&place| ids[place]);
    let found = rows.lengths(ctx, &Selection::of_ids(ids, rows.source().rows())?)?;
    let mut tokens = vec![0; ids.len()];
    places.into_iter().zip(found).for_each(|(place, length)| tokens[place] = length);
    Ok(tokens)
}

fn walk(
    ctx: &Context,
    order: &impl Order,
    limits: TokenLimits,
    pilot: u64,
    mut lengths: impl FnMut(&[u64]) -> Result<Vec<u32>>,
) -> Result<TokenDraw> {
    let max_tokens = limits.max_tokens.unwrap_or(u32::MAX);
    let mut drawn = TokenDraw::new();
    let mut seen = 0;
    while seen < order.rows() {
        let so_far = match limits.goal {
            Goal::Rows(_) => drawn.ids.len() as u64,
            Goal::Tokens(_) => drawn.tokens,
        };
        if so_far == 0 && seen >= order.patience() {
            return Err(Error::Argument(format!(
                "each of the first {seen} rows of the draw has more than {max_tokens} tokens, or \
                 none at all; raise max_tokens, or leave rows without text out"
            )));
        }
        let count = upcoming(limits.goal, so_far, seen, pilot).clamp(1, order.rows() - seen);
        let count = count.min(order.at_once());
        let ids = order.at(ctx, seen, count)?;
        for (&id, length) in ids.iter().zip(lengths(&ids)?) {
            if drawn.see(id, length, limits)? != RoomLeft::More {
                return Ok(drawn);
            }
        }
        seen += count;
    }
    match limits.goal {
        Goal::Tokens(_) if !drawn.ids.is_empty() => Ok(drawn),
        _ => Err(too_few(drawn.ids.len() as u64, order.rows(), max_tokens)),
    }
}

pub(super) fn too_few(short: u64, rows: u64, max_tokens: u32) -> Error {
    Error::Argument(format!(
        "only {short} of {rows} rows have at most {max_tokens} tokens; ask for no more, or raise \
         max_tokens"
    ))
}

/// How many rows to look at next, as far as is known from those that were seen: `so_far` is what
/// they have of the goal.
pub(super) fn upcoming(goal: Goal, so_far: u64, seen: u64, pilot: u64) -> u64 {
    let wanted = match goal {
        Goal::Rows(n) if seen == 0 => return n,
        Goal::Tokens(_) if seen == 0 => return pilot,
        Goal::Rows(wanted) | Goal::Tokens(wanted) => wanted,
    };
    if so_far == 0 {
        return seen.saturating_mul(2);
    }
    let rate = so_far as f64 / seen as f64;
    let spare = if pilot == PILOT_ROWS { SPARE_ROWS } else { 1 };
    ((wanted.saturating_sub(so_far) as f64 / rate * 1.02) as u64).saturating_add(spare)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(order: &[u64], lengths: &[u32], limits: TokenLimits) -> Option<TokenDraw> {
        let max = limits.max_tokens.unwrap_or(u32::MAX);
        let mut drawn = TokenDraw { ids: Vec::new(), tokens: 0, too_long: 0 };
        let mut full = false;
        for &id in order {
            let length = lengths[id as usize];
            if length > max {
                drawn.too_long += 1;
                continue;
            }
            if matches!(limits.goal, Goal::Tokens(b) if drawn.tokens + u64::from(length) > b) {
                full = true;
                break;
            }
            drawn.ids.push(id);
            drawn.tokens += u64::from(length);
            if limits.goal == Goal::Rows(drawn.ids.len() as u64) {
                full = true;
                break;
            }
        }
        let enough = !drawn.ids.is_empty() && (full || matches!(limits.goal, Goal::Tokens(_)));
        enough.then_some(drawn)
    }

    proptest! {
        #[test]
        fn the_walk_is_the_naive_one(
            lengths in prop::collection::vec(0_u32..50, 1..400), seed: u64, pilot in 1_u64..60,
            max_tokens in prop::option::of(0_u32..60), by_rows: bool, size in 1_u64..3000
        ) {
            let rows = lengths.len() as u64;
            let goal =
                if by_rows { Goal::Rows(size % rows + 1) } else { Goal::Tokens(size) };
            let limits = TokenLimits { goal, max_tokens };
            let (ctx, order) = (Context::new(Some(2)), UniformOrder { among: Selection::All { rows }, seed });
            let found = walk(&ctx, &order, limits, pilot, |ids| {
                Ok(ids.iter().map(|&id| lengths[id as usize]).collect())
            });
            let hash = RowHash::new(seed);
            let mut sorted: Vec<u64> = (0..rows).collect();
            sorted.sort_by_key(|&id| hash.of(id));
            prop_assert_eq!(found.ok(), naive(&sorted, &lengths, limits));
        }
    }
}
