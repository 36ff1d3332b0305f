//! Smart sampling: weights from the text of rows, and priority sampling by weight.
//!
//! ```text
//!  source ─▶ pilot: a small part, its shingles counted ─┐ (for commonness, target and avoid only)
//!     │                                                  ▼
//!     └────▶ extract: one pass, Features a row ─▶ terms: product of factors ─▶ draw: bottom-n of u / w
//! ```
//!
//! Every term is an integer function of a row's text and of counts over all rows, so that no order
//! of threads and no vector width can change a bit. Rows are in three classes, and a class is drawn
//! from only when the one before is used up: rows with a weight, rows of weight 0 (too short),
//! copies of other rows.
//!
//! The pilot's shingles and the features can be computed for parts of a source, on different
//! machines, serialised, and merged in any order: [`pilot::PilotShingles`],
//! [`examples::Examples`], [`extract::Extracted`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`] | the rule and the strengths of the terms |
//! | [`pilot`] | document frequencies of shingles in a small part of the rows |
//! | [`examples`] | the shingles of some rows, row by row, for a target that is learned |
//! | [`terms`] | the factors of a weight: near-duplicates, commonness, length, repetition, target, avoid |
//! | [`kinds`] | kinds of rows that are named, targets and rows to avoid: learned, and reported |
//! | [`entropy`] | character entropy, for the rule of the same name |
//! | `columns` | columns of numbers, one number a row |
//! | [`features`] | what one pass over the text keeps of each row |
//! | [`extractor`] | features of one row after the other |
//! | [`extract`] | that pass; parts merge |
//! | `kept_features` | features in a file, for other draws from the same source |
//! | `pipeline` | pilot and extraction, one after the other, or what a file has |
//! | `factors` | weights times other weights of the same rows |
//! | [`near_duplicates`] | groups of near-duplicates: a union-find over rows that share bands |
//! | [`classes`] | the n rows of highest priority, class by class |
//! | [`inclusion`] | inclusion probabilities |
//! | `priority`, `ranking` | each row's class and priority; all rows in that order |
//! | `dropped` | why rows of a source are not in a sample |
//! | [`draw`](mod@draw), `score`, `report` | entry points, and their report |

pub mod classes;
mod columns;
pub mod draw;
mod dropped;
pub mod entropy;
pub mod examples;
pub mod extract;
pub mod extractor;
mod factors;
pub mod features;
pub mod inclusion;
mod kept_features;
pub mod kinds;
pub mod near_duplicates;
pub mod options;
pub mod pilot;
mod pipeline;
mod priority;
mod ranking;
mod report;
mod score;
pub mod terms;

pub(crate) use draw::choose_among;
pub use draw::{RuleWeights, choose, draw, draw_strata};
pub use dropped::{Dropped, Reason, dropped};
pub use kept_features::KeptFeatures;
pub use kinds::{KindFound, KindsFound};
pub use options::{Avoid, Judging, Rule, Smart, Target, TargetKind, TargetMethod};
pub(crate) use pipeline::check_rows;
pub use priority::Choice;
pub(crate) use priority::JUDGE;
pub use ranking::Ranking;
pub use report::{QUANTILES, SmartReport};
pub use score::score;
