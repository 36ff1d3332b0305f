//! The core's errors as the exceptions of `fastsample.errors`.

use fastsample::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyType;

/// An error of the core or of Python.
#[derive(Debug)]
pub(crate) enum BindingError {
    Core(Error),
    Py(PyErr),
}

impl From<Error> for BindingError {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for BindingError {
    fn from(error: PyErr) -> Self {
        Self::Py(error)
    }
}

impl From<BindingError> for PyErr {
    fn from(error: BindingError) -> Self {
        match error {
            BindingError::Py(error) => error,
            BindingError::Core(error) => Python::attach(|py| to_python(py, &error)),
        }
    }
}

/// The result of a binding function.
pub(crate) type BindingResult<T> = Result<T, BindingError>;

fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Cancelled => return PyKeyboardInterrupt::new_err(()),
        Error::NotFound(_) => "SourceNotFoundError",
        Error::Argument(_) => "ArgumentError",
        Error::Column(_) => "ColumnError",
        Error::Schema(_) => "SchemaError",
        Error::Corrupt { .. } | Error::Invalid(_) => "CorruptDataError",
        Error::Unsupported { .. } => "UnsupportedDataError",
        Error::Read { .. } => "ReadError",
        Error::Changed(_) => "SourceChangedError",
        Error::Stream { .. } | Error::Forked => "StreamError",
        Error::Output { .. } => "OutputError",
        Error::Memory { .. } | Error::NoMemory | Error::MemoryLost => "OutOfMemoryError",
        _ => "FastSampleError",
    };
    let message = error.to_string();
    let class = py.import("fastsample.errors").and_then(|module| module.getattr(class));
    match class.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
        Ok(class) => PyErr::from_type(class, (message,)),
        Err(_) => PyRuntimeError::new_err(message),
    }
}
