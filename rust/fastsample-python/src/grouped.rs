//! Draws of whole groups.

use fastsample::{Sample as CoreSample, grouped};
use pyo3::prelude::*;

use crate::draw::named;
use crate::errors::BindingResult;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Source};

/// Draws whole groups of rows: the sample, all groups, groups drawn, rows asked for.
#[pyfunction]
#[pyo3(signature = (source, amount, seed, *, group, text, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_grouped(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    group: Vec<String>,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<(Sample, u64, u64, u64)> {
    let population = source.drawable(py, threads, progress)?;
    let text = named(population.source(), text)?;
    let (sample, found) = run(py, threads, progress, move |ctx| {
        grouped::draw(ctx, population, amount.into(), seed, &group)
    })?;
    let sample = Sample::new(text.into_iter().fold(sample, CoreSample::with_text), threads);
    Ok((sample, found.count, found.drawn, found.wanted))
}
