//! Interpreter shutdown: no thread of ours may still need Python when the interpreter ends.
//!
//! ```text
//!  import    atexit.register(stop), os.register_at_fork(after_in_child=forget)
//!  exit      all calls are cancelled, Python code that they run is interrupted, and all threads are
//!            waited for, at most PATIENCE
//!            those that are inside Python code even then (a generator that sleeps) are parked
//! ```
//!
//! A thread that asks for the interpreter while that is being taken down ends the process with an
//! abort: Python before 3.14 unwinds it through frames that can't be unwound. Python 3.14 lets
//! such threads hang instead, which is what parking does.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fastsample::exec::threads;
use pyo3::prelude::*;

/// How long the exit of the process waits for threads. More would be felt.
const PATIENCE: Duration = Duration::from_millis(500);

/// A thread that may run Python code. As long as its handle lives, the system knows it.
pub(crate) type Worker = Arc<JoinHandle<()>>;

/// The threads of all calls, as long as they run.
static WORKERS: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// Registers what is to be done at exit and after a fork.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let stop = wrap_pyfunction!(stop, module)?;
    py.import("atexit")?.call_method1("register", (stop,))?;
    let os = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        let keywords = pyo3::types::PyDict::new(py);
        keywords.set_item("after_in_child", wrap_pyfunction!(forget, module)?)?;
        os.call_method("register_at_fork", (), Some(&keywords))?;
    }
    Ok(())
}

/// Remembers a thread until it ends.
pub(crate) fn watch(thread: JoinHandle<()>) -> Worker {
    let worker = Arc::new(thread);
    let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    workers.retain(|worker| !worker.is_finished());
    workers.push(worker.clone());
    worker
}

#[pyfunction]
fn stop(py: Python<'_>) -> PyResult<()> {
    let workers = std::mem::take(&mut *WORKERS.lock().unwrap_or_else(PoisonError::into_inner));
    workers.iter().for_each(|worker| interrupt(py, worker));
    if py.detach(|| threads::stop_all(PATIENCE)) {
        return Ok(());
    }
    park_those_in_python(py, workers)
}

#[pyfunction]
fn forget() {
    threads::forget_all();
    // The handles are of threads that this process does not have.
    if let Ok(mut workers) = WORKERS.try_lock() {
        std::mem::take(&mut *workers).into_iter().for_each(std::mem::forget);
    }
}

#[cfg(unix)]
pub(crate) use parking::interrupt;
#[cfg(unix)]
use parking::park_those_in_python;

#[cfg(not(unix))]
pub(crate) fn interrupt(_: Python<'_>, _: &Worker) {}

#[cfg(not(unix))]
fn park_those_in_python(_: Python<'_>, _: Vec<Worker>) -> PyResult<()> {
    Ok(())
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "signals to threads have no safe interface")]
mod parking {
    use std::os::unix::thread::JoinHandleExt;

    use pyo3::exceptions::PyKeyboardInterrupt;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    use super::Worker;

    /// Nobody sends this one to a thread, and without a handler it does nothing.
    const SIGNAL: libc::c_int = libc::SIGURG;

    /// Raises `KeyboardInterrupt` in the Python code that a thread runs, if it runs any.
    pub(crate) fn interrupt(py: Python<'_>, thread: &Worker) {
        if thread.is_finished() {
            return;
        }
        let error = py.get_type::<PyKeyboardInterrupt>();
        // SAFETY: called with the interpreter attached; the type is alive. A thread without Python
        // code is not found, which does nothing. Python names a thread by its pthread.
        unsafe {
            pyo3::ffi::PyThreadState_SetAsyncExc(
                thread.as_pthread_t() as libc::c_long,
                error.as_ptr(),
            );
        }
    }

    /// Stops threads for good that are inside Python code. The interpreter is attached, so none of
    /// them is running such code: they sleep, or wait for something, or for the interpreter.
    pub(super) fn park_those_in_python(py: Python<'_>, threads: Vec<Worker>) -> PyResult<()> {
        let frames = py.import("sys")?.call_method0("_current_frames")?.cast_into::<PyDict>()?;
        let handler: extern "C" fn(libc::c_int) = park;
        // SAFETY: a handler that calls `pause` alone, which may be called in a handler.
        unsafe { libc::signal(SIGNAL, handler as libc::sighandler_t) };
        for thread in threads.into_iter().filter(|thread| !thread.is_finished()) {
            let pthread = thread.as_pthread_t();
            if frames.contains(pthread)? {
                // SAFETY: a thread that was not joined is known to the system. What musl calls a
                // pointer is a number to the standard library.
                unsafe { libc::pthread_kill(pthread as libc::pthread_t, SIGNAL) };
                // A handle that is dropped would give up the thread, which is never to end.
                std::mem::forget(thread);
            }
        }
        Ok(())
    }

    extern "C" fn park(_: libc::c_int) {
        loop {
            // SAFETY: it has no arguments, and only waits.
            unsafe { libc::pause() };
        }
    }
}
