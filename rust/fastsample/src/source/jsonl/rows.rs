//! Lines as Arrow data: columns of texts by [`super::texts`], all others by arrow-json.

use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{DataType, SchemaRef};

use super::surrogates::written_out;
use super::texts::TextLines;
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
    values: LineValues,
    /// Rows of a batch.
    most: usize,
}

/// What makes values of lines.
enum LineValues {
    /// There are no columns.
    None,
    Texts(TextLines),
    Any(Decoder),
}

impl JsonDecoder {
    pub(super) fn new(path: &Path, schema: SchemaRef) -> Result<Self> {
        let values: usize = schema.fields().iter().map(|field| values(field.data_type())).sum();
        let most = (BATCH_VALUES / values.max(1)).clamp(1, BATCH_ROWS);
        let values = if schema.fields().is_empty() {
            LineValues::None
        } else if let Some(texts) = TextLines::new(schema.fields()) {
            LineValues::Texts(texts)
        } else {
            // Numbers in a column whose type is set to texts come as they are written.
            let builder = ReaderBuilder::new(schema.clone()).with_coerce_primitive(true);
            LineValues::Any(builder.with_batch_size(most).build_decoder().map_err(Error::kernel)?)
        };
        Ok(Self { path: path.to_path_buf(), schema, values, most })
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
        match &mut self.values {
            LineValues::None => Ok(()),
            LineValues::Texts(texts) => {
                texts.add(record).ok_or_else(|| Error::Changed(self.path.clone()))
            }
            LineValues::Any(decoder) => {
                let line = written_out(record);
                decoder.decode(&line).map_err(|error| Error::arrow(&self.path, &error))?;
                Ok(())
            }
        }
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        let columns = match &mut self.values {
            LineValues::None => Vec::new(),
            LineValues::Texts(texts) => texts.finish()?,
            LineValues::Any(decoder) => {
                let found = decoder.flush().map_err(|error| Error::arrow(&self.path, &error))?;
                return Ok(found.unwrap_or_else(|| RecordBatch::new_empty(self.schema.clone())));
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(Error::kernel)
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
