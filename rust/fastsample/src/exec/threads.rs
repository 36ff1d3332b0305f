//! Threads that may outlive the call that started them: counted, told to stop, waited for.
//!
//! Readers work ahead of the consumer of their batches, and work that does not notice a cancellation
//! is left behind. What these threads hold may belong to the host program: memory of a Python
//! object, a stream that a Python generator feeds. They must be gone before the host is taken down.
//! A process that was forked has none of them: whoever waits for one there would wait for ever.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Threads and calls under way.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Whether all of them are to stop.
static CLOSING: AtomicBool = AtomicBool::new(false);

/// Whether they were waited for in vain.
static OVER: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread was started here.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// How often a thread that waits looks whether it is to stop.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// How often [`stop_all`] looks whether all have stopped.
const POLL: Duration = Duration::from_millis(1);

/// Counts as a thread as long as it lives: for a call that waits for one.
#[derive(Debug)]
pub struct Alive(());

impl Alive {
    /// One more.
    #[must_use]
    pub fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::AcqRel);
        Self(())
    }
}

impl Default for Alive {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // Saturating: a child starts anew with what it has inherited.
        let one_less = |alive: usize| alive.checked_sub(1);
        let _ = ALIVE.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less);
    }
}

/// Starts a thread that is counted until `work` and all that it holds are gone.
///
/// # Errors
/// If the system has no thread to give.
pub fn spawn(
    name: String,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let alive = Alive::new();
    Builder::new().name(name).spawn(move || {
        IS_OURS.set(true);
        work();
        drop(alive);
    })
}

/// Starts a thread that ends before `scope` does.
pub(crate) fn spawn_within<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    thread: Builder,
    work: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, T>> {
    thread.spawn_scoped(scope, move || {
        IS_OURS.set(true);
        work()
    })
}

/// Runs work during which this thread counts as one of the caller: it holds what the caller needs, and
/// must not be stopped for good.
pub fn as_caller<T>(work: impl FnOnce() -> T) -> T {
    let before = IS_OURS.replace(false);
    let done = work();
    IS_OURS.set(before);
    done
}

/// Whether this thread is one of the crate, not of its caller.
#[must_use]
pub fn is_ours() -> bool {
    IS_OURS.get()
}

/// Tells all threads to stop, and waits for them at most so long. Returns whether all have stopped;
/// if not, no call succeeds any more.
pub fn stop_all(patience: Duration) -> bool {
    CLOSING.store(true, Ordering::Release);
    let started = Instant::now();
    while ALIVE.load(Ordering::Acquire) > 0 {
        if started.elapsed() > patience {
            OVER.store(true, Ordering::Release);
            return false;
        }
        std::thread::sleep(POLL);
    }
    CLOSING.store(false, Ordering::Release);
    true
}

/// To be called in a forked child: the threads of its parent are not there.
pub fn forget_all() {
    ALIVE.store(0, Ordering::Release);
    CLOSING.store(false, Ordering::Release);
}

/// Whether [`stop_all`] was called.
#[must_use]
pub fn are_to_stop() -> bool {
    CLOSING.load(Ordering::Relaxed)
}

/// Waits for ever if [`stop_all`] has given up: the host may be gone already, and a thread that
/// comes back to it would end the process with an abort.
pub fn hang_if_over() {
    while OVER.load(Ordering::Acquire) {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_counts_until_what_it_holds_is_gone() {
        struct Counter(std::sync::mpsc::Sender<usize>);
        impl Drop for Counter {
            fn drop(&mut self) {
                let _ = self.0.send(ALIVE.load(Ordering::Acquire));
            }
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let held = Counter(sender);
        let thread = spawn("counted".into(), move || drop(held)).expect("a thread");
        assert!(receiver.recv().expect("dropped") >= 1);
        thread.join().expect("it does not panic");
    }
}
