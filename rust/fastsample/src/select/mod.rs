//! Which rows: the draw itself. Knows nothing of text, files or threads' order.
//!
//! - [`hash`]: the random number `u(i)` of each row;
//! - [`uniform`]: n rows of equal chance, when the number of rows is known;
//! - [`bottom`]: n rows by priority `u / w`, for weights and for streams of unknown length;
//! - [`selection`]: the result, as a predicate over row ordinals.

pub mod bottom;
pub mod hash;
pub mod selection;
pub mod uniform;

pub use bottom::{BottomN, Candidate};
pub use hash::RowHash;
pub use selection::{RowMask, Selection};
pub use uniform::{uniform, window};
