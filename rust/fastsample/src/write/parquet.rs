//! Parquet output: row groups encoded column by column on all cores, appended in order.
//!
//! ```text
//!  batches ─▶ row group 3 (filling)
//!             row groups 1, 2 ─▶ one job a column ─▶ encoders ─▶ finished columns
//!             row group 0 (complete) ─▶ appended to the file
//! ```

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::dictionary::Dictionaries;
use super::outgoing::Outgoing;
use super::unstorable::unstorable;
use crate::error::{Error, Result};
use crate::exec::{Context, lock, panic_message};
use crate::files::{Output, reason};
use crate::gather::compact::{batch_bytes, finish};

/// Rows of a row group: small enough that readers find many to share out, large enough for
/// compression and for the footer to stay small.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// A row group is closed at this many bytes of text even if it has fewer rows.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// Bytes of row groups that may wait to be encoded or to be appended.
const ENCODING_BYTES: usize = 128 << 20;

/// A compression codec by name, with its level where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression(Codec);

impl Compression {
    /// `zstd` (level 1 to 22, default 1), `gzip` (0 to 9), `brotli` (0 to 11), `snappy`, `lz4` or
    /// `none`.
    ///
    /// # Errors
    /// [`Error::Argument`] for another name, or a level that the codec does not have.
    pub fn new(name: &str, level: Option<i32>) -> Result<Self> {
        let no_level = |codec| match level {
            None => Ok(codec),
            Some(_) => Err(format!("{name} has no compression levels; leave the level out")),
        };
        let unsigned = |default: u32| level.map_or(Ok(default), u32::try_from);
        let codec = match name {
            "zstd" => {
                ZstdLevel::try_new(level.unwrap_or(1)).map(Codec::ZSTD).map_err(|e| e.to_string())
            }
            "gzip" => unsigned(6)
                .map_err(|e| e.to_string())
                .and_then(|level| GzipLevel::try_new(level).map_err(|e| e.to_string()))
                .map(Codec::GZIP),
            "brotli" => unsigned(1)
                .map_err(|e| e.to_string())
                .and_then(|level| BrotliLevel::try_new(level).map_err(|e| e.to_string()))
                .map(Codec::BROTLI),
            "snappy" => no_level(Codec::SNAPPY),
            "lz4" => no_level(Codec::LZ4_RAW),
            "none" | "uncompressed" => no_level(Codec::UNCOMPRESSED),
            other => Err(format!(
                "unknown compression {other:?}; use zstd, snappy, gzip, lz4, brotli or none"
            )),
        };
        codec.map(Self).map_err(Error::Argument)
    }
}

/// Options of Parquet output.
#[derive(Debug, Clone, Copy)]
pub struct ParquetOptions {
    /// The codec of every column.
    pub compression: Compression,
    /// Rows of a row group.
    pub row_group_rows: usize,
}

impl Default for ParquetOptions {
    /// Zstandard at level 1: on text as fast to write as Snappy, smaller, and faster to read.
    fn default() -> Self {
        let compression = Compression(Codec::ZSTD(ZstdLevel::default()));
        Self { compression, row_group_rows: ROW_GROUP_ROWS }
    }
}

/// Writes `batches` into `file`.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    options: &ParquetOptions,
) -> Result<()> {
    let fail = |error| explain(file, error);
    if let Some(what) = unstorable(schema) {
        return Err(file.failed(&what));
    }
    let storable = &storable_schema(schema);
    let mut dictionaries = Dictionaries::with_short_keys(storable);
    let batches = batches.map(|batch| dictionaries.unify(&to_schema(&batch?, storable)?));
    let schema = storable;
    let (writer, factory) = open(file, schema, options).map_err(fail)?;
    let (jobs, inbox) = mpsc::channel::<ColumnTask>();
    let inbox = Mutex::new(inbox);
    let (results, outbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..ctx.threads() {
            let (inbox, results) = (&inbox, results.clone());
            scope.spawn(move || {
                loop {
                    let job = lock(inbox).recv();
                    let Ok(job) = job else { return };
                    let encoded = ctx.compute(|| job.run(ctx));
                    if results.send(encoded).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut encoder = Encoder {
            file,
            schema,
            writer,
            factory,
            jobs: Some(jobs),
            outbox,
            opened: 0,
            appended: 0,
            open: BTreeMap::new(),
            bytes: 0,
        };
        let outcome = encoder.run(ctx, batches, options.row_group_rows);
        // Encoders end when their inbox is closed, whether all went well or not.
        encoder.jobs = None;
        outcome?;
        encoder.writer.close().map_err(fail).map(drop)
    })
}

/// The schema with types that Parquet has a name for, as pyarrow chooses them: seconds become
/// milliseconds, dates in milliseconds become dates in days.
fn storable_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(storable_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn storable_field(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        DataType::List(item) => DataType::List(storable_field(item)),
        DataType::LargeList(item) => DataType::LargeList(storable_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(storable_field(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(storable_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(storable_field).collect()),
        _ => return field.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

fn to_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let same = |(column, field): (&ArrayRef, &FieldRef)| column.data_type() == field.data_type();
    if std::iter::zip(batch.columns(), schema.fields()).all(same) {
        return Ok(batch.clone());
    }
    let mut cast = Vec::new();
    finish(batch, schema, &mut cast)?;
    concat_batches(schema, &cast).map_err(Error::kernel)
}

fn open(
    file: &Output,
    schema: &SchemaRef,
    options: &ParquetOptions,
) -> std::result::Result<(SerializedFileWriter<Outgoing>, ArrowRowGroupWriterFactory), ParquetError>
{
    // Readers that know nothing of Arrow find the metadata in the footer itself.
    let metadata: BTreeMap<_, _> = schema.metadata().iter().collect();
    let metadata = metadata.into_iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
    let properties = WriterProperties::builder()
        .set_compression(options.compression.0)
        .set_created_by(concat!("fastsample version ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(Some(metadata))
        .build();
    let handle = Outgoing::create(file).map_err(|error| ParquetError::External(Box::new(error)))?;
    ArrowWriter::try_new(handle, schema.clone(), Some(properties))?.into_serialized_writer()
}

/// One top-level column of one row group.
struct ColumnTask {
    group: usize,
    column: usize,
    field: FieldRef,
    arrays: Vec<ArrayRef>,
    writers: Vec<ArrowColumnWriter>,
}

struct Encoded {
    group: usize,
    column: usize,
    chunks: std::result::Result<Vec<ArrowColumnChunk>, ParquetError>,
}

impl ColumnTask {
    /// Encodes the column. A panic is an error as well: somebody waits for the result.
    fn run(self, ctx: &Context) -> Encoded {
        let (group, column) = (self.group, self.column);
        let encode = AssertUnwindSafe(|| self.encode(ctx));
        let chunks = catch_unwind(encode)
            .unwrap_or_else(|panic| Err(ParquetError::General(panic_message(&*panic))));
        Encoded { group, column, chunks }
    }

    fn encode(mut self, ctx: &Context) -> std::result::Result<Vec<ArrowColumnChunk>, ParquetError> {
        for array in self.arrays.drain(..) {
            ctx.check().map_err(|error| ParquetError::External(Box::new(error)))?;
            let leaves = compute_leaves(&self.field, &array)?;
            for (writer, leaf) in self.writers.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        self.writers.drain(..).map(ArrowColumnWriter::close).collect()
    }
}

/// A row group whose columns are being encoded.
struct OpenGroup {
    bytes: usize,
    missing: usize,
    columns: Vec<Vec<ArrowColumnChunk>>,
}

/// Shares out row groups and appends them in order.
struct Encoder<'a> {
    file: &'a Output,
    schema: &'a SchemaRef,
    writer: SerializedFileWriter<Outgoing>,
    factory: ArrowRowGroupWriterFactory,
    jobs: Option<mpsc::Sender<ColumnTask>>,
    outbox: mpsc::Receiver<Encoded>,
    opened: usize,
    appended: usize,
    open: BTreeMap<usize, OpenGroup>,
    bytes: usize,
}

impl Encoder<'_> {
    fn run(
        &mut self,
        ctx: &Context,
        batches: impl Iterator<Item = Result<RecordBatch>>,
        group_rows: usize,
    ) -> Result<()> {
        let (mut filling, mut rows, mut bytes) = (Vec::new(), 0, 0);
        for batch in batches {
            ctx.check()?;
            let mut batch = batch?;
            while rows + batch.num_rows() >= group_rows {
                let room = group_rows - rows;
                filling.push(batch.slice(0, room));
                batch = batch.slice(room, batch.num_rows() - room);
                self.submit(&std::mem::take(&mut filling))?;
                (rows, bytes) = (0, 0);
            }
            if batch.num_rows() > 0 {
                rows += batch.num_rows();
                bytes += batch_bytes(&batch);
                filling.push(batch);
            }
            if bytes >= ROW_GROUP_BYTES {
                self.submit(&std::mem::take(&mut filling))?;
                (rows, bytes) = (0, 0);
            }
            self.append_ready(ENCODING_BYTES)?;
        }
        if rows > 0 {
            self.submit(&filling)?;
        }
        while !self.open.is_empty() {
            self.append_ready(0)?;
        }
        Ok(())
    }

    /// Makes one job of each column of a row group.
    fn submit(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let group = self.opened;
        let bytes = batches.iter().map(batch_bytes).sum();
        let writers = self.factory.create_column_writers(group);
        let writers = writers.map_err(|error| explain(self.file, error))?;
        let mut writers = writers.into_iter();
        let parquet = self.writer.schema_descr();
        let roots: Vec<usize> =
            (0..parquet.num_columns()).map(|leaf| parquet.get_column_root_idx(leaf)).collect();
        for (column, field) in self.schema.fields().iter().enumerate() {
            let leaves = roots.iter().filter(|&&root| root == column).count();
            let job = ColumnTask {
                group,
                column,
                field: field.clone(),
                arrays: batches.iter().map(|batch| batch.column(column).clone()).collect(),
                writers: writers.by_ref().take(leaves).collect(),
            };
            let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
            if !sent {
                return Err(Error::Internal("the encoders are gone".into()));
            }
        }
        let columns = self.schema.fields().len();
        let open = OpenGroup {
            bytes,
            missing: columns,
            columns: (0..columns).map(|_| Vec::new()).collect(),
        };
        self.open.insert(group, open);
        self.bytes += bytes;
        self.opened += 1;
        Ok(())
    }

    /// Takes in finished columns, waiting for some while more than `limit` bytes are under way.
    fn append_ready(&mut self, limit: usize) -> Result<()> {
        loop {
            let wait = self.bytes > limit;
            let encoded = if wait { self.outbox.recv().ok() } else { self.outbox.try_recv().ok() };
            let Some(encoded) = encoded else {
                return if wait {
                    Err(Error::Internal("the encoders are gone".into()))
                } else {
                    Ok(())
                };
            };
            let chunks = encoded.chunks.map_err(|error| explain(self.file, error))?;
            if let Some(group) = self.open.get_mut(&encoded.group) {
                group.columns[encoded.column] = chunks;
                group.missing -= 1;
            }
            while self.open.get(&self.appended).is_some_and(|group| group.missing == 0) {
                self.append()?;
            }
        }
    }

    fn append(&mut self) -> Result<()> {
        let Some(group) = self.open.remove(&self.appended) else { return Ok(()) };
        let append = || {
            let mut writer = self.writer.next_row_group()?;
            for chunk in group.columns.into_iter().flatten() {
                chunk.append_to_row_group(&mut writer)?;
            }
            writer.close()
        };
        let appended = append();
        appended.map_err(|error| explain(self.file, error))?;
        self.bytes -= group.bytes;
        self.appended += 1;
        Ok(())
    }
}

/// Why a file could not be written, without the names of the layers in between.
fn explain(file: &Output, error: ParquetError) -> Error {
    let inner = match error {
        ParquetError::External(inner) => inner,
        ParquetError::NYI(what) | ParquetError::ArrowError(what) => {
            return file.failed(&format!("Parquet can't hold this data: {what}"));
        }
        other => return file.failed(&other),
    };
    match inner.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => match other.downcast::<std::io::Error>() {
            Ok(error) => file.failed(&reason(&error)),
            Err(other) => file.failed(&other),
        },
    }
}
