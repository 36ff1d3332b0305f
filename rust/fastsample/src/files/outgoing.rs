//! Early write-back: the system writes a file to disk while it grows.
//!
//! Flushing a file of a gigabyte takes seconds in which all cores are idle. If write-back starts as
//! the bytes come, the flush at the end has little to do.

use std::fs::File;
use std::io::{self, Write};

use super::set::Output;
#[cfg(target_os = "linux")]
use super::system::has_linux_ways;
use crate::error::Result;

/// Bytes after which those written so far are sent off.
const BYTES: u64 = 16 << 20;

/// A file being written from its beginning.
#[derive(Debug)]
pub(crate) struct Outgoing {
    file: File,
    written: u64,
    sent: u64,
}

impl Outgoing {
    pub(crate) fn create(output: &Output) -> Result<Self> {
        Ok(Self { file: output.open()?, written: 0, sent: 0 })
    }

    /// Has the system begin to write; it waits for nothing, and promises nothing. Pages that have
    /// yet to be written stay in memory for the next reader.
    fn send(&mut self) {
        #[cfg(target_os = "linux")]
        if has_linux_ways() {
            use rustix::fs::{Advice, fadvise};
            let fresh = std::num::NonZeroU64::new(self.written - self.sent);
            // Where advice is not taken, all is written at the end.
            let _ = fadvise(&self.file, self.sent, fresh, Advice::DontNeed);
        }
        self.sent = self.written;
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        if self.written - self.sent >= BYTES {
            self.send();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
