//! Token counts by a Hugging Face tokenizer, and draws with a limit or a budget of tokens.
//!
//! ```text
//!  tokenizer.json ─▶ Tokenizer ─┐
//!                               ▼
//!  chosen rows ─▶ gather ─▶ lengths: tokens of each row, on all cores
//!                               ▲
//!  an order of all rows ─▶ draw ┘  rows one after the other, until there are enough
//! ```
//!
//! - `tokenizer`: [`Tokenizer`], and whether it renders chats;
//! - `measure`: [`Measure`], tokens of rows; `chats`: the chats of rows, rendered;
//! - `sequences`: [`Sequences`], the ids of the tokens of rows, to be kept;
//! - [`column_lengths`]: lengths of each text column, in tokens or characters;
//! - [`draw`](mod@draw): rows up to a limit or a budget;
//! - [`TokenPrefix`]: rows up to a budget that may grow, of which none is counted twice;
//! - [`TokenEpochs`]: draws that follow each other in one order.

mod by_column;
mod chats;
pub mod draw;
mod epochs;
mod measure;
mod prefix;
mod sequences;
mod tokenizer;

pub use self::by_column::{Unit, column_lengths};
pub use self::draw::{Goal, Order, TokenDraw, TokenLimits, UniformOrder, draw, draw_again};
pub(crate) use self::draw::{PILOT_ROWS, lengths_of};
pub use self::epochs::TokenEpochs;
pub use self::measure::{Measure, lengths, one_by_one};
pub use self::prefix::TokenPrefix;
pub use self::sequences::{ANSWERS, INPUT_IDS, LABELS, SEQUENCES_KEY, Sequences};
pub use self::tokenizer::{PadToken, Tokenizer};
