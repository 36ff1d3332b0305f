//! Draws: the description of Python as the core takes it, and one call for all of them.

use fastsample::columns::named_columns;
use fastsample::draw::{self, Cells, Counting, DrawPart, DrawPlan, DrawSize, Shares, Weighting};
use fastsample::row_weights::WeightColumn;
use fastsample::select::Allocation as Formula;
use fastsample::{Error, Sample as CoreSample};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyArray;

use crate::attributes::attributes;
use crate::errors::BindingResult;
use crate::ranking::Ranking;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Kind, Source};
use crate::tokens::Tokenizer;

attributes! {
    /// The attributes of a `DrawPlan` of Python.
    pub(crate) struct PlanArguments {
        amount: Option<Amount>,
        budget_tokens: Option<u64>,
        n_groups: Option<u64>,
        at_most: bool,
        max_tokens: Option<u32>,
        seed: u64,
        by: Option<Vec<String>>,
        allocation: Allocation,
        group: Option<Vec<String>>,
        weight: Option<Weight>,
        key: Option<String>,
        replace: bool,
        weights: bool,
        text: Option<Vec<String>>,
    }
}

/// The name of a column, or an array of a number for each row.
#[derive(FromPyObject)]
pub(crate) enum Weight {
    Named(String),
    Given(PyArray),
}

impl From<Weight> for WeightColumn {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Named(name) => Self::Named(name),
            Weight::Given(array) => Self::Given(array.into_inner().0),
        }
    }
}

/// The name of a formula, a temperature, or groups with their shares.
#[derive(FromPyObject)]
pub(crate) enum Allocation {
    Formula(String),
    Temperature(f64),
    Named(Vec<(Vec<Option<String>>, f64)>),
}

impl Allocation {
    pub(crate) fn shares(self) -> Result<Shares, Error> {
        let formula = match self {
            Self::Named(shares) => return Ok(Shares::Named(shares)),
            Self::Temperature(temperature) => {
                return Ok(Shares::Formula(Formula::Temperature(temperature)));
            }
            Self::Formula(name) => name,
        };
        match formula.as_str() {
            "proportional" => Ok(Shares::Formula(Formula::Proportional)),
            "equal" => Ok(Shares::Formula(Formula::Equal)),
            "sqrt" => Ok(Shares::Formula(Formula::Sqrt)),
            other => Err(Error::Argument(format!("there is no allocation {other:?}"))),
        }
    }
}

impl PlanArguments {
    /// As the core has them, with the rule and the tokenizer, which Python has opened.
    pub(crate) fn plan(
        self,
        rule: Option<&Rule>,
        tokenizer: Option<&Tokenizer>,
        epoch: u64,
    ) -> Result<DrawPlan, Error> {
        let size = match (self.amount, self.budget_tokens, self.n_groups) {
            (Some(amount), None, None) => DrawSize::Rows(amount.into()),
            (None, Some(budget), None) => DrawSize::Tokens(budget),
            (None, None, Some(n)) => DrawSize::Groups { n, at_most: self.at_most },
            _ => return Err(Error::Argument("pass n, fraction, budget_tokens or n_groups".into())),
        };
        let cells = match (self.by, self.group) {
            (None, None) => Cells::All,
            (Some(by), None) => Cells::Each { by, shares: self.allocation.shares()? },
            (None, Some(group)) => Cells::Whole(group),
            (Some(by), Some(group)) => {
                Cells::WholeOfEach { group, by, shares: self.allocation.shares()? }
            }
        };
        let rule = rule.map(|rule| rule.core().clone());
        let counting = tokenizer
            .map(|tokenizer| Counting { tokenizer: tokenizer.core(), max_tokens: self.max_tokens });
        Ok(DrawPlan {
            size,
            seed: self.seed,
            cells,
            weight: Weighting { column: self.weight.map(Into::into), rule },
            key: self.key,
            replace: self.replace,
            counting,
            epoch,
            weights: self.weights,
            text: self.text,
        })
    }
}

/// Fails where parts of a draw do not go together: arguments of `sample` that are given.
#[pyfunction]
pub(crate) fn check_draw(parts: Vec<String>) -> BindingResult<()> {
    let part = |name: &String| {
        DrawPart::named(name).ok_or_else(|| Error::Argument(format!("a draw has no part {name:?}")))
    };
    let parts = parts.iter().map(part).collect::<Result<Vec<_>, Error>>()?;
    Ok(draw::check_combination(&parts)?)
}

/// Draws the rows that a `DrawPlan` describes: those of an epoch. Returns the sample, and what was
/// found.
#[pyfunction]
#[pyo3(signature = (source, plan, *, threads, progress, rule=None, tokenizer=None, epoch=0))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_rows<'py>(
    py: Python<'py>,
    source: &Source,
    plan: PlanArguments,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
    rule: Option<&Rule>,
    tokenizer: Option<&Tokenizer>,
    epoch: u64,
) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
    let plan = plan.plan(rule, tokenizer, epoch)?;
    let drawn = if let (Kind::Stream(_), Some(n)) = (&source.kind, plan.one_pass()) {
        let (stream, columns) = (source.take_stream()?, source.columns.clone());
        let drawn = run(py, threads, progress, move |ctx| {
            draw::draw_once(ctx, stream, columns.as_deref(), n, &plan)
        })?;
        let sample = drawn.sample.with_inputs(source.inputs.clone());
        draw::Drawn { sample, ..drawn }
    } else {
        let population = source.drawable(py, threads, progress)?;
        run(py, threads, progress, move |ctx| draw::draw(ctx, population, &plan))?
    };
    found_of(py, drawn, threads)
}

/// A sample, and what was found.
pub(crate) fn found_of(
    py: Python<'_>,
    drawn: draw::Drawn,
    threads: Option<usize>,
) -> BindingResult<(Sample, Bound<'_, PyDict>)> {
    let found = PyDict::new(py);
    found.set_item("smart", drawn.smart.map(|found| report::smart(py, found)).transpose()?)?;
    found.set_item("groups", drawn.groups.map(|found| report::groups(py, found)).transpose()?)?;
    found.set_item("whole", drawn.whole.map(|found| (found.count, found.drawn, found.wanted)))?;
    found.set_item("tokens", drawn.tokens.map(|found| (found.tokens, found.too_long)))?;
    found.set_item("notes", drawn.notes)?;
    found.set_item("epochs", drawn.epochs)?;
    Ok((Sample::new(drawn.sample, threads), found))
}

/// All rows of a source, of which there may be none; a shuffle of them depends on `seed`.
#[pyfunction]
#[pyo3(signature = (source, seed, *, text))]
pub(crate) fn all_rows(
    source: &Source,
    seed: u64,
    text: Option<Vec<String>>,
) -> BindingResult<Sample> {
    let source = source.rereadable()?.clone();
    let text = text.map(|names| named_columns(&source, &names)).transpose()?;
    let sample = CoreSample::all(source, seed);
    Ok(Sample::new(text.into_iter().fold(sample, CoreSample::with_text), None))
}

/// All rows that may be drawn, in the order in which a `DrawPlan` draws them by a rule. Windows are cut
/// from it.
#[pyfunction]
#[pyo3(signature = (source, plan, *, rule, threads, progress))]
pub(crate) fn rank(
    py: Python<'_>,
    source: &Source,
    plan: PlanArguments,
    rule: &Rule,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Ranking> {
    let plan = plan.plan(Some(rule), None, 0)?;
    let (population, seed) = (source.drawable(py, threads, progress)?, plan.seed);
    let (population, ranking) =
        run(py, threads, progress, move |ctx| draw::rank(ctx, population, &plan))?;
    Ok(Ranking::new(population, ranking, seed))
}
