//! Memory whose size comes from the data: an error where the system gives none, not an abort.
//!
//! Rust aborts the process when an allocation fails. So what grows with the rows of a source or with
//! the pages of a file is asked for first, and given back at once: under a limit on the address space
//! (`ulimit -v`) that tells whether the allocation that follows will succeed.
//!
//! The many smaller allocations, those of libraries among them, are not asked for. The program may
//! hold a reserve for them, which its allocator gives back when one fails. It says so with
//! [`run_short`]. Calls under way then end with [`Error::NoMemory`] as soon as they look: at each
//! batch, page and check for cancellation.
//!
//! Where the reserve is not enough, a thread of this crate may be stopped for good with [`stop`]. Its
//! call ends with [`Error::MemoryLost`] in the thread that waits for it, and what it holds is lost.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// Smaller ones are not asked for.
const LEAST: usize = 1 << 20;

/// Whether the reserve was given back.
static SHORT: AtomicBool = AtomicBool::new(false);

/// Threads that were stopped for good.
static STOPPED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is ready for an allocation to fail.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Says that an allocation failed and the reserve was given back: calls under way are to end.
pub fn run_short() {
    SHORT.store(true, Ordering::Release);
}

/// Says that there is a reserve again.
pub fn recover() {
    SHORT.store(false, Ordering::Release);
}

/// Whether an allocation failed, and calls under way are to end.
#[must_use]
pub fn is_short() -> bool {
    SHORT.load(Ordering::Relaxed)
}

/// Fails once an allocation has failed.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn check() -> Result<()> {
    if is_short() { Err(Error::NoMemory) } else { Ok(()) }
}

/// Whether this thread is ready for its allocation to fail: then it needs no reserve.
#[must_use]
pub fn is_asked_for() -> bool {
    ASKING.get()
}

/// Tries an allocation that may fail.
fn ask<T>(allocate: impl FnOnce() -> T) -> T {
    ASKING.set(true);
    let made = allocate();
    ASKING.set(false);
    made
}

/// Stops this thread for good, where nothing else is left than to end the process.
pub fn stop() -> ! {
    STOPPED.fetch_add(1, Ordering::AcqRel);
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// How many threads were stopped for good so far: where one more is, calls under way are to end.
#[must_use]
pub fn stopped() -> usize {
    STOPPED.load(Ordering::Acquire)
}

/// Makes sure that there is memory of `bytes` bytes for `what`.
///
/// # Errors
/// [`Error::Memory`] if there is not, [`Error::NoMemory`] if an allocation has failed before.
pub(crate) fn require(bytes: usize, what: impl FnOnce() -> String) -> Result<()> {
    check()?;
    if bytes < LEAST {
        return Ok(());
    }
    let mut trial = Vec::<u8>::new();
    ask(|| trial.try_reserve_exact(bytes)).map_err(|_| Error::Memory { what: what(), bytes })?;
    // So that the compiler does not leave the allocation out.
    std::hint::black_box(&trial);
    Ok(())
}

/// Makes sure that there is memory for a value of `T` for each of `rows` rows.
///
/// # Errors
/// [`Error::Memory`] if there is not.
pub(crate) fn require_rows<T>(rows: u64, what: &str) -> Result<()> {
    let bytes = usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(size_of::<T>());
    require(bytes, || format!("{what} of {rows} rows"))
}

/// Makes room for `more` items at the end of `items`, which may grow with the rows of a source.
///
/// # Errors
/// [`Error::Memory`] if there is none.
pub(crate) fn grow<T>(items: &mut Vec<T>, more: usize, what: &str) -> Result<()> {
    ask(|| items.try_reserve(more)).map_err(|_| Error::Memory {
        what: what.to_owned(),
        bytes: items.len().saturating_add(more).saturating_mul(size_of::<T>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused() {
        assert!(require(0, String::new).is_ok() && require(64 << 20, String::new).is_ok());
        for bytes in [isize::MAX as usize, usize::MAX] {
            let error = require(bytes, || "a page".into()).expect_err("too much");
            assert!(matches!(error, Error::Memory { .. }));
            assert!(error.to_string().contains("no memory for a page"), "{error}");
        }
        let error = require_rows::<u64>(1 << 60, "the ordinals").expect_err("too much");
        assert!(error.to_string().contains("the ordinals of 1152921504606846976 rows"), "{error}");
        let error =
            grow(&mut vec![0_u64], isize::MAX as usize / 8, "hashes").expect_err("too much");
        assert!(error.to_string().contains("no memory for hashes"), "{error}");
    }
}
