//! Files of lines, compressed or not: what formats with a record a line share.
//!
//! - [`inflate`]: the bytes of a file, through gzip (several members) or Zstandard (several frames);
//! - [`cut`]: a file cut into chunks of whole lines, the same ones for any number of threads;
//! - [`forward`]: chunks of a compressed file in order, for many threads;
//! - [`records`]: the records of a chunk: lines that are not blank.
//!
//! ```text
//!  plain       |....line|line.....line|line...   cut every 4 MiB, at the next line end; in parallel
//!  compressed  member ▶ inflate ▶ cut            in order; a chunk knows the member that it begins in
//! ```

mod cut;
mod forward;
mod inflate;
mod records;

pub(super) use cut::{Chunk, Cut, Cutter, InOrder};
pub(super) use forward::{Forward, Passes};
pub(super) use inflate::{LineCodec, damaged, head};
pub(super) use records::{BYTE_ORDER_MARK, Records};
