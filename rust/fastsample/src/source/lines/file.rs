//! A file of lines: where its chunks lie, and the bytes of one of them.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::cut::Chunk;
use super::forward::Forward;
use super::inflate::{LineCodec, damaged, head};
use super::pass::ChunkTable;
use crate::error::Result;
use crate::exec::{Context, lock};
use crate::source::file::{OpenFile, SourceFile};
use crate::source::unit_rows::Rows;

/// A file of lines, without chunks until they are found.
#[derive(Debug, Clone)]
pub(in crate::source) struct LineFile {
    file: SourceFile,
    codec: LineCodec,
    chunks: Arc<[Chunk]>,
    /// Rows of each chunk.
    rows: Arc<[u64]>,
    /// Whether the first chunk is that of the file: one without rows is none.
    has_first: bool,
}

impl LineFile {
    /// The file, and the first bytes of what it holds.
    pub(in crate::source) fn begin(file: &SourceFile, open: &OpenFile) -> Result<(Self, Vec<u8>)> {
        let start = open.read_buffer(0, open.size().min(8) as usize)?;
        let codec = LineCodec::of(&start);
        let head = head(open, codec).map_err(|error| damaged(open, codec, 0, &error))?;
        let (chunks, rows) = (Arc::default(), Arc::default());
        Ok((Self { file: file.clone(), codec, chunks, rows, has_first: false }, head))
    }

    pub(in crate::source) fn set_chunks(&mut self, table: ChunkTable) {
        (self.chunks, self.rows) = (table.chunks.into(), table.rows.into());
        self.has_first = table.has_first;
    }

    pub(in crate::source) fn file(&self) -> &SourceFile {
        &self.file
    }

    pub(in crate::source) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(in crate::source) fn len(&self) -> u64 {
        self.file.len()
    }

    pub(in crate::source) fn codec(&self) -> LineCodec {
        self.codec
    }

    pub(in crate::source) fn open(&self) -> Result<OpenFile> {
        self.file.open()
    }

    /// Rows of each chunk.
    pub(in crate::source) fn units(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter().copied()
    }

    /// Whether a chunk is the first of the file.
    pub(in crate::source) fn is_first(&self, unit: usize) -> bool {
        unit == 0 && self.has_first
    }

    /// The name of the compression, if there is one.
    pub(in crate::source) fn codecs(&self) -> Vec<String> {
        self.codec.name().map(str::to_owned).into_iter().collect()
    }

    /// The lines of a chunk, read holding a permit of `ctx` while there is work.
    pub(in crate::source) fn bytes(&self, ctx: &Context, rows: &Rows<'_>) -> Result<Bytes> {
        let open = self.file.open()?.with_buffers(rows.buffers);
        let chunk = self.chunks[rows.unit];
        let bytes = match self.codec {
            LineCodec::None => {
                ctx.compute(|| open.read_lent(chunk.from + chunk.skip, chunk.len as usize))
            }
            codec if Forward::is_near(chunk) => ctx
                .compute(|| Forward::alone(&open, codec, chunk))
                .map_err(|error| damaged(&open, codec, 0, &error)),
            codec => {
                let pass = rows.passes.through(self.path());
                let mut pass = lock(&pass);
                // Threads that wait for the inflater leave the cores to others.
                let most = 2 * ctx.threads() + 2;
                ctx.compute(|| pass.take(&open, codec, &self.chunks, rows.unit, most))
                    .map_err(|error| damaged(&open, codec, 0, &error))
            }
        }?;
        open.verify()?;
        Ok(bytes)
    }
}
