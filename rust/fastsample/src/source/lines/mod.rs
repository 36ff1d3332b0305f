//! Files of lines, compressed or not: what formats with a record a line share.
//!
//! - [`inflate`]: the bytes of a file, through gzip (several members) or Zstandard (several frames);
//! - [`compressed`]: what is inflated; [`frames`]: Zstandard frames side by side;
//! - [`cut`]: a file cut into chunks of whole lines, the same ones for any number of threads;
//! - [`forward`]: chunks of a compressed file in order, for many threads;
//! - [`records`]: the records of a chunk: lines that are not blank; [`quotes`]: with quotes around
//!   line feeds;
//! - [`mod@pass`]: all chunks looked at once, when the file is opened;
//! - [`mod@file`]: a file with its chunks, and the bytes of one; [`names`]: what its name tells;
//! - [`chosen`]: the chosen records of a chunk as Arrow data;
//! - [`conflicts`]: columns whose values fit no one type;
//! - [`tally`]: a few values that make the type of a column wider;
//! - [`layout`]: how records are copied from a file to another.
//!
//! ```text
//!  plain       |....line|line.....line|line...   cut every 4 MiB, at the next line end; in parallel
//!  with quotes in order, at line ends outside of quotes
//!  compressed  member ▶ inflate ▶ cut            in order, zstd frames side by side; a chunk
//!                                                 knows the member that it begins in
//! ```

mod chosen;
mod compressed;
mod conflicts;
mod cut;
mod file;
mod forward;
mod frames;
mod inflate;
mod layout;
mod names;
mod pass;
mod quotes;
mod records;
mod tally;

pub(super) use chosen::{ChosenRecords, RecordDecoder};
pub(super) use conflicts::Conflicts;
pub(super) use cut::Cutter;
pub(super) use file::LineFile;
pub(super) use forward::Passes;
pub(super) use inflate::damaged;
pub(crate) use layout::LineLayout;
pub(super) use names::{ends_with, refuse_utf16};
pub(super) use pass::{ChunkSeen, ChunkTable, LineFault, pass};
pub(super) use quotes::QuotedRecords;
pub(super) use records::{Records, start};
pub(super) use tally::{Tally, is_inexact, rounded, widened};
