//! What is text of a row, in any layout, without copying.
//!
//! - [`column`](mod@column): text columns of every layout; which columns of a source are text;
//! - [`utf8`]: UTF-8 decoded by the block;
//! - [`shingle`]: character n-grams of a row, as hashes.

pub mod column;
pub mod shingle;
pub mod utf8;

pub(crate) use column::texts_of;
pub use column::{TextColumn, columns, count_chars, is_text, names};
