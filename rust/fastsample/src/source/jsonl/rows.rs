//! Lines as Arrow data, decoded by arrow-json.

use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{DataType, SchemaRef};

use super::surrogates::written_out;
use crate::error::{Error, Result};
use crate::source::lines::{RecordDecoder, Records};

/// Rows of a batch, if they have few columns.
const BATCH_ROWS: usize = 8192;

/// Values of all rows of a batch: those that are missing take memory, too.
const BATCH_VALUES: usize = 4 << 20;

/// A decoder of objects, a line each.
pub(super) struct JsonDecoder {
    path: PathBuf,
    schema: SchemaRef,
    decoder: Decoder,
    /// Rows of a batch.
    most: usize,
}

impl JsonDecoder {
    pub(super) fn new(path: &Path, schema: SchemaRef) -> Result<Self> {
        let values: usize = schema.fields().iter().map(|field| values(field.data_type())).sum();
        let most = (BATCH_VALUES / values.max(1)).clamp(1, BATCH_ROWS);
        // Numbers in a column whose type is set to texts come as they are written.
        let builder = ReaderBuilder::new(schema.clone()).with_coerce_primitive(true);
        let decoder = builder.with_batch_size(most).build_decoder().map_err(Error::kernel)?;
        Ok(Self { path: path.to_path_buf(), schema, decoder, most })
    }
}

impl RecordDecoder for JsonDecoder {
    fn find(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        Records::new(bytes, at).next()
    }

    fn most(&self) -> usize {
        self.most
    }

    fn add(&mut self, record: &[u8]) -> Result<()> {
        if !self.schema.fields().is_empty() {
            let line = written_out(record);
            self.decoder.decode(&line).map_err(|error| Error::arrow(&self.path, &error))?;
        }
        Ok(())
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        if self.schema.fields().is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let schema = self.schema.clone();
            return RecordBatch::try_new_with_options(schema, Vec::new(), &options)
                .map_err(Error::kernel);
        }
        let found = self.decoder.flush().map_err(|error| Error::arrow(&self.path, &error))?;
        Ok(found.unwrap_or_else(|| RecordBatch::new_empty(self.schema.clone())))
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
