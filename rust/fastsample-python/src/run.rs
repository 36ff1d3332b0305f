//! Long calls: on a thread of their own and without the GIL, with Ctrl-C and progress.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastsample::exec::threads::{self, Alive};
use fastsample::exec::{memory, panicked};
use fastsample::{Context, Error};
use pyo3::prelude::*;

use crate::errors::{BindingError, BindingResult};
use crate::exit;
use crate::reserve::Reserve;

/// How often signals are looked at and progress is reported.
const TICK: Duration = Duration::from_millis(50);

/// How long cancelled work may take to stop before the caller goes on without it.
const GRACE: Duration = Duration::from_millis(250);

/// Runs `work` on a thread of its own while this one waits for it, for Ctrl-C, and calls
/// `progress(done, total)` now and then.
///
/// Work that does not notice a cancellation within [`GRACE`] (a huge page being decompressed, a
/// stream that blocks) is left behind, see [`exit`]; its temporary files are removed here.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    cores: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Context) -> Result<T, Error> + Send + 'static,
) -> BindingResult<T> {
    let ctx = Context::new(cores);
    ctx.check()?;
    let (sender, receiver) = sync_channel(1);
    let worker = ctx.clone();
    let _waiting = Alive::new();
    let (process, stopped) = (std::process::id(), memory::stopped());
    let reserve = Reserve::hold()?;
    let thread = threads::spawn("fastsample-main".into(), move || {
        let done = catch_unwind(AssertUnwindSafe(|| work(&worker)))
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        drop(reserve);
        // What nobody takes is dropped here, as long as the thread counts.
        let _ = sender.send(done);
    })
    .map_err(|error| Error::no_thread(&error))?;
    let thread = exit::watch(thread);
    // Only this thread receives; the mutex is what lets the wait happen without the GIL.
    let receiver = Mutex::new(receiver);
    let wait = |time| receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(time);
    // At the end of the process a thread other than the main one waits for its result alone.
    let result = || loop {
        let result = wait(TICK);
        threads::hang_if_over();
        if !(matches!(result, Err(RecvTimeoutError::Timeout)) && threads::are_to_stop()) {
            return result;
        }
    };
    let failure: BindingError = loop {
        match py.detach(result) {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => {
                let called = py.check_signals().and_then(|()| report(&ctx, progress));
                if process != std::process::id() {
                    // This is a child that was forked by the code just called: the thread, and
                    // the temporary files that cancelling would remove, are its parent's.
                    std::mem::forget((receiver, thread));
                    called?;
                    return Err(Error::Forked.into());
                }
                if let Err(error) = called {
                    break error.into();
                }
                if memory::stopped() != stopped {
                    break Error::MemoryLost.into();
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Internal("the worker thread panicked".into()).into());
            }
        }
    };
    ctx.cancel();
    py.detach(|| {
        let is_left = matches!(wait(GRACE), Err(RecvTimeoutError::Timeout));
        if is_left && !ctx.sweep() && memory::stopped() == stopped {
            // Outputs are getting their names: the end is near, and must not come unseen.
            let _ = wait(Duration::MAX);
        }
    });
    exit::interrupt(py, &thread);
    Err(failure)
}

fn report(ctx: &Context, progress: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match progress {
        Some(callback) => callback.call1(ctx.progress()).map(drop),
        None => Ok(()),
    }
}
