//! Draws: one description, [`DrawPlan`], and one function that draws what it says, [`draw`].
//!
//! ```text
//!  predicate      partition             weight                measure, amount
//!  Population ─▶ Cells: all rows, ─▶ Weighting: column, ─▶ Size: rows, a share, tokens
//!                of each group,      rule; Replacement      (Counting: of which rows)
//!                whole groups
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `plan` | the description |
//! | `combination` | which parts of a description go together; nothing else refuses a combination |
//! | `stratified` | of each group of rows its own number |
//! | `grouped` | whole groups of rows |
//! | `weighted` | by a column of weights |
//! | `repeated` | with replacement |
//! | `by_tokens` | rows of at most some tokens each, or up to a budget of them |

mod by_tokens;
mod combination;
mod grouped;
mod plan;
mod repeated;
mod stratified;
mod weighted;

use arrow_array::RecordBatchReader;

pub use self::by_tokens::TokensDrawn;
pub use self::combination::{DrawPart, check_combination};
pub use self::grouped::WholeGroups;
pub use self::plan::{Cells, Counting, DrawPlan, Shares, Size, Weighting};
pub use self::stratified::{GROUPS_SHOWN, GroupDraw, GroupsReport};
pub(crate) use self::weighted::choose;
use crate::columns::named_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::Sample;
use crate::select::Amount;
use crate::smart::{Ranking, Rule, SmartReport};
use crate::tokens::{Goal, Measure, TokenLimits};

/// What was drawn.
#[derive(Debug)]
pub struct Drawn {
    /// The rows.
    pub sample: Sample,
    /// What a rule found.
    pub smart: Option<SmartReport>,
    /// The groups of which each gave its own number.
    pub groups: Option<GroupsReport>,
    /// The groups that were drawn whole.
    pub whole: Option<WholeGroups>,
    /// The tokens of the rows, if they were counted.
    pub tokens: Option<TokensDrawn>,
    /// What was chosen for the user, a sentence each.
    pub notes: Vec<String>,
    /// Draws that share no row, one behind the other in the order of the draw.
    pub epochs: u64,
}

impl Drawn {
    /// A sample of which nothing else is known.
    fn of(sample: Sample) -> Self {
        let epochs = sample.population() / sample.len().max(1);
        Self {
            sample,
            smart: None,
            groups: None,
            whole: None,
            tokens: None,
            notes: Vec::new(),
            epochs,
        }
    }
}

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
/// use fastsample::draw::{DrawPlan, Size, Weighting, draw};
/// use fastsample::{Amount, Context, Source};
///
/// let column: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..100));
/// let batch = RecordBatch::try_from_iter([("score", column)])?;
/// let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let plan = DrawPlan::new(Size::Rows(Amount::Rows(10)), 42);
/// let weight = Weighting { column: Some("score".into()), rule: None };
/// let drawn = draw(&Context::new(None), source.into(), &DrawPlan { weight, ..plan })?;
/// assert_eq!((drawn.sample.len(), drawn.epochs), (10, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn draw(ctx: &Context, population: Population, plan: &DrawPlan) -> Result<Drawn> {
    check_combination(&plan.parts())?;
    let amount = match (plan.size, &plan.counting) {
        (_, Some(counting)) => return counted(ctx, population, plan, counting),
        (Size::Rows(amount), None) => amount,
        (Size::Tokens(_), None) => {
            return Err(Error::Argument(
                "budget_tokens and max_tokens need a tokenizer; pass tokenizer=".into(),
            ));
        }
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
            let (sample, whole) = grouped::draw(ctx, population, plan, amount, columns)?;
            Drawn { whole: Some(whole), epochs: whole.epochs, ..Drawn::of(sample) }
        }
        (Cells::All, Some(rule)) => by_rule(ctx, population, plan, amount, rule)?,
        (Cells::All, None) => Drawn::of(match &plan.weight.column {
            _ if plan.replace => repeated::draw(ctx, population, plan, amount)?,
            Some(column) => weighted::draw(ctx, population, plan, amount, column)?,
            None => uniform(ctx, population, plan, amount)?,
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
    let n = match plan.size {
        Size::Rows(amount) => amount,
        // One row has to be there.
        Size::Tokens(_) => Amount::Rows(1),
    };
    let n = population.count(n)?;
    let goal = match plan.size {
        Size::Rows(_) => Goal::Rows(n),
        Size::Tokens(budget) => Goal::Tokens(budget),
    };
    let limits = TokenLimits { goal, max_tokens: counting.max_tokens };
    let (source, tokenizer) = (population.source().clone(), counting.tokenizer.clone());
    if let Cells::Whole(columns) = &plan.cells {
        let rows = Measure::new(ctx, source, plan.text.as_deref(), tokenizer)?;
        let (sample, whole, tokens) =
            grouped::draw_by_tokens(ctx, population, plan, &rows, limits, columns)?;
        let (tokens, notes) = (Some(tokens), rows.notes());
        return Ok(Drawn { whole: Some(whole), tokens, notes, ..Drawn::of(sample) });
    }
    // Rows are ranked before the tokenizer meets the first, so that text columns are told of first.
    let rule = plan.weight.rule.as_ref();
    let ranking = rule.map(|_| rank(ctx, &population, plan)).transpose()?;
    let rows = Measure::new(ctx, source, plan.text.as_deref(), tokenizer)?;
    let (sample, tokens, smart) =
        by_tokens::draw(ctx, &population, plan, &rows, limits, ranking.as_ref())?;
    let sample = sample.with_inputs(rule.map(Rule::inputs).unwrap_or_default());
    Ok(Drawn { smart, tokens: Some(tokens), notes: rows.notes(), ..Drawn::of(sample) })
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

/// Ranks all rows of a population by the rule of a plan; windows of the ranking are its epochs.
///
/// # Errors
/// As [`draw`].
pub fn rank(ctx: &Context, population: &Population, plan: &DrawPlan) -> Result<Ranking> {
    let Some(rule) = &plan.weight.rule else {
        return Err(Error::Internal("a ranking without a rule".into()));
    };
    Ranking::new(ctx, population.source(), plan.seed, rule, population.among())
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

/// Draws by a rule: the best rows, or those of a later epoch.
fn by_rule(
    ctx: &Context,
    population: Population,
    plan: &DrawPlan,
    amount: Amount,
    rule: &Rule,
) -> Result<Drawn> {
    let (sample, report) = if plan.epoch == 0 {
        Sample::smart(ctx, population, amount, plan.seed, rule, plan.weights)?
    } else {
        let n = population.count(amount)?;
        let first = plan.epoch.saturating_mul(n);
        let ranking = rank(ctx, &population, plan)?;
        let source = population.into_source().with_inputs(rule.inputs());
        Sample::ranked(source, &ranking, first..first.saturating_add(n), plan.seed)?
    };
    Ok(Drawn { smart: Some(report), ..Drawn::of(sample) })
}
