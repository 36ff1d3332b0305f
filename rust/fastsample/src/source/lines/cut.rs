//! Chunks: pieces of a file that begin and end where lines do.
//!
//! Where a file is cut depends on its bytes alone. A plain file is cut at the first line end behind
//! every 4 MiB, so any chunk is found without the others. A compressed file is cut as it is read.

use std::collections::VecDeque;
use std::io::{self, Read};

use bytes::Bytes;
use memchr::{memchr, memrchr};

use super::inflate::{LineCodec, MemberReader};
use super::quotes::QuoteScan;
use super::records::start;
use crate::error::{Error, Result};
use crate::exec::memory;
use crate::source::file::OpenFile;

/// Bytes of a chunk, unless a line is longer: enough that finding it costs nothing, few enough that
/// many are in memory at once.
pub(super) const CHUNK_BYTES: u64 = 4 << 20;

/// Bytes that are fetched beyond those of a chunk, to look through for a line end.
const BEYOND_BYTES: u64 = 64 << 10;

/// Bytes that are looked through first.
const FIRST_LOOK_BYTES: u64 = 4 << 10;

/// The longest line. Decoders take a few times the memory.
const LONGEST: u64 = 1 << 30;

/// The longest line of a small compressed file, and for each byte of a larger one: a megabyte of
/// gzip can hold a gigabyte.
const LONGEST_INFLATED: u64 = 256 << 20;
const LONGEST_A_BYTE: u64 = 64;

/// Whole lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) struct Chunk {
    /// The offset in the file from which it is read: its own, or that of a member.
    pub(in crate::source) from: u64,
    /// Inflated bytes between there and its first line.
    pub(in crate::source) skip: u64,
    /// Bytes, not compressed.
    pub(in crate::source) len: u64,
}

/// A chunk and its bytes.
pub(in crate::source) struct Cut {
    pub(in crate::source) chunk: Chunk,
    pub(in crate::source) bytes: Bytes,
}

/// How many chunks a plain file of `size` bytes is cut into, some of them empty.
fn pieces(size: u64) -> u64 {
    size.div_ceil(CHUNK_BYTES)
}

/// Cuts a file.
pub(in crate::source) enum Cutter {
    /// Chunks are found one by one, by their number.
    Plain { pieces: u64 },
    /// Chunks come in order.
    InOrder(Box<InOrder>),
}

impl Cutter {
    pub(in crate::source) fn new(open: &OpenFile, compression: LineCodec, threads: usize) -> Self {
        match compression {
            LineCodec::None => Self::Plain { pieces: pieces(open.size()) },
            _ => Self::InOrder(Box::new(InOrder::new(open, compression, threads))),
        }
    }

    /// Cuts a file of records with quotes, whose fields are told apart by `delimiter`. Whether a line
    /// end is within quotes is only known from all before it.
    pub(in crate::source) fn quoted(
        open: &OpenFile,
        codec: LineCodec,
        threads: usize,
        delimiter: u8,
    ) -> InOrder {
        InOrder { quoted: Some(delimiter), ..InOrder::new(open, codec, threads) }
    }

    /// The lines of a plain file that begin in the `index`-th piece of it.
    pub(in crate::source) fn piece(open: &OpenFile, index: u64) -> Result<Cut> {
        let (open, size) = (&open.apart(), open.size());
        let nominal = index * CHUNK_BYTES;
        open.plan(vec![vec![nominal.saturating_sub(1)..nominal + CHUNK_BYTES + BEYOND_BYTES]]);
        let empty = Cut { chunk: Chunk { from: nominal, skip: 0, len: 0 }, bytes: Bytes::new() };
        let start = match index {
            0 => Some(0),
            // A line begins behind the line end that is the last byte of the piece before, or later.
            _ => line_end(open, nominal - 1, (nominal + CHUNK_BYTES - 1).min(size))?,
        };
        let Some(start) = start.filter(|&start| start < size) else { return Ok(empty) };
        let end = if nominal + CHUNK_BYTES >= size {
            size
        } else {
            line_end(open, nominal + CHUNK_BYTES - 1, size)?.unwrap_or(size)
        };
        if end - start > LONGEST + CHUNK_BYTES {
            return Err(too_long(open, LONGEST));
        }
        let bytes = open.read_lent(start, (end - start) as usize)?;
        Ok(Cut { chunk: Chunk { from: start, skip: 0, len: end - start }, bytes })
    }
}

/// The offset behind the first line end from `at` to `end`.
fn line_end(open: &OpenFile, mut at: u64, end: u64) -> Result<Option<u64>> {
    let mut step = FIRST_LOOK_BYTES;
    while at < end {
        let len = step.min(end - at);
        // In memory of its own: the pool would give up that of a chunk for it.
        let bytes = open.read_buffer(at, len as usize)?;
        if let Some(found) = memchr(b'\n', &bytes) {
            return Ok(Some(at + found as u64 + 1));
        }
        at += len;
        step = (step * 8).min(CHUNK_BYTES);
    }
    Ok(None)
}

fn too_long(open: &OpenFile, most: u64) -> Error {
    let what = format!(
        "a line is longer than {} MiB, which is not supported; \
         write one record a line, with a line feed behind each",
        most >> 20
    );
    Error::unsupported(open.path(), &what)
}

fn never_ends(open: &OpenFile, quote: u64, most: u64) -> Error {
    let what = format!(
        "the quote at byte {} of the text opens a field that does not end within {} MiB; \
         close it, or write the field in quotes, with each quote in it doubled",
        quote + 1,
        most >> 20
    );
    Error::unsupported(open.path(), &what)
}

/// Cuts a file from its beginning.
pub(in crate::source) struct InOrder {
    inflater: MemberReader,
    /// Members that begin at the next line or behind it, and the one before them.
    members: VecDeque<(u64, u64)>,
    /// What was read and not cut off yet, and its offset among all bytes.
    rest: Vec<u8>,
    at: u64,
    ended: bool,
    longest: u64,
    /// The delimiter of fields, if records have quotes.
    quoted: Option<u8>,
}

impl InOrder {
    fn new(open: &OpenFile, compression: LineCodec, threads: usize) -> Self {
        let longest = match compression {
            LineCodec::None => LONGEST,
            _ => LONGEST.min(LONGEST_INFLATED.max(open.size() * LONGEST_A_BYTE)),
        };
        let (members, rest) = (VecDeque::new(), Vec::new());
        let inflater = MemberReader::new(open, compression, 0).side_by_side(threads);
        Self { inflater, members, rest, at: 0, ended: false, longest, quoted: None }
    }

    /// The bytes of the next chunk, which stays the next one.
    pub(in crate::source) fn peek(&mut self, open: &OpenFile) -> io::Result<Result<&[u8]>> {
        Ok(self.find(open)?.map(|len| &self.rest[..len]))
    }

    /// Reads the next chunk, and returns how long it is: 0 at the end.
    fn find(&mut self, open: &OpenFile) -> io::Result<Result<usize>> {
        let mut wanted = CHUNK_BYTES as usize;
        // Where no line end has been found yet.
        let mut searched = 0;
        let mut scan = None;
        loop {
            self.fill(wanted)?;
            if self.rest.is_empty() {
                return Ok(Ok(0));
            }
            let found = if let Some(delimiter) = self.quoted {
                let start = start(&self.rest, self.at == 0);
                let scan = scan.get_or_insert_with(|| QuoteScan::new(delimiter, start));
                let end = std::iter::from_fn(|| scan.next_end(&self.rest)).last();
                // The first chunk has a record: the header.
                let has_record = |end: usize| {
                    self.rest[start..end].iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
                };
                end.filter(|&end| self.at > 0 || has_record(end))
            } else {
                memrchr(b'\n', &self.rest[searched..]).map(|found| searched + found + 1)
            };
            if let Some(len) = found {
                return Ok(Ok(len));
            }
            if self.rest.len() as u64 > self.longest {
                let quote = scan.and_then(|scan| scan.open_quote());
                return Ok(Err(match quote {
                    Some(quote) => never_ends(open, self.at + quote as u64, self.longest),
                    None => too_long(open, self.longest),
                }));
            }
            if self.ended {
                return Ok(Ok(self.rest.len()));
            }
            searched = self.rest.len();
            wanted = (self.rest.len() * 2).min(self.longest as usize + 1);
        }
    }

    /// The next chunk; none at the end.
    pub(in crate::source) fn next(&mut self, open: &OpenFile) -> io::Result<Result<Option<Cut>>> {
        let len = match self.find(open)? {
            Ok(0) => return Ok(Ok(None)),
            Ok(len) => len,
            Err(error) => return Ok(Err(error)),
        };
        let rest = self.rest.split_off(len);
        let bytes = Bytes::from(std::mem::replace(&mut self.rest, rest));
        while self.members.get(1).is_some_and(|&(_, start)| start <= self.at) {
            self.members.pop_front();
        }
        let (from, start) = self.members.front().copied().unwrap_or_default();
        let chunk = Chunk { from, skip: self.at - start, len: len as u64 };
        self.at += len as u64;
        Ok(Ok(Some(Cut { chunk, bytes })))
    }

    /// Reads until `wanted` bytes are there, or the file ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let missing = wanted.saturating_sub(self.rest.len());
        memory::grow(&mut self.rest, missing, "lines").map_err(io::Error::other)?;
        let read = self.inflater.by_ref().take(missing as u64).read_to_end(&mut self.rest)?;
        self.ended = read < missing;
        self.members.extend(self.inflater.begun());
        Ok(())
    }
}
