//! Draws: one description, [`DrawPlan`], and one function that draws what it says, [`draw`].
//!
//! ```text
//!  predicate      partition             weight                measure, amount
//!  Population ─▶ Cells: all rows, ─▶ Weighting: column, ─▶ DrawSize: rows, a share, tokens,
//!                of each group,      rule; Replacement      groups (Counting: of which rows)
//!                whole groups
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `plan` | the description |
//! | `drawn` | what was drawn |
//! | `combination` | which parts of a description go together; nothing else refuses a combination |
//! | `stratified`, `stratified_tokens` | of each group of rows its own number, or tokens |
//! | `division` | how many rows of each group |
//! | `grouped` | whole groups of rows, also of each stratum its own number |
//! | `keyed` | by a column instead of the place of a row |
//! | `weighted` | by a column of weights |
//! | `repeated` | with replacement |
//! | `column` | the column of weights |
//! | `order` | the rows in the order of a draw by chance, by weights or by a rule |
//! | `ranked` | by a rule, times a column of weights |
//! | `by_tokens`, `counted` | rows of at most some tokens each, or up to a budget of them; their tokens |

mod by_tokens;
mod column;
mod combination;
mod counted;
mod division;
mod drawn;
mod grouped;
mod keyed;
mod order;
mod plan;
mod ranked;
mod repeated;
mod stratified;
mod stratified_tokens;
mod weighted;

use arrow_array::RecordBatchReader;

pub use self::by_tokens::CountedEpochs;
pub use self::combination::{DrawPart, check_combination};
pub use self::counted::TokensDrawn;
pub use self::division::{GROUPS_SHOWN, GroupDraw, GroupsReport, Measured};
pub(crate) use self::division::{GroupTable, allocation, divide, largest};
pub use self::drawn::Drawn;
pub use self::grouped::WholeGroups;
pub(crate) use self::grouped::whole_amounts;
pub(crate) use self::order::DrawOrder;
pub use self::plan::{Cells, Counting, DrawPlan, DrawSize, Shares, Weighting};
pub use self::ranked::{rank, window};
pub(crate) use self::weighted::choose;
use crate::columns::named_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::Amount;
use crate::tokens::{Goal, Measure, TokenLimits};

/// Draws the rows of a population that `plan` describes.
///
/// # Errors
/// As [`check_combination`], [`Population::count`], and what draws of its kind fail with: [`Error::Column`]
/// for columns that are not there or do not fit; [`Error::Argument`] for shares that make no sense,
/// for weights that are no numbers of at least 0, and where too few rows or groups can be drawn; and
/// whatever reading fails with.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
/// use fastsample::draw::{DrawPlan, DrawSize, Weighting, draw};
/// use fastsample::{Amount, Context, Source};
///
/// let column: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..100));
/// let batch = RecordBatch::try_from_iter([("score", column)])?;
/// let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let plan = DrawPlan::new(DrawSize::Rows(Amount::Rows(10)), 42);
/// let weight = Weighting { column: Some("score".into()), rule: None };
/// let drawn = draw(&Context::new(None), source.into(), &DrawPlan { weight, ..plan })?;
/// assert_eq!((drawn.sample.len(), drawn.epochs), (10, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// By a rule, which reads the text of all rows:
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// use fastsample::draw::{DrawPlan, DrawSize, Weighting, draw};
/// use fastsample::{Amount, Context, Rule, Smart, Source};
///
/// // Half of the rows are one and the same.
/// let text = |i| if i % 2 == 0 { "Hello there!".into() } else { format!("Is {i} a prime number?") };
/// let texts: Vec<String> = (0..100).map(text).collect();
/// let column: ArrayRef = Arc::new(StringArray::from(texts));
/// let batch = RecordBatch::try_from_iter([("prompt", column)])?;
/// let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let rule = Rule::Weighted(Smart { commonness: 0.0, ..Smart::default() });
/// let weight = Weighting { column: None, rule: Some(rule) };
/// let plan = DrawPlan { weight, ..DrawPlan::new(DrawSize::Rows(Amount::Rows(40)), 42) };
/// let drawn = draw(&Context::new(None), source.into(), &plan)?;
/// let copies = drawn.smart.map(|found| (found.copies, found.copies_drawn));
/// assert_eq!((drawn.sample.len(), copies), (40, Some((49, 0))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn draw(ctx: &Context, population: Population, plan: &DrawPlan) -> Result<Drawn> {
    check_combination(&plan.parts())?;
    let amount = match (plan.size, &plan.counting) {
        (_, Some(counting)) => return counted(ctx, population, plan, counting),
        (DrawSize::Rows(amount), None) => amount,
        (DrawSize::Tokens(_), None) => {
            return Err(Error::Argument(
                "budget_tokens and max_tokens need a tokenizer; pass tokenizer=".into(),
            ));
        }
        // One row has to be there.
        (DrawSize::Groups { .. }, None) => Amount::Rows(1),
    };
    let (text, rule) = (plan.text.as_deref(), plan.weight.rule.as_ref());
    // A rule has text columns of its own.
    let text = text.filter(|_| rule.is_none());
    let text = text.map(|names| named_columns(population.source(), names)).transpose()?;
    let drawn = match (&plan.cells, rule) {
        (Cells::Each { by, shares }, _) => {
            let (sample, groups, smart) =
                stratified::draw(ctx, population, plan, amount, by, shares)?;
            let epochs = groups.windows;
            Drawn { groups: Some(groups), smart, epochs, ..Drawn::of(sample) }
        }
        (Cells::Whole(columns), _) => {
            let (sample, whole, smart) = grouped::draw(ctx, population, plan, amount, columns)?;
            Drawn { whole: Some(whole), smart, epochs: whole.epochs, ..Drawn::of(sample) }
        }
        (Cells::WholeOfEach { group, by, shares }, _) => {
            let of_each = (by.as_slice(), shares);
            let (sample, groups, whole, smart) =
                grouped::draw_of_each(ctx, population, plan, amount, group, of_each)?;
            let epochs = whole.epochs;
            Drawn { groups: Some(groups), whole: Some(whole), smart, epochs, ..Drawn::of(sample) }
        }
        (Cells::All, _) if plan.replace => {
            let (sample, smart) = repeated::draw(ctx, population, plan, amount)?;
            Drawn { smart, ..Drawn::of(sample) }
        }
        (Cells::All, Some(rule)) => ranked::draw(ctx, population, plan, amount, rule)?,
        (Cells::All, None) => Drawn::of(match (&plan.weight.column, &plan.key) {
            (Some(column), _) => weighted::draw(ctx, population, plan, amount, column)?,
            (None, Some(key)) => keyed::draw(ctx, population, plan, amount, key)?,
            (None, None) => uniform(ctx, population, plan, amount)?,
        }),
    };
    Ok(Drawn { sample: text.into_iter().fold(drawn.sample, Sample::with_text), ..drawn })
}

/// Draws rows whose tokens are counted.
fn counted(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    counting: &Counting,
) -> Result<Drawn> {
    let amount = rows_asked(plan);
    if plan.replace {
        let goal = match plan.size {
            DrawSize::Tokens(budget) => Goal::Tokens(budget),
            DrawSize::Rows(_) | DrawSize::Groups { .. } => Goal::Rows(population.asked(amount)?),
        };
        let limits = TokenLimits { goal, max_tokens: counting.max_tokens };
        return repeated::draw_by_tokens(ctx, population, plan, limits, counting);
    }
    if let Cells::Whole(columns) = &plan.cells {
        let n = population.count(amount)?;
        let rows = measure(ctx, &population, plan, counting)?;
        let (sample, whole, tokens, smart) =
            grouped::draw_by_tokens(ctx, population, plan, &rows, n, columns)?;
        let (tokens, notes) = (Some(tokens), rows.notes());
        return Ok(Drawn { smart, whole: Some(whole), tokens, notes, ..Drawn::of(sample) });
    }
    let (order, rows, limits) = ordered(ctx, population, plan, counting)?;
    if let Cells::Each { by, shares } = &plan.cells {
        let (sample, groups, tokens, smart) =
            stratified_tokens::draw(ctx, &order, plan, &rows, limits, (by, shares))?;
        let (groups, tokens, notes) = (Some(groups), Some(tokens), rows.notes());
        return Ok(Drawn { smart, groups, tokens, notes, ..Drawn::of(sample) });
    }
    by_tokens::draw(ctx, &order, plan, &rows, limits)
}

/// The rows that a plan asks for; one where it asks for something else.
fn rows_asked(plan: &DrawPlan) -> Amount {
    match plan.size {
        DrawSize::Rows(amount) => amount,
        DrawSize::Tokens(_) | DrawSize::Groups { .. } => Amount::Rows(1),
    }
}

/// What counts the tokens of a population.
fn measure(
    ctx: &Context,
    population: &Population,
    plan: &DrawPlan,
    counting: &Counting,
) -> Result<Measure> {
    let (source, tokenizer) = (population.source().clone(), counting.tokenizer.clone());
    Measure::new(ctx, source, plan.text.as_deref(), tokenizer)
}

/// The rows in the order of a draw by tokens, what counts them, and when there are enough.
fn ordered(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    counting: &Counting,
) -> Result<(DrawOrder, Measure, TokenLimits)> {
    let amount = rows_asked(plan);
    population.count(amount)?;
    // Rows are ranked before the tokenizer meets the first.
    let order = DrawOrder::new(ctx, population, plan)?;
    let n = order.population().count(amount)?;
    let rows = measure(ctx, order.population(), plan, counting)?;
    let goal =
        if let DrawSize::Tokens(budget) = plan.size { Goal::Tokens(budget) } else { Goal::Rows(n) };
    Ok((order, rows, TokenLimits { goal, max_tokens: counting.max_tokens }))
}

/// Draws `n` rows of a stream that can be read once, for a plan that [`DrawPlan::one_pass`] says that
/// of. Only `columns` are kept, if some are named.
///
/// # Errors
/// As [`Sample::from_stream`].
pub fn draw_once(
    ctx: &Context,
    stream: impl RecordBatchReader,
    columns: Option<&[String]>,
    n: u64,
    plan: &DrawPlan,
) -> Result<Drawn> {
    let sample = Sample::from_stream(ctx, stream, n, plan.seed, columns, plan.text.as_deref())?;
    Ok(Drawn::of(if plan.weights { sample.with_uniform_weights()? } else { sample }))
}

fn uniform(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
) -> Result<Sample> {
    let first = match plan.epoch {
        0 => 0,
        epoch => {
            let (n, rows) = (population.count(amount)?, u128::from(population.rows()));
            (u128::from(epoch) * u128::from(n) % rows) as u64
        }
    };
    let sample = Sample::window(ctx, population, amount, plan.seed, first)?;
    if plan.weights { sample.with_uniform_weights() } else { Ok(sample) }
}
