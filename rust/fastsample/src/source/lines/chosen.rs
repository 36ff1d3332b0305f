//! The chosen records of a chunk, decoded some thousand at a time.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::BinaryViewBuilder;
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::exec::memory;
use crate::select::RowMask;
use crate::source::unit_rows::Rows;

/// Bytes of records that are decoded into one batch: few enough for the caches, enough that a share of a
/// chunk is mostly one batch, which need not be joined with another.
const BATCH_BYTES: usize = 2 << 20;

/// Copies of a record that a decoder may hold, the room for more in them included.
const LONG_COPIES: usize = 6;

/// What a format makes of records.
pub(in crate::source) trait RecordDecoder {
    /// The first record at or behind a place, without its line feed.
    fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>>;

    /// Rows of a batch.
    fn most(&self) -> usize;

    /// Takes in a record.
    fn add(&mut self, record: &[u8]) -> Result<()>;

    /// The batch of the records taken in, of which there are `rows`.
    fn finish(&mut self, rows: usize) -> Result<RecordBatch>;
}

/// The records of a chunk that a mask chooses, batch by batch. All records were checked when the file
/// was opened: one that is missing or different means that the file has changed.
pub(in crate::source) struct ChosenRecords<D> {
    path: PathBuf,
    bytes: Bytes,
    /// Where the next record is looked for.
    at: usize,
    mask: RowMask,
    /// Records passed.
    row: usize,
    decoder: D,
    /// The bytes again, if records are wanted as they are.
    lines: Option<Buffer>,
}

impl<D: RecordDecoder> ChosenRecords<D> {
    /// Those of `rows` in the `bytes` of a chunk, whose records begin at `at`.
    pub(in crate::source) fn new(
        path: &Path,
        bytes: Bytes,
        at: usize,
        rows: &Rows<'_>,
        decoder: D,
    ) -> Self {
        let lines = rows.lines.then(|| Buffer::from(bytes.clone()));
        let (path, mask) = (path.to_path_buf(), rows.mask.clone());
        Self { path, bytes, at, mask, row: 0, decoder, lines }
    }

    /// The next batch, which has no rows at the end.
    fn batch(&mut self) -> Result<RecordBatch> {
        let (mut rows, mut held) = (0, 0);
        let mut lines = self.lines.clone().map(|bytes| {
            let mut lines = BinaryViewBuilder::new();
            let block = lines.append_block(bytes);
            (lines, block)
        });
        while rows < self.decoder.most() && held < BATCH_BYTES && self.row < self.mask.len() {
            let Some(record) = self.decoder.find(&self.bytes, self.at) else {
                return Err(Error::Changed(self.path.clone()));
            };
            self.at = record.end + 1;
            self.row += 1;
            if !self.mask.has(self.row - 1) {
                continue;
            }
            rows += 1;
            held += record.len();
            // Decoders hold a few copies of a long one.
            memory::require(LONG_COPIES * record.len(), || "a long line".to_owned())?;
            if let Some((lines, block)) = &mut lines {
                lines
                    .try_append_view(*block, record.start as u32, record.len() as u32)
                    .map_err(Error::kernel)?;
            }
            self.decoder.add(&self.bytes[record])?;
        }
        let batch = self.decoder.finish(rows)?;
        if batch.num_rows() != rows {
            return Err(Error::Changed(self.path.clone()));
        }
        let Some((mut lines, _)) = lines else { return Ok(batch) };
        let line = Arc::new(Field::new("", DataType::BinaryView, false));
        let fields = batch.schema().fields().iter().cloned().chain([line]).collect::<Vec<_>>();
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(lines.finish()));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(Error::kernel)
    }
}

impl<D: RecordDecoder> Iterator for ChosenRecords<D> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        if self.row == self.mask.len() {
            return None;
        }
        match self.batch() {
            Ok(batch) if batch.num_rows() == 0 => self.next(),
            Err(error) => {
                self.row = self.mask.len();
                Some(Err(error))
            }
            found => Some(found),
        }
    }
}
