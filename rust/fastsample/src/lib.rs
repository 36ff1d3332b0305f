//! fastsample draws training samples out of big text data sets: exactly n rows, the same on any
//! machine and any number of threads, in memory that does not grow with the data.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_array::{ArrayRef, RecordBatch, StringArray};
//! use fastsample::write::{Format, ParquetOptions, WriteOptions};
//! use fastsample::source::OpenOptions;
//! use fastsample::{Amount, Context, Sample, Source};
//!
//! let ctx = Context::new(None);
//! let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
//! let column: ArrayRef = Arc::new(StringArray::from(texts));
//! let batch = RecordBatch::try_from_iter([("prompt", column)])?;
//! let source = Source::from_batches(batch.schema(), vec![batch], None)?;
//!
//! // 300 rows, the same ones whatever the machine and the number of threads.
//! let sample = Sample::uniform(&ctx, source.into(), Amount::Rows(300), 42)?;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("train.parquet");
//! sample.write(&ctx, &path, &WriteOptions::new(Format::Parquet(ParquetOptions::default())))?;
//!
//! let written = Source::open(&ctx, &[path], &OpenOptions::default())?;
//! assert_eq!(written.rows(), 300);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The modules. Each imports only those above it, which a test checks. The way of a row through them
//! is in `docs/architecture.md`:
//!
//! | module | what it is for |
//! |---|---|
//! | [`error`] | one error type |
//! | [`exec`] | threads, progress, cancellation |
//! | [`files`] | output files: never over an input; one or a set, whole or not at all |
//! | [`hash`] | frozen hash functions: the random number of a row, a pseudorandom permutation |
//! | [`sketch`] | mergeable summaries: distinct values, lengths, MinHash |
//! | [`select`] | uniform and priority sampling; knows no text and no files |
//! | [`text`] | text columns of any layout, without copying; shingles |
//! | [`source`] | files, folders and Arrow data as fragments that can be read in any part |
//! | `scan` | a parallel fold over the rows of a source |
//! | [`columns`] | which columns of a source are text: named, or by default |
//! | [`predicate`] | conditions on the columns of a row: a small part of SQL's `WHERE` |
//! | [`population`] | a source, and which of its rows may be drawn |
//! | [`exclusion`] | the rows of a population that share no text with some sources |
//! | [`partition`] | rows in groups of equal values of some columns |
//! | [`row_weights`] | a column as the weights of rows |
//! | [`gather`] | reads the chosen rows, in order, in bounded memory |
//! | `reservoir` | reservoir sampling: the same draw from a stream that can be read once |
//! | [`smart`] | weights by near-duplicates, commonness, length, repetition, target; draws by weight |
//! | [`chat`] | chat templates: a chat as the text that a model is trained on |
//! | [`tokens`] | token counts and ids of rows; draws with a limit or a budget of tokens |
//! | [`sample`] | a source with its chosen rows |
//! | [`draw`](mod@draw) | one description of a draw, and what draws it: of each group, whole groups, by weight, with replacement |
//! | [`mixture`] | of each of several sources its share of rows or tokens, in an order even at every prefix |
//! | [`write`](mod@write) | Parquet and Arrow IPC, in parallel, whole or not at all |
//! | [`inspect`] | lengths of texts and copies among the rows of a source |
//! | [`compare`] | a sample against its source: distances and significance tests |
//! | [`parts`] | draws cut into steps for other processes, whose states merge in any order |
//! | [`split`](mod@split) | disjoint training, validation and test rows; equal texts on one side |
//! | [`training`] | batches of rows of similar length, packs; batches of token ids |
//! | `fuzz` | fuzz targets, only built with the feature `fuzz` |

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chat;
pub mod columns;
pub mod compare;
pub mod draw;
pub mod error;
pub mod exclusion;
pub mod exec;
pub mod files;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod gather;
pub mod hash;
pub mod inspect;
pub mod mixture;
pub mod partition;
pub mod parts;
pub mod population;
pub mod predicate;
mod reservoir;
pub mod row_weights;
pub mod sample;
mod scan;
pub mod select;
pub mod sketch;
pub mod smart;
pub mod source;
pub mod split;
pub mod text;
pub mod tokens;
pub mod training;
pub mod write;

pub use error::{Error, Result};
pub use exec::Context;
pub use population::Population;
pub use sample::Sample;
pub use select::Amount;
pub use smart::{Rule, Smart, SmartReport};
pub use source::Source;
