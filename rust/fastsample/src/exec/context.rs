//! `Context`: the threads, the progress and the cancellation of a long call.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::exec::{memory, threads};

/// Locks a mutex. A panic elsewhere is reported where it happened, so poisoning adds nothing.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits on a condition variable, as [`lock`] locks.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// As [`wait`], but no longer than `time`.
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    time: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}

/// Shared by every thread that works on one call.
///
/// Stages of a call (read, gather, encode) have threads of their own, so that none of them ever
/// waits inside another. [`Context::compute`] hands out `threads` permits among all of them: no
/// more than `threads` cores are busy at any time, and a stage that has to wait holds none.
#[derive(Debug, Clone)]
pub struct Context(Arc<CallState>);

#[derive(Debug)]
struct CallState {
    threads: usize,
    permits: Mutex<usize>,
    freed: Condvar,
    cancelled: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    scratch: Mutex<TemporaryFolders>,
}

/// The temporary folders of a call.
#[derive(Debug, Default)]
struct TemporaryFolders {
    paths: Vec<PathBuf>,
    /// Whether outputs are getting their names, which goes on to the end or is taken back.
    is_sealed: bool,
}

impl Context {
    /// A context with `threads` workers; `None` takes every core the process may use.
    #[must_use]
    pub fn new(threads: Option<usize>) -> Self {
        let threads = threads
            .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
            .unwrap_or(1)
            .max(1);
        Self(Arc::new(CallState {
            threads,
            permits: Mutex::new(threads),
            freed: Condvar::new(),
            cancelled: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            scratch: Mutex::default(),
        }))
    }

    /// How many cores may be busy at once.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.threads
    }

    /// Runs `work` while holding one of the permits. `work` must not wait for another stage.
    pub fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Permit<'a>(&'a CallState);
        impl Drop for Permit<'_> {
            fn drop(&mut self) {
                *lock(&self.0.permits) += 1;
                self.0.freed.notify_one();
            }
        }
        let mut permits = lock(&self.0.permits);
        while *permits == 0 {
            permits = wait(&self.0.freed, permits);
        }
        *permits -= 1;
        drop(permits);
        let _permit = Permit(&self.0);
        work()
    }

    /// Asks every thread of the call to stop.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Fails once [`Context::cancel`] was called, the process ends, or memory has run short. Long
    /// loops call it every few milliseconds.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::NoMemory`].
    pub fn check(&self) -> Result<()> {
        let is_over = self.0.cancelled.load(Ordering::Relaxed) || threads::are_to_stop();
        if is_over { Err(Error::Cancelled) } else { memory::check() }
    }

    /// Starts a phase of `total` rows, for progress bars.
    pub fn begin(&self, total: u64) {
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Reports `rows` more rows as done.
    pub fn advance(&self, rows: u64) {
        self.0.done.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows done and rows in all; the latter is 0 while unknown.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.0.done.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed))
    }

    /// Remembers a temporary folder, so that [`Context::sweep`] can remove it.
    pub(crate) fn add_scratch(&self, path: &Path) {
        lock(&self.0.scratch).paths.push(path.to_path_buf());
    }

    /// Forgets a temporary folder that is gone.
    pub(crate) fn forget_scratch(&self, path: &Path) {
        lock(&self.0.scratch).paths.retain(|other| other != path);
    }

    /// Begins what can't be stopped any more: outputs get their names.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the call was cancelled before.
    pub(crate) fn seal(&self) -> Result<()> {
        let mut scratch = lock(&self.0.scratch);
        self.check()?;
        scratch.is_sealed = true;
        Ok(())
    }

    /// Goes on after outputs have their names: what follows can be stopped again.
    pub(crate) fn unseal(&self) {
        lock(&self.0.scratch).is_sealed = false;
    }

    /// Removes temporary files that are still there, for a caller that gives up on a cancelled
    /// call before its threads have noticed. Whatever they do later, no output appears.
    ///
    /// False if outputs are getting their names right now: the call is about to end, and the
    /// caller waits for it.
    #[must_use]
    pub fn sweep(&self) -> bool {
        let mut scratch = lock(&self.0.scratch);
        if scratch.is_sealed {
            return false;
        }
        for path in scratch.paths.drain(..) {
            let _ = std::fs::remove_dir_all(&path);
            // The folder of all staging folders, unless there are others.
            let _ = path.parent().map(std::fs::remove_dir);
        }
        true
    }
}
