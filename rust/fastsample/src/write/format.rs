//! Formats of the output: a variant for each, with its own options.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::ipc::{self, IpcOptions};
use super::jsonl::{self, JsonlOptions};
use super::parquet::{self, ParquetOptions};
use crate::error::Result;
use crate::exec::Context;
use crate::files::Output;

/// The format of the output, and its own options.
#[derive(Debug, Clone)]
pub enum Format {
    /// Parquet.
    Parquet(ParquetOptions),
    /// Arrow IPC files, also known as Feather 2.
    Ipc(IpcOptions),
    /// JSON Lines.
    Jsonl(JsonlOptions),
}

impl Format {
    /// Writes `batches` into `output`. If `are_lines`, they have lines to be copied.
    pub(super) fn write(
        &self,
        ctx: &Context,
        output: &Output,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch>> + Send,
        are_lines: bool,
    ) -> Result<()> {
        match self {
            Self::Parquet(options) => parquet::write(ctx, output, schema, batches, options),
            Self::Ipc(options) => ipc::write(ctx, output, schema, batches, *options),
            Self::Jsonl(options) => jsonl::write(ctx, output, schema, batches, are_lines, *options),
        }
    }
}
