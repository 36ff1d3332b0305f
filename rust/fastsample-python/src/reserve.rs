//! Memory in reserve: an allocation that fails is made from it, and the call ends with an error.
//!
//! ```text
//!  a call begins         Reserve::hold    BYTES of address space, never touched
//!  an allocation fails   give_back        the reserve is unmapped, and the allocation made;
//!                                         `memory::run_short`: all calls end when they look
//!  the last call ends    Reserve dropped  unmapped, so that Python has room for the result
//!  the reserve is spent  memory::stop     a thread of ours never comes back; who waits for it is told
//! ```
//!
//! Rust ends the process where an allocation fails. An allocator may not unwind instead (the contract
//! of [`GlobalAlloc`]), and the hook of `std` for such failures is not stable. So the allocation has
//! to succeed once more, and the error comes a little later. What is large is refused by the core
//! before it is made (`memory::require`). Where neither helps, the thread stops for good, with what it
//! holds: the process lives, and the call ends with an error. In a thread of the caller there is no such
//! way out, and the process ends; little is done there.
//!
//! The reserve is address space without access: it takes no memory, and nothing of a limit that counts
//! memory in use. Where such limits do not exist, there is no reserve.

#![expect(unsafe_code, reason = "an allocator has no safe interface")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use fastsample::Error;
use fastsample::exec::{memory, threads};
use pyo3::prelude::*;

use crate::errors::BindingResult;

/// Bytes of the reserve: what the threads of a call may allocate until they look.
const BYTES: usize = 40 << 20;

/// Calls and streams under way.
static HOLDERS: AtomicUsize = AtomicUsize::new(0);

/// The address of the reserve; 0 if there is none.
static PLACE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Reserving = Reserving;

/// The allocator of the system, which gives back the reserve when it has no more memory.
struct Reserving;

/// Keeps a reserve as long as it lives.
#[derive(Debug)]
pub(crate) struct Reserve(());

impl Reserve {
    /// Keeps a reserve. If it was given back, a new one is made.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn hold() -> Result<Self, Error> {
        HOLDERS.fetch_add(1, Ordering::AcqRel);
        let held = Self(());
        refill()?;
        Ok(held)
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        if HOLDERS.fetch_sub(1, Ordering::AcqRel) == 1 {
            give_up();
            memory::recover();
            // A call that began in between took the reserve for its own.
            if HOLDERS.load(Ordering::Acquire) > 0 {
                let _ = refill();
            }
        }
    }
}

/// Runs work in this thread, without the GIL and with a reserve.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> BindingResult<T> {
    let _reserve = Reserve::hold()?;
    Ok(py.detach(work)?)
}

fn refill() -> Result<(), Error> {
    if PLACE.load(Ordering::Acquire) != 0 {
        return Ok(());
    }
    let place = pages::map(BYTES);
    let place = place.ok_or_else(|| Error::Memory { what: "a call".to_owned(), bytes: BYTES })?;
    if PLACE.compare_exchange(0, place, Ordering::AcqRel, Ordering::Acquire).is_err() {
        pages::unmap(place, BYTES);
    }
    memory::recover();
    Ok(())
}

/// Unmaps the reserve, if it is there.
fn give_up() {
    let place = PLACE.swap(0, Ordering::AcqRel);
    if place != 0 {
        pages::unmap(place, BYTES);
    }
}

/// Gives the reserve back for an allocation that failed. Whether to try it again.
fn give_back(bytes: usize) -> bool {
    if bytes > BYTES || HOLDERS.load(Ordering::Acquire) == 0 || memory::is_asked_for() {
        return false;
    }
    memory::run_short();
    // Another thread may have given it back a moment ago.
    give_up();
    true
}

// SAFETY: all is done by the system's allocator, which keeps the contract; `give_back` neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for Reserving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        let allocate = || unsafe { System.alloc(layout) };
        again_if_null(allocate, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        let allocate = || unsafe { System.alloc_zeroed(layout) };
        again_if_null(allocate, layout.size())
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract; after a failure `place` is as it was.
        let allocate = || unsafe { System.realloc(place, layout, size) };
        again_if_null(allocate, size)
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(place, layout) }
    }
}

#[inline]
fn again_if_null(allocate: impl Fn() -> *mut u8, bytes: usize) -> *mut u8 {
    let made = allocate();
    if made.is_null() { again(allocate, bytes) } else { made }
}

#[cold]
fn again(allocate: impl Fn() -> *mut u8, bytes: usize) -> *mut u8 {
    let made = if give_back(bytes) { allocate() } else { std::ptr::null_mut() };
    if made.is_null() && threads::is_ours() && !memory::is_asked_for() {
        memory::stop();
    }
    made
}

#[cfg(unix)]
mod pages {
    use std::ptr::{null_mut, with_exposed_provenance_mut};

    /// Address space without access.
    pub(super) fn map(bytes: usize) -> Option<usize> {
        let (access, kind) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANON);
        // SAFETY: the system chooses an address that is free.
        let place = unsafe { libc::mmap(null_mut(), bytes, access, kind, -1, 0) };
        (place != libc::MAP_FAILED).then(|| place.expose_provenance())
    }

    /// Gives back what [`map`] has given.
    pub(super) fn unmap(place: usize, bytes: usize) {
        // SAFETY: nothing refers to it, and whoever takes it out of `PLACE` unmaps it alone.
        unsafe { libc::munmap(with_exposed_provenance_mut(place), bytes) };
    }
}

#[cfg(not(unix))]
mod pages {
    pub(super) fn map(_: usize) -> Option<usize> {
        Some(1)
    }

    pub(super) fn unmap(_: usize, _: usize) {}
}
