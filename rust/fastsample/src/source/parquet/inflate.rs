//! Streaming decompression of a page, as bytes are needed.
//!
//! ```text
//!  file ──▶ section ──▶ inflater ──▶ buffer ──▶ length, value, length, value, ...
//!                                    128 KiB
//! ```
//!
//! A page of 500 MB is never in memory as a whole, compressed or not, and what has been inflated is
//! used while it is in the processor's cache.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;

use super::plain_pages::{Layout, PlainPage};
use crate::exec::memory;
use crate::source::file::OpenFile;

/// Bytes inflated at once, and compressed bytes read at once: half of a usual second-level cache.
const BUFFER_BYTES: usize = 128 << 10;

/// Every value begins with its length.
const LENGTH_BYTES: usize = 4;

/// Zstandard frames of any window are read; a page is less than 2 GiB, and so is its window.
const ZSTD_WINDOW_LOG: u32 = 31;

/// A page that is being inflated.
pub(super) struct Inflater {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that the page claims to have beyond the buffer.
    left: usize,
}

impl Inflater {
    /// The bytes of `page` from the first that is compressed on, and what precedes them.
    ///
    /// The first `levels` bytes of a page of version 2 are never compressed.
    pub(super) fn new(
        open: &OpenFile,
        page: &PlainPage,
        codec: Compression,
    ) -> io::Result<(Self, Option<Vec<u8>>)> {
        let section = open.section(page.offset, page.compressed as u64);
        let mut section = BufReader::with_capacity(BUFFER_BYTES, section);
        let (levels, compressed) = match page.layout {
            Layout::V1 => (None, true),
            Layout::V2 { levels, compressed, .. } => {
                if levels > page.compressed.min(page.uncompressed) {
                    return Err(io::Error::other("the levels are longer than their page"));
                }
                let mut bytes = vec![0; levels];
                section.read_exact(&mut bytes)?;
                (Some(bytes), compressed)
            }
        };
        let left = page.uncompressed - levels.as_ref().map_or(0, Vec::len);
        let reader: Box<dyn Read + Send> = match codec {
            // A page without values has no compressed bytes at all, not even of a frame.
            _ if left == 0 => Box::new(io::empty()),
            Compression::GZIP(_) if compressed => Box::new(MultiGzDecoder::new(section)),
            Compression::ZSTD(_) if compressed => Box::new(zstd_decoder(section)?),
            _ => Box::new(section),
        };
        let buffer = vec![0; BUFFER_BYTES];
        Ok((Self { reader, buffer, start: 0, end: 0, left }, levels))
    }

    /// The next `len` bytes.
    #[inline]
    fn take(&mut self, len: usize) -> io::Result<&[u8]> {
        if self.end - self.start < len {
            self.fill(len)?;
        }
        self.start += len;
        Ok(&self.buffer[self.start - len..self.start])
    }

    /// The length of the next value, which [`Inflater::value`] takes.
    #[inline]
    pub(super) fn length(&mut self) -> io::Result<usize> {
        let bytes = self.take(LENGTH_BYTES)?;
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        self.start -= LENGTH_BYTES;
        Ok(length as usize)
    }

    /// The next value, of `length` bytes.
    #[inline]
    pub(super) fn value(&mut self, length: usize) -> io::Result<&[u8]> {
        self.take(LENGTH_BYTES + length).map(|bytes| &bytes[LENGTH_BYTES..])
    }

    /// Inflates the rest, so that checksums are compared, and fails unless it ends where it should.
    pub(super) fn finish(mut self) -> io::Result<()> {
        while self.left > 0 {
            self.start = self.end;
            self.fill(1)?;
        }
        match self.reader.read(&mut self.buffer[..1])? {
            0 => Ok(()),
            _ => Err(io::Error::other("a page is longer than its header says")),
        }
    }

    /// Inflates until there are `len` bytes in the buffer.
    #[cold]
    fn fill(&mut self, len: usize) -> io::Result<()> {
        let held = self.end - self.start;
        if len - held > self.left {
            return Err(io::Error::other(format!(
                "a value of {len} bytes, but its page has only {} more",
                held + self.left
            )));
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, held);
        while self.end < len {
            if self.end == self.buffer.len() {
                // Grows with what is really there, not with what a damaged length claims.
                let room = len.min(self.end * 2);
                let what = || "a value of a huge page".to_owned();
                memory::require(room, what).map_err(io::Error::other)?;
                self.buffer.resize(room, 0);
            }
            let room = self.left.min(self.buffer.len() - self.end);
            match self.reader.read(&mut self.buffer[self.end..self.end + room]) {
                Ok(0) => return Err(io::Error::other("a page is shorter than its header says")),
                Ok(read) => {
                    self.end += read;
                    self.left -= read;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn zstd_decoder<R: BufRead>(section: R) -> io::Result<zstd::stream::read::Decoder<'static, R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(section)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}
