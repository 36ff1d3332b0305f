//! The chosen rows, read back in order, in bounded memory, on all cores.
//!
//! - [`Gather`]: the rows of a selection, read from a source;
//! - `interleave`: the rows of several streams in the even order, or in another one;
//! - [`Picker`]: rows at any positions of batches in memory;
//! - `compact`: chosen rows, copied out of the batches they were found in;
//! - `repeat`: rows that come several times, of draws with replacement;
//! - `sorted_maps`: the part of a schema that the C data interface of arrow-rs drops.

pub(crate) mod compact;
mod interleave;
mod picker;
mod repeat;
mod sorted_maps;
mod stream;

pub(crate) use interleave::{interleaved, interleaved_by};
pub use picker::Picker;
pub use sorted_maps::sorted_maps_message;
pub use stream::{Gather, WEIGHT, collect};
pub(crate) use stream::{Look, Share, with_weight};
