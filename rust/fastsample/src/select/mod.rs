//! Uniform and priority sampling: which rows are drawn. Knows no text, no files and no threads.
//!
//! - [`uniform`](mod@uniform): n rows of equal chance, when the number of rows is known;
//! - [`bottom`]: rows by priority `u / w` (priority sampling), and the n best of a stream of unknown
//!   length;
//! - [`arrivals`]: draws with replacement: the first n arrivals of rows at random times;
//! - `replacement`: how often each row is drawn with replacement;
//! - `amount`: how many rows are drawn: a number, or a share;
//! - `blocks`: some blocks of neighbouring rows, for pilots;
//! - `allocation`: how many rows of each stratum; `temperature`: weights of strata by their size;
//! - `two_way`: how many rows of each stratum each of several sides has;
//! - `even`: an order of several sequences that is even at every prefix;
//! - [`fixed_point`]: logarithms and powers in integers;
//! - [`strata`]: the stratum of each row, and the best rows of each;
//! - `rank`: the row of a given rank, where all rows are at hand;
//! - [`selection`]: the result, as a predicate over row ordinals.

mod allocation;
mod amount;
pub mod arrivals;
mod blocks;
pub mod bottom;
mod even;
pub mod fixed_point;
pub(crate) mod rank;
mod replacement;
pub mod selection;
pub mod strata;
mod temperature;
mod two_way;
pub mod uniform;

pub use allocation::{Allocated, Allocation};
pub use amount::Amount;
pub(crate) use amount::{check_sum, in_units};
pub use blocks::Blocks;
pub use bottom::{BottomN, Candidate};
pub use even::EvenOrder;
pub(crate) use rank::at_rank;
pub use replacement::{ArrivalOrder, Repeats};
pub use selection::{RowMask, Selection};
pub use strata::{Members, Strata};
pub use two_way::{rounded, two_way};
pub use uniform::{uniform, window, window_among};
