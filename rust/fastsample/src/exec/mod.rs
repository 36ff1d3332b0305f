//! Execution: threads, progress, cancellation. Knows nothing of rows.
//!
//! - [`Context`]: how many threads work, how far they are, whether they shall stop;
//! - `fold`: numbered tasks on all cores, into one state (a parallel fold with merge);
//! - `ordered`: results of parallel tasks handed on in order, in bounded memory;
//! - `shared_slice`: a slice that threads write side by side;
//! - `panic`: a caught panic as an error.

mod context;
mod fold;
mod ordered;
mod panic;
mod shared_slice;

pub use context::Context;
pub(crate) use context::{lock, wait};
pub(crate) use fold::{fold, fold_on, map};
pub(crate) use ordered::{Emitter, Ordered};
pub(crate) use panic::panic_message;
pub(crate) use shared_slice::SharedSlice;
