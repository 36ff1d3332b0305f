//! What is text of a row, in any layout, without copying: columns of strings, and strings in nested
//! columns.
//!
//! ```text
//!  schema ─▶ leaves ─▶ names, judge ─▶ TextColumns: the leaves that are text ─▶ RowTexts of a batch
//! ```
//!
//! - [`column`](mod@column): one way to see every layout of strings;
//! - `leaf`: paths to the strings of a schema, such as `messages[].content`;
//! - `names`: which leaves are text by name and shape;
//! - `turn`: which lists of structs are chats; `roles`: the roles of texts;
//! - `judge`: which are text by what they hold;
//! - `choice`: the leaves that are named, or chosen by default;
//! - `kept`: what of nested columns is read for them;
//! - `places`: where the texts of each row lie in the array of a leaf;
//! - `rows`: the texts of each row of a batch, their hash and their length;
//! - [`utf8`]: UTF-8 decoded by the block;
//! - [`shingle`]: character n-grams of a row, as hashes.

mod choice;
pub mod column;
mod judge;
mod kept;
mod leaf;
mod names;
mod places;
mod roles;
mod rows;
pub mod shingle;
mod starts;
#[cfg(test)]
mod tests;
mod turn;
pub mod utf8;

pub use choice::TextColumns;
pub(crate) use choice::{Candidates, no_text};
pub use column::{TextColumn, count_chars, is_text};
pub use judge::Kind;
pub(crate) use judge::Strings;
pub(crate) use kept::Kept;
pub use leaf::{Leaf, leaves};
pub(crate) use roles::{RoleChars, TextRoles};
pub use rows::{RowTexts, hash_of};
pub use turn::Turn;
