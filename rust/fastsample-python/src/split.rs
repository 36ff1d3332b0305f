//! Splits: disjoint samples, equal texts never in two of them.

use fastsample::{Sample as CoreSample, split};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;

/// Disjoint samples of the given sizes, each exactly (true) or as nearly as groups of equal texts
/// allow; rows with equal texts are in one of them at most, with `near` also near-duplicates. With a rule the first is drawn by it, as in `draw_smart`, and the
/// arguments of its `fastsample.SmartReport` come along.
#[pyfunction]
#[pyo3(
    name = "split",
    signature = (source, sizes, seed, *, text, near, rule, threads, progress)
)]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn split_sides<'py>(
    py: Python<'py>,
    source: &Source,
    sizes: Vec<(u64, bool)>,
    seed: u64,
    text: Option<Vec<String>>,
    near: bool,
    rule: Option<&Rule>,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Vec<Sample>, Option<Bound<'py, PyDict>>)> {
    let source = source.rereadable()?.clone();
    let side = |(rows, is_exact)| split::Side { rows, is_exact };
    let sizes: Vec<split::Side> = sizes.into_iter().map(side).collect();
    let rule = rule.map(|rule| rule.core().clone());
    let (samples, found) = run(py, threads, progress, move |ctx| {
        let (sizes, text, smart) = (sizes.as_slice(), text.as_deref(), rule.as_ref());
        let options = split::Options { sizes, seed, text, near, smart };
        let (selections, found) = split::split(ctx, &source, options)?;
        let sample = |selection| CoreSample::chosen(source.clone(), selection, seed);
        let samples = selections.into_iter().map(sample).collect::<Result<Vec<_>, _>>()?;
        Ok((samples, found))
    })?;
    let found = found.map(|found| report::smart(py, found)).transpose()?;
    Ok((samples.into_iter().map(|sample| Sample::new(sample, threads)).collect(), found))
}
