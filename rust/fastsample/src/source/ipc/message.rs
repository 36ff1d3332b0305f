//! Arrow IPC messages, verified before they are read.
//!
//! A flatbuffer is a graph: many places may refer to one table or text, and each reader of it makes
//! a copy. So a message may not unfold to much more than its own size.

use arrow_ipc::{Endianness, Footer, Message, Schema};
use flatbuffers::{InvalidFlatbuffer, VerifierOptions};

pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];

/// Levels of nested tables: a few for each level of a schema.
const MAX_DEPTH: usize = 200;

/// How much larger than its bytes a message may seem: tables share what describes their layout.
const UNFOLDED: usize = 16;

fn options(bytes: usize) -> VerifierOptions {
    VerifierOptions {
        max_depth: MAX_DEPTH,
        // A table has four bytes at least, and is referred to once.
        max_tables: bytes / 4 + 16,
        max_apparent_size: bytes.saturating_mul(UNFOLDED) + 4096,
        ignore_missing_null_terminator: false,
    }
}

/// The message behind its length, with or without the marker of later versions.
pub(in crate::source) fn parse(header: &[u8]) -> Result<Message<'_>, InvalidFlatbuffer> {
    let skip = if header.len() >= 8 && header[..4] == CONTINUATION { 8 } else { 4 };
    let body = header.get(skip..).unwrap_or_default();
    arrow_ipc::root_as_message_with_opts(&options(body.len()), body)
}

/// The footer of a file.
pub(super) fn footer(bytes: &[u8]) -> Result<Footer<'_>, InvalidFlatbuffer> {
    arrow_ipc::root_as_footer_with_opts(&options(bytes.len()), bytes)
}

/// Whether data of this schema has the byte order of this machine.
pub(in crate::source) fn is_native(schema: Schema<'_>) -> bool {
    let little = schema.endianness() == Endianness::Little;
    little == cfg!(target_endian = "little")
}
