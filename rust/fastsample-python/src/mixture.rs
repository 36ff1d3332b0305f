//! Mixtures: of each of several sources its share.

use fastsample::mixture::{self, Exhausted, MixtureOptions, SourceShares};
use fastsample::{Error, Population};
use pyo3::prelude::*;

use crate::errors::BindingResult;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;

/// A source of a mixture, as (name, rows, share wanted, rows drawn, columns that it lacks).
type SourceFound = (String, u64, f64, u64, Vec<String>);

/// Draws `n` rows of some named sources. Returns the sample, and what became of each source.
#[pyfunction]
#[pyo3(signature = (
    sources, n, seed, *, shares, temperature, exhausted, max_epochs, columns, source_column, threads,
    progress
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_mixture(
    py: Python<'_>,
    sources: Vec<(String, Bound<'_, Source>)>,
    n: u64,
    seed: u64,
    shares: Option<Vec<f64>>,
    temperature: f64,
    exhausted: &str,
    max_epochs: Option<u64>,
    columns: Option<Vec<String>>,
    source_column: Option<String>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<(Sample, Vec<SourceFound>)> {
    let exhausted = match exhausted {
        "error" => Exhausted::Fail,
        "renormalise" => Exhausted::Renormalise,
        "repeat" => Exhausted::Repeat { max_epochs },
        other => return Err(Error::Argument(format!("exhausted is {other:?}")).into()),
    };
    let by_size = SourceShares::BySize { temperature };
    let shares = shares.map_or(by_size, SourceShares::Given);
    let options = MixtureOptions { shares, exhausted, columns, label: source_column };
    let open = |(name, source): (String, Bound<'_, Source>)| {
        Ok((name, source.get().drawable(py, threads, progress)?))
    };
    let named =
        sources.into_iter().map(open).collect::<BindingResult<Vec<(String, Population)>>>()?;
    let (sample, found) =
        run(py, threads, progress, move |ctx| mixture::draw(ctx, named, n, seed, &options))?;
    let found = found
        .into_iter()
        .map(|source| (source.name, source.rows, source.wanted, source.drawn, source.missing));
    Ok((Sample::new(sample, threads), found.collect()))
}
