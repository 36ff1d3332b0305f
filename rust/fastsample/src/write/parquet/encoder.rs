//! Encoding of row groups: one task a column, on all cores, appended in order.
//!
//! ```text
//!  batches ─▶ row group 3 (filling)
//!             row groups 1, 2 ─▶ one task a column ─▶ encoders ─▶ finished columns
//!             row group 0 (complete) ─▶ appended to the file
//! ```

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, mpsc};
use std::thread::Builder;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::columns::ColumnWriters;
use super::explain::explain;
use crate::error::{Error, Result};
use crate::exec::threads::spawn_within;
use crate::exec::{Context, lock, memory, panicked};
use crate::files::{Outgoing, Output};
use crate::gather::compact::batch_bytes;

/// A row group is closed at this many bytes of text even if it has fewer rows.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// Bytes of row groups that may wait to be encoded or to be appended.
const ENCODING_BYTES: usize = 128 << 20;

/// Encodes `batches` into row groups of `group_rows` rows, and closes the file.
pub(super) fn encode(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    writer: SerializedFileWriter<Outgoing>,
    group_rows: usize,
) -> Result<()> {
    let columns = ColumnWriters::new(&writer, schema).map_err(|error| explain(file, error))?;
    let (jobs, inbox) = mpsc::channel::<ColumnTask>();
    let inbox = Mutex::new(inbox);
    let (results, outbox) = mpsc::channel();
    std::thread::scope(|scope| {
        for worker in 0..ctx.threads() {
            let (inbox, results, columns) = (&inbox, results.clone(), &columns);
            let work = move || {
                loop {
                    let job = lock(inbox).recv();
                    let Ok(job) = job else { return };
                    let encoded = ctx.compute(|| job.run(ctx, columns));
                    if results.send(encoded).is_err() {
                        return;
                    }
                }
            };
            let thread = Builder::new().name(format!("fastsample-encode-{worker}"));
            if let (Err(error), 0) = (spawn_within(scope, thread, work), worker) {
                return Err(Error::no_thread(&error));
            }
        }
        drop(results);
        let mut encoder = Encoder {
            file,
            schema,
            writer,
            jobs: Some(jobs),
            outbox,
            opened: 0,
            appended: 0,
            open: BTreeMap::new(),
            bytes: 0,
        };
        let outcome = encoder.run(ctx, batches, group_rows);
        // Encoders end when their inbox is closed, whether all went well or not.
        encoder.jobs = None;
        outcome?;
        encoder.writer.close().map_err(|error| explain(file, error)).map(drop)
    })
}

/// One top-level column of one row group.
struct ColumnTask {
    group: usize,
    column: usize,
    field: FieldRef,
    arrays: Vec<ArrayRef>,
}

struct Encoded {
    group: usize,
    column: usize,
    chunks: std::result::Result<Vec<ArrowColumnChunk>, ParquetError>,
}

impl ColumnTask {
    /// Encodes the column. A panic is an error as well: somebody waits for the result.
    fn run(self, ctx: &Context, columns: &ColumnWriters) -> Encoded {
        let (group, column) = (self.group, self.column);
        let encode = AssertUnwindSafe(|| self.encode(ctx, columns));
        let chunks = catch_unwind(encode)
            .unwrap_or_else(|panic| Err(ParquetError::External(Box::new(panicked(&*panic)))));
        Encoded { group, column, chunks }
    }

    fn encode(
        self,
        ctx: &Context,
        columns: &ColumnWriters,
    ) -> std::result::Result<Vec<ArrowColumnChunk>, ParquetError> {
        let mut writers = columns.of(self.group, self.column)?;
        for array in self.arrays {
            ctx.check().map_err(|error| ParquetError::External(Box::new(error)))?;
            let leaves = compute_leaves(&self.field, &array)?;
            for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        writers.into_iter().map(ArrowColumnWriter::close).collect()
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
                let size = batch_bytes(&batch);
                // A page may have all of it, and is copied when it is compressed.
                memory::require(3 * size, || "encoded rows".to_owned())?;
                bytes += size;
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
        for (column, field) in self.schema.fields().iter().enumerate() {
            let job = ColumnTask {
                group,
                column,
                field: field.clone(),
                arrays: batches.iter().map(|batch| batch.column(column).clone()).collect(),
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
