//! For a training loop: orders of rows, and batches of token ids.
//!
//! - [`length_batches`]: batches of rows of similar length; [`packing`]: packs of rows by best fit;
//! - [`token_rows`]: the token ids of rows; [`collate`]: batches of them, padded or packed.

pub mod collate;
pub mod length_batches;
pub mod packing;
pub mod token_rows;
