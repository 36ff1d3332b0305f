//! Reports of the core as dicts of plain values.

use fastsample::draw::{GroupDraw, GroupsReport};
use fastsample::exclusion::{Example, Excluded, ExcludedBy};
use fastsample::sketch::Lengths;
use fastsample::smart::{KindFound, QUANTILES, SmartReport};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::text::described;

/// The arguments of `fastsample.SmartReport`.
pub(crate) fn smart(py: Python<'_>, found: SmartReport) -> PyResult<Bound<'_, PyDict>> {
    fn quantiles<T>(values: Vec<T>) -> Vec<(f64, T)> {
        QUANTILES.into_iter().zip(values).collect()
    }
    let dict = PyDict::new(py);
    let (text, left_out) = described(&found.text);
    dict.set_item("text", text)?;
    dict.set_item("left_out", left_out)?;
    dict.set_item("excluded", found.excluded)?;
    dict.set_item("copies", found.copies)?;
    dict.set_item("near_duplicates", found.near_duplicates)?;
    dict.set_item("excluded_drawn", found.excluded_drawn)?;
    dict.set_item("copies_drawn", found.copies_drawn)?;
    dict.set_item("effective_rows", found.effective_rows)?;
    dict.set_item("chars_before", quantiles(found.chars_before))?;
    dict.set_item("chars_after", quantiles(found.chars_after))?;
    dict.set_item("weights", quantiles(found.weights))?;
    dict.set_item("shares", found.shares)?;
    let kind = |found: KindFound| {
        let KindFound { name, rows, separation, resembling, drawn } = found;
        (name, rows, separation, resembling, drawn)
    };
    let targets: Vec<_> = found.kinds.targets.into_iter().map(kind).collect();
    dict.set_item("targets", targets)?;
    dict.set_item("avoid", found.kinds.avoid.map(kind))?;
    dict.set_item("target_passed_over", found.target_passed_over)?;
    dict.set_item("avoid_passed_over", found.avoid_passed_over)?;
    let kept = found.kept.map(|kept| (kept.path, kept.is_read, kept.lacked));
    dict.set_item("features", kept)?;
    Ok(dict)
}

/// The groups of a draw: the arguments of `fastsample.Groups`.
pub(crate) fn groups(py: Python<'_>, found: GroupsReport) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let told = |group: GroupDraw| (group.values, group.rows, group.drawn, group.tokens);
    let largest = found.largest.into_iter().map(told);
    dict.set_item("largest", largest.collect::<Vec<_>>())?;
    dict.set_item("count", found.count)?;
    dict.set_item("short", found.short)?;
    dict.set_item("moved", found.moved)?;
    dict.set_item("empty", found.empty)?;
    dict.set_item("measure", found.measure.name())?;
    dict.set_item("unnamed", found.unnamed)?;
    dict.set_item("epochs", found.windows)?;
    Ok(dict)
}

/// Lengths as a dict.
pub(crate) fn lengths<'py>(
    py: Python<'py>,
    found: &Lengths,
    quantiles: &[f64],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("nulls", found.nulls)?;
    dict.set_item("mean", found.mean())?;
    dict.set_item("max", found.max)?;
    let values: Vec<u64> = quantiles.iter().map(|&q| found.quantile(q)).collect();
    dict.set_item("quantiles", values)?;
    dict.set_item("histogram", found.histogram())?;
    Ok(dict)
}

/// What was left out since it shares text with other sources: the arguments of `fastsample.Excluded`,
/// and of `fastsample.ExcludedBy` and `fastsample.ExcludedRow`.
pub(crate) fn excluded<'py>(py: Python<'py>, found: &Excluded) -> PyResult<Bound<'py, PyDict>> {
    let source = |source: &ExcludedBy| {
        let example = |row: &Example| (row.row, row.letters, row.text.clone());
        let examples: Vec<_> = source.examples.iter().map(example).collect();
        let (name, text) = (source.name.clone(), source.text.clone());
        (name, source.rows, text, source.too_short, source.left_out, examples)
    };
    let dict = PyDict::new(py);
    dict.set_item("letters", found.letters)?;
    dict.set_item("rows", found.rows)?;
    dict.set_item("left_out", found.left_out)?;
    dict.set_item("text", found.text.clone())?;
    dict.set_item("sources", found.sources.iter().map(source).collect::<Vec<_>>())?;
    Ok(dict)
}
