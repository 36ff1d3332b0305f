//! Why rows of a source are not in a smart sample.

use fastsample::select::Selection;
use fastsample::{Error, Rule as CoreRule, Sample as CoreSample, smart};
use pyo3::prelude::*;

use crate::errors::BindingResult;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;

/// A reason, the number of its rows, and ordinals of some of them.
type Reason = (&'static str, u64, Vec<u64>);

/// Tells of each row that `sample` does not have why a draw by `rule` left it out; with the rows that
/// are examples, if there are any, in the order of the source.
#[pyfunction]
#[pyo3(signature = (source, sample, rule, *, examples, threads, progress))]
pub(crate) fn dropped(
    py: Python<'_>,
    source: &Source,
    sample: &Source,
    rule: &Rule,
    examples: usize,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<(Vec<Reason>, Option<Sample>)> {
    let CoreRule::Weighted(options) = rule.core().clone() else {
        return Err(Error::Argument("the entropy rule has no terms that tell why".into()).into());
    };
    let source = source.in_memory(py, threads, progress)?;
    let sample = sample.in_memory(py, threads, progress)?;
    let (found, rows) = run(py, threads, progress, move |ctx| {
        let found = smart::dropped(ctx, &source, &sample, &options, examples)?;
        let mut ids: Vec<u64> = found.reasons().flat_map(|(_, _, rows)| rows).collect();
        ids.sort_unstable();
        let chosen = Selection::of_ids(&ids, source.rows())?;
        let rows = (!ids.is_empty()).then(|| CoreSample::chosen(source, chosen, 0)).transpose()?;
        Ok((found, rows))
    })?;
    let reasons = found.reasons().map(|(reason, count, rows)| (reason.name(), count, rows));
    Ok((reasons.collect(), rows.map(|rows| Sample::new(rows, threads))))
}
