//! Splits: disjoint samples, equal texts never in two of them.

use fastsample::{Error, Sample as CoreSample, split};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;
use crate::text::{Described, described};

/// The samples, the text by which rows were kept together, and what the rule of the first found.
type Sides<'py> = (Vec<Sample>, Described, Option<Bound<'py, PyDict>>);

/// Disjoint samples of the given sizes, each exactly (true) or as nearly as groups of equal texts
/// allow; rows with equal texts are in one of them at most, with `near` also near-duplicates; with
/// `group` rows with equal values of those columns instead. With a rule the first is drawn by it, as in `draw_rows`, and the
/// arguments of its `fastsample.SmartReport` come along.
#[pyfunction]
#[pyo3(
    name = "split",
    signature = (source, sizes, seed, *, text, group, near, rule, threads, progress)
)]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn split_sides<'py>(
    py: Python<'py>,
    source: &Source,
    sizes: Vec<(u64, bool)>,
    seed: u64,
    text: Option<Vec<String>>,
    group: Option<Vec<String>>,
    near: bool,
    rule: Option<&Rule>,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<Sides<'py>> {
    source.rereadable()?;
    let population = source.drawable(py, threads, progress)?;
    let side = |(rows, is_exact)| split::Side { rows, is_exact };
    let sizes: Vec<split::Side> = sizes.into_iter().map(side).collect();
    let rule = rule.map(|rule| rule.core().clone());
    let (samples, text, found) = run(py, threads, progress, move |ctx| {
        let (sizes, text, smart) = (sizes.as_slice(), text.as_deref(), rule.as_ref());
        let group = group.as_deref();
        let options = split::SplitOptions { sizes, seed, text, group, near, smart };
        let divided = split::split(ctx, &population, options)?;
        let source =
            population.into_source().with_inputs(rule.iter().flat_map(fastsample::Rule::inputs));
        let sample = |selection| {
            let sample = CoreSample::chosen(source.clone(), selection, seed)?;
            // Columns that are named say what belongs together, not what all of the text is.
            Ok(if text.is_none() && group.is_none() {
                sample.with_text(divided.text.clone())
            } else {
                sample
            })
        };
        let samples = divided.rows.into_iter().map(sample).collect::<Result<Vec<_>, Error>>()?;
        Ok((samples, divided.text, divided.smart))
    })?;
    let found = found.map(|found| report::smart(py, found)).transpose()?;
    let samples = samples.into_iter().map(|sample| Sample::new(sample, threads)).collect();
    Ok((samples, described(&text), found))
}
