//! fastsample draws training samples out of big text data sets: exactly n rows, the same on any
//! machine and any number of threads, in memory that does not grow with the data.
//!
//! The modules, each of which imports only those above it (a test holds that); the way of a row
//! through them is drawn in `docs/architecture.md`:
//!
//! | module | what it is for |
//! |---|---|
//! | [`error`] | what can go wrong |
//! | [`exec`] | threads, progress, cancellation |
//! | [`hash`] | frozen hash functions: the random number of a row, a random order |
//! | [`sketch`] | small summaries that merge: distinct values, lengths, MinHash |
//! | [`select`] | which rows: thresholds, priorities, selections; knows nothing of text or files |
//! | [`text`] | what is text of a row, in any layout, without copying; shingles |
//! | [`source`] | files, folders and tables as fragments that can be read in any part |
//! | `scan` | a parallel fold over the rows of a source |
//! | [`gather`] | the chosen rows read back, in order, in bounded memory |
//! | [`reservoir`] | the same draw from a stream that passes by once (reservoir sampling) |
//! | [`smart`] | weights: what a row adds to the others, and drawing by weight |
//! | [`tokens`] | lengths of rows in tokens, and draws that go by them |
//! | [`sample`] | a source and its chosen rows: what callers hold |
//! | [`write`] | Parquet and Arrow IPC, in parallel, whole or not at all |
//! | [`inspect`] | what is in a source: lengths of its texts, copies among its rows |
//! | [`compare`] | a sample beside its source: distances, and whether they are chance |
//! | [`split`](mod@split) | disjoint sides; equal texts are never on two |
//! | [`training`] | orders of rows for a training loop: batches of similar length |

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod compare;
pub mod error;
pub mod exec;
pub mod gather;
pub mod hash;
pub mod inspect;
pub mod reservoir;
pub mod sample;
mod scan;
pub mod select;
pub mod sketch;
pub mod smart;
pub mod source;
pub mod split;
pub mod text;
pub mod tokens;
pub mod training;
pub mod write;

pub use error::{Error, Result};
pub use exec::Context;
pub use sample::Sample;
pub use smart::{Rule, Smart, SmartReport};
pub use source::Source;
