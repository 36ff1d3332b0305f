//! Orders of rows for a training loop.

pub mod length_batches;
pub mod packing;
