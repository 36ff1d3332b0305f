//! Stratified draws: of each group of rows its own number.

use fastsample::select::Allocation as Formula;
use fastsample::stratified::{self, GroupsReport, Shares, StratifiedOptions};
use fastsample::{Error, Sample as CoreSample};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::draw::named;
use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Source};

/// The name of a formula, or groups with their shares.
#[derive(FromPyObject)]
pub(crate) enum Allocation {
    Formula(String),
    Named(Vec<(Vec<Option<String>>, f64)>),
}

impl Allocation {
    fn shares(self) -> Result<Shares, Error> {
        let formula = match self {
            Self::Named(shares) => return Ok(Shares::Named(shares)),
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

/// The sample, its groups, the arguments of a `SmartReport`.
type ByGroups<'py> = (Sample, Bound<'py, PyDict>, Option<Bound<'py, PyDict>>);

/// Draws rows, of each group of equal values of the columns `by` its own number: the rows of window
/// `window` in the order of the group.
#[pyfunction]
#[pyo3(signature = (
    source, amount, seed, *, by, allocation, weight, rule, weights, text, threads, progress,
    window=0, replace=false
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_stratified<'py>(
    py: Python<'py>,
    source: &Source,
    amount: Amount,
    seed: u64,
    by: Vec<String>,
    allocation: Allocation,
    weight: Option<String>,
    rule: Option<&Rule>,
    weights: bool,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
    window: u64,
    replace: bool,
) -> BindingResult<ByGroups<'py>> {
    let shares = allocation.shares()?;
    let rule = rule.map(|rule| rule.core().clone());
    let options = StratifiedOptions { by, shares, weight, rule, weights, replace, window };
    let population = source.drawable(py, threads, progress)?;
    let text = named(population.source(), text)?;
    let (sample, groups, found) = run(py, threads, progress, move |ctx| {
        stratified::draw(ctx, population, amount.into(), seed, &options)
    })?;
    let sample = match &found {
        None => text.into_iter().fold(sample, CoreSample::with_text),
        Some(_) => sample,
    };
    let found = found.map(|found| report::smart(py, found)).transpose()?;
    Ok((Sample::new(sample, threads), to_dict(py, groups)?, found))
}

fn to_dict(py: Python<'_>, groups: GroupsReport) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let largest = groups.largest.into_iter().map(|group| (group.values, group.rows, group.drawn));
    dict.set_item("largest", largest.collect::<Vec<_>>())?;
    dict.set_item("count", groups.count)?;
    dict.set_item("short", groups.short)?;
    dict.set_item("moved", groups.moved)?;
    dict.set_item("unnamed", groups.unnamed)?;
    dict.set_item("epochs", groups.windows)?;
    Ok(dict)
}
