//! Comparisons of a sample with its source, as dicts of plain values.

use fastsample::compare::profile::Profile;
use fastsample::compare::stats::Distance;
use fastsample::compare::{self, Comparison, Represented};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report::lengths;
use crate::run::run;
use crate::source::Source;
use crate::text::described;

/// Compares a sample with its source. See `compare` in Rust.
#[pyfunction]
#[pyo3(name = "compare", signature = (source, sample, *, text, by, max_chars, quantiles, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn compare_sides<'py>(
    py: Python<'py>,
    source: &Source,
    sample: &Source,
    text: Option<Vec<String>>,
    by: Option<String>,
    max_chars: usize,
    quantiles: Vec<f64>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Bound<'py, PyDict>> {
    let source = source.in_memory(py, threads, progress)?;
    let sample = sample.in_memory(py, threads, progress)?;
    let options = compare::CompareOptions { text, by, max_chars };
    let found =
        run(py, threads, progress, move |ctx| compare::compare(ctx, &source, &sample, &options))?;
    Ok(to_dict(py, &found, &quantiles)?)
}

/// Everything that Python shows of a comparison.
fn to_dict<'py>(
    py: Python<'py>,
    found: &Comparison,
    quantiles: &[f64],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let (text, left_out) = described(&found.text);
    dict.set_item("text", text)?;
    dict.set_item("left_out", left_out)?;
    dict.set_item("source", side(py, &found.source, quantiles)?)?;
    dict.set_item("sample", side(py, &found.sample, quantiles)?)?;
    dict.set_item("identical", found.identical)?;
    dict.set_item("contained", found.contained)?;
    dict.set_item("length", distance(found.length.0))?;
    dict.set_item("length_at", found.length.1)?;
    dict.set_item("by", found.values.map(distance))?;
    dict.set_item("counts", found.counts().collect::<Vec<_>>())?;
    dict.set_item("grams", distance(found.grams))?;
    dict.set_item("divergence", found.divergence)?;
    dict.set_item("coverage", found.coverage)?;
    dict.set_item("types", found.types)?;
    dict.set_item("repeated_expected", found.repeated_expected)?;
    dict.set_item("bits", found.bits)?;
    dict.set_item("held_out", found.held_out)?;
    let listed = |grams: &[Represented]| -> Vec<(String, f64, f64)> {
        grams.iter().map(|gram| (gram.text.clone(), gram.source, gram.sample)).collect()
    };
    dict.set_item("over", listed(&found.over))?;
    dict.set_item("under", listed(&found.under))?;
    dict.set_item("load", found.load)?;
    let columns = PyDict::new(py);
    for (name, source, sample) in found.columns() {
        let both = (lengths(py, source, quantiles)?, lengths(py, sample, quantiles)?);
        columns.set_item(name, both)?;
    }
    dict.set_item("columns", columns)?;
    Ok(dict)
}

fn distance(found: Distance) -> (f64, f64, f64) {
    (found.value, found.limit, found.p)
}

fn side<'py>(py: Python<'py>, side: &Profile, quantiles: &[f64]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("rows", side.texts.rows.rows)?;
    dict.set_item("chars", side.texts.rows.chars)?;
    dict.set_item("lengths", lengths(py, &side.texts.rows, quantiles)?)?;
    dict.set_item("cut_rows", side.cut_rows)?;
    dict.set_item("cut_chars", side.cut_chars)?;
    dict.set_item("repeated", side.texts.copies.repeated())?;
    dict.set_item("exact", side.texts.copies.is_exact())?;
    dict.set_item("near", side.near.shared())?;
    Ok(dict)
}
