//! Rows by their tokens, in the order of a uniform draw, of a column of weights, or of a rule.

use super::combination::{DrawPart, check_combination};
use super::counted::TokensDrawn;
use super::drawn::Drawn;
use super::order::DrawOrder;
use super::ordered;
use super::plan::DrawPlan;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::tokens::{self, Measure, TokenDraw, TokenEpochs, TokenLimits, TokenPrefix};

/// Draws n rows with a limit of tokens each, or rows until a budget of tokens is used up.
///
/// # Errors
/// [`crate::Error::Argument`] when there are not enough, and whatever reading fails with.
pub(super) fn draw(
    ctx: &Context,
    order: &DrawOrder,
    plan: &DrawPlan,
    rows: &Measure,
    limits: TokenLimits,
) -> Result<Drawn> {
    let drawn = tokens::draw(ctx, rows, order, limits)?;
    found(order, plan.seed, rows, &drawn)
}

fn found(order: &DrawOrder, seed: u64, rows: &Measure, drawn: &TokenDraw) -> Result<Drawn> {
    let (selection, smart) = order.chosen(&drawn.ids)?;
    let sample = Sample::of_population(order.population().clone(), selection, seed, None)?;
    let sample = sample.with_text(rows.text().clone()).with_inputs(rows.inputs());
    let tokens = TokensDrawn { tokens: drawn.tokens, too_long: drawn.too_long };
    Ok(Drawn { smart, tokens: Some(tokens), notes: rows.notes(), ..Drawn::of(sample) })
}

/// Draws by tokens that follow each other in one order of rows. No row is counted twice.
#[derive(Debug)]
pub struct CountedEpochs {
    epochs: TokenEpochs<DrawOrder>,
    seed: u64,
}

impl CountedEpochs {
    /// The epochs of a plan whose rows are counted.
    ///
    /// # Errors
    /// As [`super::draw()`].
    pub fn new(ctx: &Context, population: Population, plan: &DrawPlan) -> Result<Self> {
        check_combination(&[plan.parts(), vec![DrawPart::Epochs]].concat())?;
        let Some(counting) = &plan.counting else {
            return Err(Error::Internal("epochs by tokens that are not counted".into()));
        };
        let (order, rows, limits) = ordered(ctx, population, plan, counting)?;
        let epochs = TokenEpochs::new(TokenPrefix::new(rows, order), limits);
        Ok(Self { epochs, seed: plan.seed })
    }

    /// The rows of an epoch, from 0; none behind the last row. The first is what [`super::draw()`] draws.
    ///
    /// # Errors
    /// As [`TokenEpochs::epoch`].
    pub fn epoch(&mut self, ctx: &Context, epoch: usize) -> Result<Option<Drawn>> {
        let Some(drawn) = self.epochs.epoch(ctx, epoch)? else { return Ok(None) };
        let rows = self.epochs.rows();
        found(rows.order(), self.seed, rows.measure(), &drawn).map(Some)
    }

    /// How many there are. All rows are counted for that.
    ///
    /// # Errors
    /// As [`TokenEpochs::count`].
    pub fn count(&mut self, ctx: &Context) -> Result<usize> {
        self.epochs.count(ctx)
    }
}
