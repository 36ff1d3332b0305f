//! Draws: uniform, by a rule, all rows.

use fastsample::columns::named_columns;
use fastsample::select::Selection;
use fastsample::text::TextColumns;
use fastsample::{Error, Sample as CoreSample, Source as CoreSource, smart};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::ranking::Ranking;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Kind, Source};

/// Draws n rows, every row with the same chance.
#[pyfunction]
#[pyo3(signature = (source, n, seed, *, weights, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_uniform(
    py: Python<'_>,
    source: &Source,
    n: u64,
    seed: u64,
    weights: bool,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Sample> {
    let sample = match &source.kind {
        Kind::Rereadable(source) => {
            let (source, text) = (source.clone(), named(source, text)?);
            let sample =
                run(py, threads, progress, move |ctx| CoreSample::uniform(ctx, source, n, seed))?;
            text.into_iter().fold(sample, CoreSample::with_text)
        }
        Kind::Stream(_) => {
            let (stream, columns) = (source.take_stream()?, source.columns.clone());
            let sample = run(py, threads, progress, move |ctx| {
                let (columns, text) = (columns.as_deref(), text.as_deref());
                CoreSample::from_stream(ctx, stream, n, seed, columns, text)
            })?;
            sample.with_inputs(source.inputs.clone())
        }
    };
    let sample = if weights { sample.with_uniform_weights()? } else { sample };
    Ok(Sample::new(sample, threads))
}

/// Draws the n rows from rank `first` on of the order in which `draw_uniform` draws.
#[pyfunction]
#[pyo3(signature = (source, n, seed, *, first, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_window(
    py: Python<'_>,
    source: &Source,
    n: u64,
    seed: u64,
    first: u64,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Sample> {
    let source = source.rereadable()?.clone();
    let text = named(&source, text)?;
    let sample =
        run(py, threads, progress, move |ctx| CoreSample::window(ctx, source, n, seed, first))?;
    Ok(Sample::new(text.into_iter().fold(sample, CoreSample::with_text), threads))
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
    let text = named(&source, text)?;
    let sample = CoreSample::all(source, seed);
    Ok(Sample::new(text.into_iter().fold(sample, CoreSample::with_text), None))
}

/// The text columns that are named, if any are.
fn named(source: &CoreSource, names: Option<Vec<String>>) -> Result<Option<TextColumns>, Error> {
    names.map(|names| named_columns(source, &names)).transpose()
}

/// Draws n rows by a rule. Returns the sample and the arguments of `fastsample.SmartReport`.
#[pyfunction]
#[pyo3(signature = (source, n, seed, rule, *, weights, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_smart<'py>(
    py: Python<'py>,
    source: &Source,
    n: u64,
    seed: u64,
    rule: &Rule,
    weights: bool,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
    let (source, rule) = (source.in_memory(py, threads, progress)?, rule.core().clone());
    let (sample, found) = run(py, threads, progress, move |ctx| {
        CoreSample::smart(ctx, source, n, seed, &rule, weights)
    })?;
    Ok((Sample::new(sample, threads), report::smart(py, found)?))
}

/// All rows in the order in which `draw_smart` draws them, from which windows are cut.
#[pyfunction]
#[pyo3(signature = (source, seed, rule, *, threads, progress))]
pub(crate) fn rank(
    py: Python<'_>,
    source: &Source,
    seed: u64,
    rule: &Rule,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Ranking> {
    let (source, rule) = (source.in_memory(py, threads, progress)?, rule.core().clone());
    let source = source.with_inputs(rule.inputs());
    let ranked = source.clone();
    let ranking = run(py, threads, progress, move |ctx| {
        let all = Selection::All { rows: ranked.rows() };
        smart::Ranking::new(ctx, &ranked, seed, &rule, &all)
    })?;
    Ok(Ranking::new(source, ranking, seed))
}
