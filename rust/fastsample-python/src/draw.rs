//! Draws: uniform, by a rule, all rows.

use fastsample::columns::named_columns;
use fastsample::text::TextColumns;
use fastsample::{Error, Sample as CoreSample, Source as CoreSource, repeated, smart, weighted};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::ranking::Ranking;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Kind, Source};

/// Draws rows, every row with the same chance.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, *, weights, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_uniform(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    weights: bool,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Sample> {
    let sample = match (&source.kind, amount) {
        (Kind::Stream(_), Amount::Rows(n)) => {
            let (stream, columns) = (source.take_stream()?, source.columns.clone());
            let sample = run(py, threads, progress, move |ctx| {
                let (columns, text) = (columns.as_deref(), text.as_deref());
                CoreSample::from_stream(ctx, stream, n, seed, columns, text)
            })?;
            sample.with_inputs(source.inputs.clone())
        }
        // A share is known at the end of a stream.
        (Kind::Stream(_), Amount::Fraction(_)) | (Kind::Rereadable(_), _) => {
            let population = source.drawable(py, threads, progress)?;
            let text = named(population.source(), text)?;
            let sample = run(py, threads, progress, move |ctx| {
                CoreSample::uniform(ctx, population, amount.into(), seed)
            })?;
            text.into_iter().fold(sample, CoreSample::with_text)
        }
    };
    let sample = if weights { sample.with_uniform_weights()? } else { sample };
    Ok(Sample::new(sample, threads))
}

/// Draws the rows from rank `first` on of the order in which `draw_uniform` draws.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, *, first, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_window(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    first: u64,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Sample> {
    let text = named(source.rereadable()?, text)?;
    let population = source.drawable(py, threads, progress)?;
    let sample = run(py, threads, progress, move |ctx| {
        CoreSample::window(ctx, population, amount.into(), seed, first)
    })?;
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

/// Draws rows by a column of weights, from rank `first` on in the order in which they are drawn.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, *, weight, weights, text, threads, progress, first=0))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_weighted(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    weight: String,
    weights: bool,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    first: u64,
) -> BindingResult<Sample> {
    let population = source.drawable(py, threads, progress)?;
    let text = named(population.source(), text)?;
    let sample = run(py, threads, progress, move |ctx| {
        weighted::draw(ctx, population, amount.into(), seed, first, &weight, weights)
    })?;
    Ok(Sample::new(text.into_iter().fold(sample, CoreSample::with_text), threads))
}

/// Draws rows with replacement, by a column of weights if one is named.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, *, weight, weights, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_repeated(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    weight: Option<String>,
    weights: bool,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Sample> {
    let population = source.drawable(py, threads, progress)?;
    let text = named(population.source(), text)?;
    let sample = run(py, threads, progress, move |ctx| {
        repeated::draw(ctx, population, amount.into(), seed, weight.as_deref(), weights)
    })?;
    Ok(Sample::new(text.into_iter().fold(sample, CoreSample::with_text), threads))
}

/// The text columns that are named, if any are.
pub(crate) fn named(
    source: &CoreSource,
    names: Option<Vec<String>>,
) -> Result<Option<TextColumns>, Error> {
    names.map(|names| named_columns(source, &names)).transpose()
}

/// Draws rows by a rule. Returns the sample and the arguments of `fastsample.SmartReport`.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, rule, *, weights, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_smart<'py>(
    py: Python<'py>,
    source: &Source,
    amount: Amount,
    seed: u64,
    rule: &Rule,
    weights: bool,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
    let (population, rule) = (source.drawable(py, threads, progress)?, rule.core().clone());
    let (sample, found) = run(py, threads, progress, move |ctx| {
        CoreSample::smart(ctx, population, amount.into(), seed, &rule, weights)
    })?;
    Ok((Sample::new(sample, threads), report::smart(py, found)?))
}

/// All rows that may be drawn, in the order in which `draw_smart` draws them, from which windows are cut.
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
    let (population, rule) = (source.drawable(py, threads, progress)?, rule.core().clone());
    let (ranked, inputs) = (population.clone(), rule.inputs());
    let ranking = run(py, threads, progress, move |ctx| {
        smart::Ranking::new(ctx, ranked.source(), seed, &rule, ranked.among())
    })?;
    Ok(Ranking::new(population.with_inputs(inputs), ranking, seed))
}
