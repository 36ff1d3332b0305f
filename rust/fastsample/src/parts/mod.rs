//! Draws in parts: the steps of a draw as pure functions of bytes, for other processes and machines.
//!
//! ```text
//!  files of a part ──▶ observe ─▶ state ─┐
//!  files of a part ──▶ observe ─▶ state ─┼─▶ merge ─▶ decide ─▶ decision ─▶ the next round
//!  files of a part ──▶ observe ─▶ state ─┘                         │ the last one
//!                                                                  ▼
//!                                       files of a part ──▶ sample: the chosen rows of this part
//! ```
//!
//! | round | a part observes | what is decided |
//! |---|---|---|
//! | `survey` | rows and columns of its files | where its rows are, one schema; the rows of a uniform draw |
//! | `drawable` | which of its rows match `where`, and their weights | the rows of a draw of these, or which a smart draw takes |
//! | `group_counts` | the rows and values of its groups | how many rows each group gives, or all or none |
//! | `thresholds` | its rows near the threshold of their group | the rows of a draw by groups |
//! | `strings` | strings of 4,096 rows, where names don't tell what is text | the text of a row |
//! | pilot | shingles of the rows of the pilot | the table of commonness |
//! | features | the features of all rows | the rows of a smart draw |
//!
//! A round that a draw does not need is left out. States merge in any order and in any tree; an
//! envelope refuses those that are lost, doubled, damaged or of another draw. A decision is one as
//! well, so that no part goes by that of another draw. Row ids are those of [`crate::Sample`].
//!
//! - `draw`: what all processes agree in; `survey`, `drawable`, `strings`, `group_counts`,
//!   `thresholds`: states of rounds;
//! - `merge`: states of parts as one; `rounds`, `grouped`: what a part observes, and what is decided;
//! - `decision`: what is known after a round; `reading`: the rows of a part by the last one.

mod decision;
mod draw;
mod drawable;
mod group_counts;
mod grouped;
mod merge;
mod reading;
mod rounds;
mod strings;
mod survey;
mod thresholds;

pub use draw::{Decided, GroupGives, PartedDraw, PartedGroups, SourceFiles};
pub use merge::merge;
pub use thresholds::threshold_window;
