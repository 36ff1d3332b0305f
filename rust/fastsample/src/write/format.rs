//! Formats of the output: a variant for each, with its own options.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::csv::{self, CsvOptions};
use super::ipc::{self, IpcOptions};
use super::jsonl::{self, JsonlOptions};
use super::parquet::{self, ParquetOptions};
use crate::error::Result;
use crate::exec::Context;
use crate::files::Output;
use crate::source::LineLayout;

/// The format of the output, and its own options.
#[derive(Debug, Clone)]
pub enum Format {
    /// Parquet.
    Parquet(ParquetOptions),
    /// Arrow IPC files, also known as Feather 2.
    Ipc(IpcOptions),
    /// JSON Lines.
    Jsonl(JsonlOptions),
    /// CSV and TSV.
    Csv(CsvOptions),
}

impl Format {
    /// Whether rows of this layout are copied as they are.
    pub(super) fn copies(&self, layout: &LineLayout) -> bool {
        match (self, layout) {
            (Self::Jsonl(_), LineLayout::Jsonl) => true,
            (Self::Csv(options), LineLayout::Csv { delimiter, .. }) => {
                options.delimiter == *delimiter
            }
            _ => false,
        }
    }

    /// Writes `batches` into `output`. With a layout, they have lines to be copied.
    pub(super) fn write(
        &self,
        ctx: &Context,
        output: &Output,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch>> + Send,
        layout: Option<&LineLayout>,
    ) -> Result<()> {
        match self {
            Self::Parquet(options) => parquet::write(ctx, output, schema, batches, options),
            Self::Ipc(options) => ipc::write(ctx, output, schema, batches, *options),
            Self::Jsonl(options) => {
                jsonl::write(ctx, output, schema, batches, layout.is_some(), *options)
            }
            Self::Csv(options) => {
                let header = layout.and_then(|layout| match layout {
                    LineLayout::Csv { header, .. } => Some(header.as_ref()),
                    LineLayout::Jsonl => None,
                });
                csv::write(ctx, output, schema, batches, header, *options)
            }
        }
    }
}
