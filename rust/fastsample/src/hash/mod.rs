//! Hash functions, frozen: the same numbers on every machine, in every release.
//!
//! - [`RowHash`]: the random number `u(i)` of each row, a keyed hash of its ordinal;
//! - [`Permutation`]: a random order that is computed, not stored (a Feistel network);
//! - `mix`: one or two numbers into a hash, for inner loops;
//! - `radix`: hashes in ascending order, and those that occur more than once.

mod mix;
mod permutation;
mod radix;
mod row;

pub(crate) use mix::{AsItIs, mix, mix_one, mix_two};
pub use permutation::Permutation;
pub(crate) use radix::{Repeated, sorted};
pub use row::RowHash;
