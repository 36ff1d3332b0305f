//! Scores: the value of each term of the weight for each row.

use fastsample::{Error, Rule as CoreRule, Sample as CoreSample, smart};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;

/// What each term of a weighted rule says of each row: as many rows as the source has.
#[pyfunction]
#[pyo3(signature = (source, rule, *, threads, progress))]
pub(crate) fn score<'py>(
    py: Python<'py>,
    source: &Source,
    rule: &Rule,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
    let CoreRule::Weighted(options) = rule.core().clone() else {
        return Err(Error::Argument("the entropy rule has no terms to score".into()).into());
    };
    let source = source.in_memory(py, threads, progress)?;
    let (scores, found) = run(py, threads, progress, move |ctx| {
        let (scores, found) = smart::score(ctx, &source, &options)?;
        Ok((CoreSample::all(scores, 0), found))
    })?;
    Ok((Sample::new(scores, threads), report::smart(py, found)?))
}
