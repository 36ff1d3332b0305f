//! fastsample draws training samples out of big text data sets: exactly n rows, the same on any
//! machine and any number of threads, in memory that does not grow with the data.
//!
//! ```text
//!  paths, globs,          fragments            row ordinals          batches
//!  Arrow objects ─▶ source ────────▶ select ────────────▶ gather ────────────▶ write / Sample
//! ```
//!
//! One direction, no way back. Each module is a room that knows only the rooms before it:
//!
//! | module | what it is for |
//! |---|---|
//! | [`source`] | files, folders and tables as fragments that can be read in any part |
//! | [`select`] | which rows: hashes, thresholds, priorities; knows nothing of text or files |
//! | [`reservoir`] | the same draw from a stream that passes by once |
//! | [`gather`] | the chosen rows read back, in order, in bounded memory |
//! | [`write`] | Parquet and Arrow IPC, in parallel, whole or not at all |
//! | [`sample`] | a source and its chosen rows: what callers hold |
//! | [`smart`] | weights: what a row adds to the others, and drawing by weight |
//! | [`text`] | text columns of every layout, without copying |
//! | [`permute`] | a random order that is computed, not stored |
//! | [`distinct`] | distinct values and their copies, counted in bounded memory |
//! | [`inspect`] | what is in a source: lengths of its texts, copies among its rows |
//! | [`compare`] | a sample beside its source: distances, and whether they are chance |
//! | [`batching`] | batches of rows of similar length |
//! | [`tokens`] | lengths of rows in tokens, and draws that go by them |
//! | [`split`](mod@split) | disjoint sides; equal texts are never on two |
//!
//! Passes over all rows share one loop, `scan`, over the workers of `parallel`; `ordered` hands the
//! results of workers on in order. [`context`] carries threads, progress and cancellation through
//! all of them.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod batching;
mod compact;
pub mod compare;
pub mod context;
pub mod distinct;
pub mod error;
pub mod gather;
mod hashes;
pub mod inspect;
mod ordered;
mod parallel;
pub mod permute;
pub mod reservoir;
pub mod sample;
mod scan;
pub mod select;
mod shared;
pub mod smart;
pub mod source;
pub mod split;
pub mod text;
pub mod tokens;
pub mod write;

pub use context::Context;
pub use error::{Error, Result};
pub use sample::Sample;
pub use smart::{Rule, Smart, SmartReport};
pub use source::Source;
