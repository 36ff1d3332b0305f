//! The chosen rows, read back in order, in bounded memory, on all cores.
//!
//! - [`Gather`]: the rows of a selection, read from a source;
//! - [`Picker`]: rows at any positions of batches in memory;
//! - `compact`: chosen rows, copied out of the batches they were found in;
//! - `sorted_maps`: the part of a schema that the C data interface of arrow-rs drops.

pub(crate) mod compact;
mod picker;
mod sorted_maps;
mod stream;

pub use picker::Picker;
pub use sorted_maps::sorted_maps_message;
pub(crate) use stream::with_weight;
pub use stream::{Gather, WEIGHT, collect};
