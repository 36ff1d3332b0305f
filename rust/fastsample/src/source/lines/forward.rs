//! Chunks of a compressed file, inflated in order and handed to threads that ask about in order.
//!
//! A gzip member can't be entered in the middle. So threads that read neighbouring chunks share one
//! inflater: whoever asks for a chunk further on inflates what lies before it, and sets that aside
//! for the thread that is about to ask for it.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::cut::{CHUNK_BYTES, Chunk};
use super::inflate::{LineCodec, MemberReader};
use crate::exec::{lock, memory};
use crate::source::file::OpenFile;

/// The passes through the compressed files of a source, one for each reader of it.
#[derive(Clone, Default)]
pub(in crate::source) struct Passes(Arc<Mutex<HashMap<PathBuf, Arc<Mutex<Forward>>>>>);

impl std::fmt::Debug for Passes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passes").finish_non_exhaustive()
    }
}

impl Passes {
    pub(in crate::source) fn through(&self, path: &Path) -> Arc<Mutex<Forward>> {
        lock(&self.0).entry(path.to_path_buf()).or_default().clone()
    }
}

/// One pass through a compressed file.
#[derive(Default)]
pub(in crate::source) struct Forward {
    inflater: Option<MemberReader>,
    /// The member that the inflater began with, and the bytes read from there.
    from: u64,
    at: u64,
    /// The chunk that comes next.
    next: usize,
    /// Chunks that nobody has asked for yet.
    aside: BTreeMap<usize, Bytes>,
}

impl Forward {
    /// The bytes of chunk `index`. Up to `most` chunks are set aside.
    pub(in crate::source) fn take(
        &mut self,
        open: &OpenFile,
        compression: LineCodec,
        chunks: &[Chunk],
        index: usize,
        most: usize,
    ) -> io::Result<Bytes> {
        if let Some(bytes) = self.aside.remove(&index) {
            return Ok(bytes);
        }
        let wanted = chunks[index];
        let is_ahead = index > self.next && wanted.from > self.member(chunks);
        if self.inflater.is_none() || index < self.next || is_ahead {
            self.inflater = Some(MemberReader::new(open, compression, wanted.from));
            (self.from, self.at) = (wanted.from, 0);
            // The first chunk of the member, or the one that begins in the member before.
            let same = |chunk: &Chunk| chunk.from == wanted.from;
            self.next =
                chunks[..index].iter().rposition(|chunk| !same(chunk)).map_or(0, |at| at + 1);
        }
        while self.next < index {
            let bytes = self.inflate(chunks[self.next])?;
            self.aside.insert(self.next, bytes);
            self.next += 1;
            while self.aside.len() > most {
                self.aside.pop_first();
            }
        }
        let bytes = self.inflate(wanted)?;
        self.next = index + 1;
        Ok(bytes)
    }

    /// The member that the chunk read last begins in.
    fn member(&self, chunks: &[Chunk]) -> u64 {
        self.next.checked_sub(1).map_or(self.from, |last| chunks[last].from)
    }

    fn inflate(&mut self, chunk: Chunk) -> io::Result<Bytes> {
        let Some(inflater) = &mut self.inflater else { return Ok(Bytes::new()) };
        // Chunks lie side by side; only the first after a start has something before it.
        if chunk.from == self.from && chunk.skip > self.at {
            let skip = chunk.skip - self.at;
            io::copy(&mut inflater.take(skip), &mut io::sink())?;
            self.at = chunk.skip;
        }
        let mut bytes = Vec::new();
        memory::grow(&mut bytes, chunk.len as usize, "lines").map_err(io::Error::other)?;
        bytes.resize(chunk.len as usize, 0);
        inflater.read_exact(&mut bytes)?;
        inflater.begun();
        self.at += chunk.len;
        Ok(bytes.into())
    }

    /// Whether a chunk is better read by itself than in a pass: little lies before it.
    pub(in crate::source) fn is_near(chunk: Chunk) -> bool {
        chunk.skip <= CHUNK_BYTES
    }

    /// The bytes of a chunk by itself.
    pub(in crate::source) fn alone(
        open: &OpenFile,
        compression: LineCodec,
        chunk: Chunk,
    ) -> io::Result<Bytes> {
        let mut pass = Self { from: chunk.from, ..Self::default() };
        pass.inflater = Some(MemberReader::new(open, compression, chunk.from));
        pass.inflate(chunk)
    }
}
