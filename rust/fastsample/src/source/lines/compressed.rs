//! The compressed bytes of a file, behind a buffer that knows how far they were consumed.

use std::io::{self, BufRead, Read};

use crate::source::file::{OpenFile, Section};

/// Compressed bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// A file behind a buffer that knows how far it was consumed.
pub(super) struct Compressed {
    section: Section,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes of the file that are not in the buffer yet.
    left: u64,
    /// The offset in the file of the next byte.
    consumed: u64,
}

impl Compressed {
    /// The bytes of `open` from `offset` on.
    pub(super) fn new(open: &OpenFile, offset: u64) -> Self {
        let left = open.size().saturating_sub(offset);
        let section = open.section(offset, left);
        Self { section, buffer: vec![0; READ_BYTES], start: 0, end: 0, left, consumed: offset }
    }

    /// The offset in the file of the next byte.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Makes the bytes taken last the next ones again.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.buffer = [bytes, &self.buffer[self.start..self.end]].concat();
            (self.start, self.end) = (0, self.buffer.len());
            self.consumed -= bytes.len() as u64;
        }
    }

    /// Some tools fill the last block of a gzip file with zeros.
    pub(super) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            if zeros == 0 {
                return Ok(());
            }
            self.consume(zeros);
        }
    }
}

impl BufRead for Compressed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end && self.left > 0 {
            self.start = 0;
            self.end = 0;
            self.buffer.resize(READ_BYTES, 0);
            self.end = self.section.read(&mut self.buffer)?;
            self.left -= self.end as u64;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.consumed += bytes as u64;
    }
}

impl Read for Compressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let len = bytes.len().min(out.len());
        out[..len].copy_from_slice(&bytes[..len]);
        self.consume(len);
        Ok(len)
    }
}
