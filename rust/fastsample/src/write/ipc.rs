//! Arrow IPC output (`.arrow`, Feather 2): uncompressed by default, so that it can be mapped.

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};

use super::dictionary::Dictionaries;
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::files::{Outgoing, Output, reason};
use crate::gather::compact::batch_bytes;

/// How buffers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpcCompression {
    /// Not at all: the file can be mapped into memory.
    None,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl std::str::FromStr for IpcCompression {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "none" | "uncompressed" => Ok(Self::None),
            "lz4" => Ok(Self::Lz4),
            "zstd" => Ok(Self::Zstd),
            other => Err(Error::Argument(format!(
                "unknown compression {other:?} for Arrow IPC; use none, lz4 or zstd"
            ))),
        }
    }
}

/// Options of IPC output.
#[derive(Debug, Clone, Copy)]
pub struct IpcOptions {
    /// The compression of buffers.
    pub compression: IpcCompression,
    /// Whether the file has the stream format, without a footer, which Hugging Face datasets map.
    pub stream: bool,
}

/// Writes `batches` into `file`.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    options: IpcOptions,
) -> Result<()> {
    let fail = |error: ArrowError| match error {
        ArrowError::IoError(_, error) => file.failed(&reason(&error)),
        other => file.failed(&other),
    };
    let codec = match options.compression {
        IpcCompression::None => None,
        IpcCompression::Lz4 => Some(CompressionType::LZ4_FRAME),
        IpcCompression::Zstd => Some(CompressionType::ZSTD),
    };
    let settings = IpcWriteOptions::default()
        .with_dictionary_handling(DictionaryHandling::Delta)
        .try_with_compression(codec)
        .map_err(fail)?;
    let handle = std::io::BufWriter::with_capacity(1 << 20, Outgoing::create(file)?);
    let mut dictionaries = Dictionaries::new(schema);
    let batches = batches.map(|batch| {
        ctx.check()?;
        let batch = dictionaries.unify(&batch?)?;
        // A message is put together in memory, which doubles when it is full.
        memory::require(3 * batch_bytes(&batch), || "encoded rows".to_owned())?;
        Ok(batch)
    });
    if options.stream {
        let writer = StreamWriter::try_new_with_options(handle, schema, settings);
        let mut writer = writer.map_err(fail)?;
        for batch in batches {
            let batch = batch?;
            ctx.compute(|| writer.write(&batch)).map_err(fail)?;
        }
        writer.finish().map_err(fail)?;
        return writer.flush().map_err(fail);
    }
    let mut writer = FileWriter::try_new_with_options(handle, schema, settings).map_err(fail)?;
    for batch in batches {
        let batch = batch?;
        ctx.compute(|| writer.write(&batch)).map_err(fail)?;
    }
    writer.finish().map_err(fail)?;
    writer.flush().map_err(fail)
}
