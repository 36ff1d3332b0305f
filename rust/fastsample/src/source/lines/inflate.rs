//! The bytes of a file from any member on: as they are, or through gzip or Zstandard.
//!
//! A gzip file is a sequence of members, a Zstandard file one of frames. Each can be read without
//! those before it.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder;

use crate::error::Error;
use crate::source::file::{OpenFile, Section};

/// Compressed bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// Bytes at the beginning of a file that tell its format.
const HEAD_BYTES: usize = 4 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum LineCodec {
    None,
    Gzip,
    Zstd,
}

impl LineCodec {
    /// The compression of a file with these first bytes.
    pub(in crate::source) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The name of the codec; none for a plain file.
    pub(in crate::source) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The first bytes of what a file holds, or fewer if it is damaged early on.
pub(in crate::source) fn head(open: &OpenFile, compression: LineCodec) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MemberReader::new(open, compression, 0).take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A failure to inflate a file, after `lines` whole lines.
pub(in crate::source) fn damaged(
    open: &OpenFile,
    codec: LineCodec,
    lines: u64,
    error: &io::Error,
) -> Error {
    let codec = codec.name().unwrap_or("plain");
    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
        format!("the {codec} file is cut off behind line {lines}; fetch or write it again")
    } else {
        format!("damaged {codec} data behind line {lines} ({error}); fetch or write it again")
    };
    open.explain(Error::corrupt(open.path(), what))
}

/// Reads a file from a member to its end.
pub(super) struct MemberReader {
    compression: LineCodec,
    state: Position,
    /// Members begun that nobody has asked for: where each begins in the file, and in what was read.
    begun: Vec<(u64, u64)>,
    /// Bytes handed out.
    inflated: u64,
}

enum Position {
    /// Between two members.
    Between(Compressed),
    Gzip(Box<GzDecoder<Compressed>>),
    Zstd(Decoder<'static, Compressed>),
    Ended,
}

impl MemberReader {
    /// The bytes of `open` from the member on that begins at `offset`.
    pub(super) fn new(open: &OpenFile, compression: LineCodec, offset: u64) -> Self {
        let section = open.section(offset, open.size().saturating_sub(offset));
        let file = Compressed {
            section,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            left: open.size().saturating_sub(offset),
            consumed: offset,
        };
        Self { compression, state: Position::Between(file), begun: Vec::new(), inflated: 0 }
    }

    /// The members begun since the last call: where each begins in the file, and among the bytes
    /// read.
    pub(super) fn begun(&mut self) -> std::vec::Drain<'_, (u64, u64)> {
        self.begun.drain(..)
    }

    /// Begins the next member; false at the end of the file.
    fn begin(&mut self, mut file: Compressed) -> io::Result<bool> {
        if self.compression == LineCodec::Gzip && file.consumed > 0 {
            file.skip_zeros()?;
        }
        if file.fill_buf()?.is_empty() {
            self.state = Position::Ended;
            return Ok(false);
        }
        self.begun.push((file.consumed, self.inflated));
        self.state = match self.compression {
            LineCodec::Gzip => Position::Gzip(Box::new(GzDecoder::new(file))),
            _ => Position::Zstd(Decoder::with_buffer(file)?.single_frame()),
        };
        Ok(true)
    }
}

impl Read for MemberReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.state {
                Position::Ended => return Ok(0),
                Position::Between(file) if self.compression == LineCodec::None => file.read(out)?,
                Position::Between(_) => 0,
                Position::Gzip(member) => member.read(out)?,
                Position::Zstd(frame) => frame.read(out)?,
            };
            if read > 0 {
                self.inflated += read as u64;
                return Ok(read);
            }
            let file = match std::mem::replace(&mut self.state, Position::Ended) {
                Position::Ended => return Ok(0),
                Position::Between(_) if self.compression == LineCodec::None => return Ok(0),
                Position::Between(file) => file,
                Position::Gzip(member) => member.into_inner(),
                Position::Zstd(frame) => frame.finish(),
            };
            if !self.begin(file)? {
                return Ok(0);
            }
        }
    }
}

/// A file behind a buffer that knows how far it was consumed.
struct Compressed {
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
    /// Some tools fill the last block of a gzip file with zeros.
    fn skip_zeros(&mut self) -> io::Result<()> {
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
