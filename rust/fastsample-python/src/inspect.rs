//! Inspection: the files of a source, and the lengths of its texts.

use fastsample::inspect;
use fastsample::source::PartInfo;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report::lengths;
use crate::run::run;
use crate::source::Source;
use crate::text::described;

/// What is known of each part of a source without reading rows: a list of dicts.
#[pyfunction]
pub(crate) fn parts<'py>(
    py: Python<'py>,
    source: &Source,
) -> BindingResult<Vec<Bound<'py, PyDict>>> {
    let describe = |part: PartInfo| {
        let dict = PyDict::new(py);
        dict.set_item("path", part.path)?;
        dict.set_item("url", part.url)?;
        dict.set_item("format", part.format)?;
        dict.set_item("fragments", part.fragments)?;
        dict.set_item("bytes", part.bytes)?;
        dict.set_item("codecs", part.codecs)?;
        Ok(dict)
    };
    source.rereadable()?.inspect().into_iter().map(describe).collect()
}

/// What one pass over the texts tells; None without text columns. See `inspect` in Rust.
#[pyfunction]
#[pyo3(signature = (source, quantiles, *, text, threads, progress))]
pub(crate) fn text_statistics<'py>(
    py: Python<'py>,
    source: &Source,
    quantiles: Vec<f64>,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Option<Bound<'py, PyDict>>> {
    let source = source.rereadable()?.clone();
    let found = run(py, threads, progress, move |ctx| {
        inspect::text_statistics(ctx, &source, text.as_deref())
    })?;
    let Some(found) = found else { return Ok(None) };
    let (paths, left_out) = described(&found.text);
    let (by_name, roles) = (PyDict::new(py), PyDict::new(py));
    for (path, found) in paths.into_iter().zip(&found.statistics.columns) {
        by_name.set_item(path, lengths(py, found, &quantiles)?)?;
    }
    for (role, found) in found.roles.iter().flat_map(inspect::RoleLengths::iter) {
        roles.set_item(role, lengths(py, found, &quantiles)?)?;
    }
    let found = found.statistics;
    let dict = PyDict::new(py);
    dict.set_item("left_out", left_out)?;
    dict.set_item("columns", by_name)?;
    dict.set_item("roles", roles)?;
    dict.set_item("rows", lengths(py, &found.rows, &quantiles)?)?;
    dict.set_item("repeated", found.copies.repeated())?;
    dict.set_item("exact", found.copies.is_exact())?;
    Ok(Some(dict))
}
