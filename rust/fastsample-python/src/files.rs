//! Small files: written whole or not at all, by the rule that holds for every output.

use std::path::PathBuf;

use fastsample::files;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::errors::BindingResult;
use crate::reserve::detached;
use crate::run::run;

/// Writes files of bytes: all of them appear, or none. None of them may be one of `inputs`, a
/// folder, a device or a pipe; links are followed.
#[pyfunction]
#[pyo3(signature = (written, *, inputs=Vec::new(), overwrite=true))]
pub(crate) fn write_files(
    py: Python<'_>,
    written: Vec<(PathBuf, PyBackedBytes)>,
    inputs: Vec<PathBuf>,
    overwrite: bool,
) -> BindingResult<()> {
    let written: Vec<(PathBuf, Vec<u8>)> =
        written.into_iter().map(|(path, bytes)| (path, bytes.to_vec())).collect();
    run(py, Some(1), None, move |ctx| files::write(ctx, &written, overwrite, &inputs))
}

/// Fails as `write_files` would if `path` may not be written.
#[pyfunction]
#[pyo3(signature = (path, *, inputs=Vec::new(), overwrite=true))]
pub(crate) fn check_output(
    py: Python<'_>,
    path: PathBuf,
    inputs: Vec<PathBuf>,
    overwrite: bool,
) -> BindingResult<()> {
    detached(py, || files::check(&path, overwrite, &inputs))
}
