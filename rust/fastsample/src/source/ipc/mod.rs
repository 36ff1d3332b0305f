//! Arrow IPC: the file format (`.arrow`, Feather 2) and the stream format, compressed or not.
//!
//! Both are a sequence of messages. The file format lists them in a footer; a stream is walked
//! once, headers only. After that there is no difference: every record batch can be read alone.
//!
//! - [`message`]: a message, verified before it is read;
//! - [`index`]: where the messages of a file are;
//! - [`claims`]: how much the buffers of a message claim to hold;
//! - [`file`](mod@file): record batches, read and decoded.

mod claims;
mod file;
mod index;
pub(super) mod message;

pub(super) use self::file::IpcFile;
pub(super) use self::index::is_old_stream;
