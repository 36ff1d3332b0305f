//! Execution: threads, progress, cancellation. Knows nothing of rows.
//!
//! - [`Context`]: the number of threads, progress, cancellation;
//! - `fold`: parallel fold over numbered tasks, with a merge of states;
//! - `ordered`: ordered parallel map, in bounded memory;
//! - `shared_slice`: a slice whose disjoint parts are written by several threads;
//! - [`memory`]: memory that is asked for before it is needed, and what happens when it runs short;
//! - `panic`: a caught panic as an error;
//! - [`threads`]: threads that may outlive their call, at the end of the process and after a fork;
//! - [`envelope`]: serialised states of parts, and what merging them refuses; `fields`: what is in
//!   their payloads.

mod context;
pub mod envelope;
pub(crate) mod fields;
mod fold;
pub mod memory;
mod ordered;
mod panic;
mod shared_slice;
pub mod threads;

pub use context::Context;
pub(crate) use context::{lock, wait};
pub(crate) use fold::{fold, fold_on, map, map_in};
pub(crate) use ordered::{Emitter, Ordered};
pub use panic::panicked;
pub(crate) use panic::{cause, panic_message};
pub(crate) use shared_slice::SharedSlice;
