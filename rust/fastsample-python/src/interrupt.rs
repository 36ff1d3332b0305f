//! Signal checks (Ctrl-C) while another library reads a stream of ours.

use std::io::ErrorKind;
use std::thread::ThreadId;

use arrow_schema::ArrowError;
use pyo3::prelude::*;

/// Ends a stream on Ctrl-C: consumers do not look for signals while they pull.
pub(crate) struct SignalWatcher {
    /// The main thread, the only one that handles signals, if it made the stream. It is only asked
    /// about signals when it pulls itself, so it can't be waiting for anything then.
    main: Option<ThreadId>,
}

impl SignalWatcher {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let threading = py.import("threading")?;
        let current = threading.call_method0("current_thread")?;
        let is_main = current.is(&threading.call_method0("main_thread")?);
        Ok(Self { main: is_main.then(|| std::thread::current().id()) })
    }

    /// Fails if a signal has come whose handler raises an exception.
    ///
    /// Through the C interface only a message gets to the consumer, which raises an error of its
    /// own: `OSError` in pyarrow, which programs catch and try again. The exception itself follows
    /// as soon as Python code runs again.
    pub(crate) fn check(&self) -> Result<(), ArrowError> {
        if self.main != Some(std::thread::current().id()) {
            return Ok(());
        }
        Python::attach(|py| {
            py.check_signals().map_err(|error| {
                let message = format!("stopped by a signal: {}", error.value(py).get_type());
                later::raise(error);
                ArrowError::IoError(message, ErrorKind::Interrupted.into())
            })
        })
    }
}

#[expect(unsafe_code, reason = "calls that Python makes later have no safe interface")]
mod later {
    use std::ffi::{c_int, c_void};

    use pyo3::prelude::*;

    /// Raises `error` in the main thread once Python code runs there.
    pub(super) fn raise(error: PyErr) {
        let error: *mut PyErr = Box::into_raw(Box::new(error));
        // SAFETY: Python calls `restore` once, with this pointer, or says that it won't.
        unsafe {
            if pyo3::ffi::Py_AddPendingCall(Some(restore), error.cast()) != 0 {
                drop(Box::from_raw(error));
            }
        }
    }

    extern "C" fn restore(error: *mut c_void) -> c_int {
        // SAFETY: the pointer is the one of `raise`, and comes once.
        let error = unsafe { Box::from_raw(error.cast::<PyErr>()) };
        Python::attach(|py| error.restore(py));
        -1
    }
}
