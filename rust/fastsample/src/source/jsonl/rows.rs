//! The chosen rows of a chunk, decoded by arrow-json a few thousand rows at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::BinaryViewBuilder;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::surrogates::written_out;
use crate::error::{Error, Result};
use crate::select::RowMask;
use crate::source::lines::{BYTE_ORDER_MARK, Records};

/// Rows of a batch, if they have few columns.
const BATCH_ROWS: usize = 8192;

/// Values of all rows of a batch: those that are missing take memory, too.
const BATCH_VALUES: usize = 4 << 20;

/// Bytes of lines that are decoded into one batch: what a decoder holds fits the caches.
const BATCH_BYTES: usize = 1 << 20;

/// The rows of a chunk that a mask chooses, batch by batch.
pub(super) struct LineRows {
    path: PathBuf,
    bytes: Bytes,
    /// Where the next record is looked for.
    at: usize,
    mask: RowMask,
    /// Records passed.
    row: usize,
    schema: SchemaRef,
    decoder: Decoder,
    /// Rows of a batch.
    most: usize,
    /// The bytes again, if lines are wanted as they are.
    lines: Option<Buffer>,
}

impl LineRows {
    pub(super) fn new(
        path: &Path,
        bytes: Bytes,
        is_first: bool,
        mask: RowMask,
        schema: SchemaRef,
        lines: bool,
    ) -> Result<Self> {
        let at =
            if is_first && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let values: usize = schema.fields().iter().map(|field| values(field.data_type())).sum();
        let most = (BATCH_VALUES / values.max(1)).clamp(1, BATCH_ROWS);
        // Numbers in a column whose type is set to texts come as they are written.
        let builder = ReaderBuilder::new(schema.clone()).with_coerce_primitive(true);
        let builder = builder.with_batch_size(most);
        let decoder = builder.build_decoder().map_err(Error::kernel)?;
        let lines = lines.then(|| Buffer::from(bytes.clone()));
        Ok(Self { path: path.to_path_buf(), bytes, at, mask, row: 0, schema, decoder, most, lines })
    }

    /// The next batch, which has no rows at the end.
    fn batch(&mut self) -> Result<RecordBatch> {
        let (mut rows, mut held) = (0, 0);
        let mut lines = self.lines.clone().map(|bytes| {
            let mut lines = BinaryViewBuilder::new();
            let block = lines.append_block(bytes);
            (lines, block)
        });
        let has_columns = !self.schema.fields().is_empty();
        let mut records = Records::new(&self.bytes, self.at);
        while rows < self.most && held < BATCH_BYTES && self.row < self.mask.len() {
            let Some(record) = records.next() else {
                return Err(Error::Changed(self.path.clone()));
            };
            self.at = record.end;
            self.row += 1;
            if !self.mask.has(self.row - 1) {
                continue;
            }
            rows += 1;
            held += record.len();
            if let Some((lines, block)) = &mut lines {
                lines
                    .try_append_view(*block, record.start as u32, record.len() as u32)
                    .map_err(Error::kernel)?;
            }
            if has_columns {
                let line = written_out(&self.bytes[record]);
                self.decoder.decode(&line).map_err(|error| Error::arrow(&self.path, &error))?;
            }
        }
        let batch = if has_columns {
            let found = self.decoder.flush().map_err(|error| Error::arrow(&self.path, &error))?;
            found.unwrap_or_else(|| RecordBatch::new_empty(self.schema.clone()))
        } else {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(self.schema.clone(), Vec::new(), &options)
                .map_err(Error::kernel)?
        };
        // All lines were checked when the file was opened.
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

impl Iterator for LineRows {
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

/// Values that a row has in a column of this type, if its lists have an item each.
fn values(kind: &DataType) -> usize {
    match kind {
        DataType::List(item) => 1 + values(item.data_type()),
        DataType::Struct(fields) => {
            1 + fields.iter().map(|field| values(field.data_type())).sum::<usize>()
        }
        _ => 1,
    }
}
