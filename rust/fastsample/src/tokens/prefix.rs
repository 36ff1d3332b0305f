//! `TokenPrefix`: the first rows of a draw, counted as far as a budget that may grow.

use std::ops::Range;

use super::draw::{
    Goal, Order, PILOT_ROWS, RoomLeft, TokenDraw, TokenLimits, lengths_of, upcoming,
};
use super::measure::Measure;
use crate::error::Result;
use crate::exec::Context;

/// The rows of a source in the order of a draw, of which the first have been counted. No row is
/// counted twice.
///
/// Invariants: `ids` are the first rows of the order, `lengths` their tokens, `tokens` the sum.
#[derive(Debug)]
pub struct TokenPrefix<O> {
    rows: Measure,
    order: O,
    ids: Vec<u64>,
    lengths: Vec<u32>,
    tokens: u64,
}

impl<O: Order> TokenPrefix<O> {
    /// The rows of `order`, of which none has been counted.
    #[must_use]
    pub fn new(rows: Measure, order: O) -> Self {
        Self { rows, order, ids: Vec::new(), lengths: Vec::new(), tokens: 0 }
    }

    /// The order of the rows.
    #[must_use]
    pub fn order(&self) -> &O {
        &self.order
    }

    /// What counts the rows.
    #[must_use]
    pub fn measure(&self) -> &Measure {
        &self.rows
    }

    /// Counts rows until they have more than `budget` tokens together, or there are no others.
    ///
    /// # Errors
    /// As [`Measure::lengths`].
    pub fn count(&mut self, ctx: &Context, budget: u64) -> Result<()> {
        while self.tokens <= budget && self.total().is_none() {
            let seen = self.ids.len() as u64;
            let more = upcoming(Goal::Tokens(budget), self.tokens, seen, PILOT_ROWS);
            let ids = self.order.at(ctx, seen, more.clamp(1, self.order.rows() - seen))?;
            let lengths = lengths_of(ctx, &self.rows, &ids)?;
            self.tokens += lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
            self.ids.extend(ids);
            self.lengths.extend(lengths);
        }
        Ok(())
    }

    /// The tokens of all rows, once all are counted.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        (self.ids.len() as u64 == self.order.rows()).then_some(self.tokens)
    }

    /// The number of rows that come before the sum of tokens exceeds `budget`, and their tokens.
    /// Requires that [`TokenPrefix::count`] was called with as much.
    #[must_use]
    pub fn within(&self, budget: u64) -> (usize, u64) {
        debug_assert!(self.tokens > budget || self.total().is_some(), "more has to be counted");
        let mut sum = 0;
        for (row, &length) in self.lengths.iter().enumerate() {
            let more = sum + u64::from(length);
            if more > budget {
                return (row, sum);
            }
            sum = more;
        }
        (self.lengths.len(), sum)
    }

    /// The rows from place `start` on, up to a goal; counts rows as far as need be. None where rows end
    /// before that, but for the first ones of a budget, which may be all there are.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::error::Error::Argument) where the first row exceeds the budget; and as
    /// [`Measure::lengths`].
    pub(crate) fn window(
        &mut self,
        ctx: &Context,
        limits: TokenLimits,
        start: usize,
    ) -> Result<Option<(TokenDraw, usize)>> {
        let (mut drawn, mut place) = (TokenDraw::new(), start);
        loop {
            while place < self.ids.len() {
                match drawn.see(self.ids[place], self.lengths[place], limits)? {
                    RoomLeft::More => place += 1,
                    RoomLeft::Last => return Ok(Some((drawn, place + 1))),
                    RoomLeft::Beyond => return Ok(Some((drawn, place))),
                }
            }
            if self.total().is_some() {
                let is_all = start == 0 && !drawn.ids.is_empty();
                let is_enough = match limits.goal {
                    Goal::Tokens(budget) => is_all || drawn.tokens == budget,
                    Goal::Rows(_) => false,
                };
                return Ok(is_enough.then_some((drawn, place)));
            }
            let more = match limits.goal {
                Goal::Tokens(budget) => budget.saturating_sub(drawn.tokens),
                // Of the mean length of those before.
                Goal::Rows(n) => {
                    let mean = self.tokens.div_ceil(self.ids.len().max(1) as u64).max(1);
                    (n - drawn.ids.len() as u64).saturating_mul(mean)
                }
            };
            self.count(ctx, self.tokens.saturating_add(more))?;
        }
    }

    /// Rows that have been counted.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.ids.len()
    }

    /// Rows of at most `max_tokens`, of those that have been counted.
    pub(super) fn short_rows(&self, max_tokens: u32) -> u64 {
        self.lengths.iter().filter(|&&length| length <= max_tokens).count() as u64
    }

    /// The tokens of the first row; none if there are no rows.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.lengths.first().copied()
    }

    /// The ordinals of the rows at these places, in the order of the draw.
    #[must_use]
    pub fn ids(&self, places: Range<usize>) -> &[u64] {
        &self.ids[places]
    }

    /// The tokens of the rows at these places, in the order of the source.
    #[must_use]
    pub fn lengths_in_source(&self, places: Range<usize>) -> Vec<u32> {
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable_by_key(|&place| self.ids[place]);
        places.into_iter().map(|place| self.lengths[place]).collect()
    }
}
