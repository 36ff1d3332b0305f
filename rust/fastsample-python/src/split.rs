//! Splits: disjoint samples, equal texts never in two of them.

use fastsample::draw::Weighting;
use fastsample::{Error, Sample as CoreSample, split};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::draw::{Allocation, Weight};
use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;
use crate::text::described;

/// Disjoint samples of the given sizes, each exactly (true) or as nearly as groups of equal texts
/// allow; rows with equal texts are in one of them at most, with `near` also near-duplicates; with
/// `group` rows with equal values of those columns instead. With a rule or a column of weights the
/// first is drawn by it, as in `draw_rows`. What was found comes along.
#[pyfunction]
#[pyo3(
    name = "split",
    signature = (
        source, sizes, seed, *, text, group, by, allocation, near, weight, rule, threads, progress
    )
)]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn split_sides<'py>(
    py: Python<'py>,
    source: &Source,
    sizes: Vec<(u64, bool)>,
    seed: u64,
    text: Option<Vec<String>>,
    group: Option<Vec<String>>,
    by: Option<Vec<String>>,
    allocation: Allocation,
    near: bool,
    weight: Option<Weight>,
    rule: Option<&Rule>,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Vec<Sample>, Bound<'py, PyDict>)> {
    source.rereadable()?;
    let population = source.drawable(py, threads, progress)?;
    let side = |(rows, is_exact)| split::Side { rows, is_exact };
    let sizes: Vec<split::Side> = sizes.into_iter().map(side).collect();
    let first =
        Weighting { column: weight.map(Into::into), rule: rule.map(|rule| rule.core().clone()) };
    let shares = allocation.shares()?;
    let (samples, found) = run(py, threads, progress, move |ctx| {
        let (sizes, text, group) = (sizes.as_slice(), text.as_deref(), group.as_deref());
        let (by, first) = (by.as_deref().map(|by| (by, &shares)), &first);
        let options = split::SplitOptions { sizes, seed, text, group, near, first, by };
        let mut found = split::split(ctx, &population, options)?;
        let inputs = first.rule.iter().flat_map(fastsample::Rule::inputs);
        let source = population.into_source().with_inputs(inputs);
        let sample = |selection| {
            let sample = CoreSample::chosen(source.clone(), selection, seed)?;
            // Columns that are named say what belongs together, not what all of the text is.
            Ok(if text.is_none() && group.is_none() {
                sample.with_text(found.text.clone())
            } else {
                sample
            })
        };
        let rows = std::mem::take(&mut found.rows);
        let samples = rows.into_iter().map(sample).collect::<Result<Vec<_>, Error>>()?;
        Ok((samples, found))
    })?;
    let told = PyDict::new(py);
    let (judged, left_out) = described(&found.text);
    told.set_item("text", judged)?;
    told.set_item("left_out", left_out)?;
    told.set_item("smart", found.smart.map(|found| report::smart(py, found)).transpose()?)?;
    let strata = found.strata.into_iter().map(|side| {
        report::groups(py, side.groups).map(|groups| (groups, side.off, side.furthest))
    });
    told.set_item("strata", strata.collect::<PyResult<Vec<_>>>()?)?;
    told.set_item("mixed", found.mixed)?;
    let samples = samples.into_iter().map(|sample| Sample::new(sample, threads)).collect();
    Ok((samples, told))
}
