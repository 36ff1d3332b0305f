//! The factors of a row's weight, one file each, and their product.
//!
//! | term | file | factor |
//! |---|---|---|
//! | duplicates | [`duplicates`], [`template`] | 1.5 / near-duplicates, or by the novelty of the row |
//! | commonness | [`commonness`] | 1 / geometric mean of its shingles' document frequencies |
//! | length | [`length`] | square root, up to a limit |
//! | repetition | [`repetition`] | twice distinct / all shingles |
//! | target | [`target`] | [`importance`]: share in the target / share in the source (DSIR); or [`classifier`]: odds |
//! | avoid | [`avoid`] | 1 / the odds of [`classifier`] |
//!
//! [`weight`] multiplies them. [`separation`] says how well a classifier tells rows that it has not seen.

pub mod avoid;
pub mod classifier;
pub mod commonness;
pub mod duplicates;
pub mod importance;
pub mod length;
pub mod repetition;
pub mod separation;
pub mod target;
pub mod template;
pub mod weight;
