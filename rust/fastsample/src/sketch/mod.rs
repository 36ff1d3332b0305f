//! Sketches: small summaries of many rows that merge in any order.
//!
//! - [`Distinct`]: distinct values and their copies, counted in bounded memory (bottom-k sketch);
//! - [`Lengths`]: a histogram of text lengths, with quantiles;
//! - [`minhash`]: one-permutation MinHash, for near-duplicates.

mod distinct;
mod lengths;
pub mod minhash;

pub use distinct::Distinct;
pub use lengths::Lengths;
