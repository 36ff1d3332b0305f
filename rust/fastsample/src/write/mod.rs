//! A sample on disk: Parquet or Arrow IPC, one file or several, in row order or shuffled.
//!
//! ```text
//!  gather ──▶ (shuffle) ──▶ shards ──▶ parquet: row groups encoded in parallel ──▶ set of files
//!                                  └─▶ ipc
//! ```

mod dictionary;
mod ipc;
mod outgoing;
mod parquet;
mod shuffle;
mod unstorable;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;

pub use self::ipc::{IpcCompression, IpcOptions};
pub use self::parquet::{Compression, ParquetOptions};
use crate::error::{Error, Result};
use crate::exec::{Context, lock};
use crate::files::{Output, OutputSet};
use crate::hash::Repeated;
use crate::sample::Sample;
use crate::source::Batches;
use crate::text::TextColumns;

/// Bytes of rows that a shuffle may hold before it uses temporary files.
pub const MEMORY_LIMIT: usize = 256 << 20;

/// The format of the output, and its own options.
#[derive(Debug, Clone)]
pub enum Format {
    /// Parquet.
    Parquet(ParquetOptions),
    /// Arrow IPC files, also known as Feather 2.
    Ipc(IpcOptions),
}

/// How a sample is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// Whether rows come in a random order, which depends on the sample's seed and size alone.
    pub shuffle: bool,
    /// How many files of equal length (to within a row) to write.
    pub shards: u64,
    /// Whether a file of the same name is replaced.
    pub overwrite: bool,
    /// Bytes of rows that a shuffle may hold in memory.
    pub memory_limit: usize,
    /// Whether the only file gets a hash of what is in it as its name, in the folder of the path.
    pub name_by_content: bool,
}

/// A file that was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its path.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Report {
    /// The files, in order.
    pub files: Vec<Written>,
    /// What is text of a row.
    pub text: TextColumns,
    /// The characters of each text column in all rows.
    pub chars: Vec<u64>,
    /// Rows whose texts all equal those of another row written; the first of them not counted.
    pub copies: u64,
}

impl Sample {
    /// Writes the sample to `path`, or to `path` with `-00000-of-0000k` before its extension when
    /// there are `k > 1` shards.
    ///
    /// # Errors
    /// As [`write_all`].
    pub fn write(&self, ctx: &Context, path: &Path, options: &WriteOptions) -> Result<Report> {
        let mut reports = write_all(ctx, &[(self, path.to_path_buf())], options)?;
        reports.pop().ok_or_else(|| Error::Internal("nothing was written".into()))
    }
}

/// Writes each sample to its path, as [`Sample::write`] does: all files of all samples appear
/// together, or none of them.
///
/// # Errors
/// When reading or writing fails, or the call is cancelled. Then every file is as it was.
pub fn write_all(
    ctx: &Context,
    samples: &[(&Sample, PathBuf)],
    options: &WriteOptions,
) -> Result<Vec<Report>> {
    let mut paths = Vec::new();
    let mut inputs = Vec::new();
    for (sample, path) in samples {
        if options.shards == 0 || options.shards > sample.len().max(1) {
            return Err(Error::Argument(format!(
                "shards is {}; a sample of {} rows can be written as 1 to {} files",
                options.shards,
                sample.len(),
                sample.len().max(1)
            )));
        }
        paths.extend((0..options.shards).map(|shard| shard_path(path, shard, options.shards)));
        inputs.extend(sample.inputs());
    }
    // Outputs are created before anything is read, so that a bad path fails at once.
    let mut set = OutputSet::create(ctx, &paths, options.overwrite, &inputs)?;
    let mut reports = Vec::new();
    let outputs = set.outputs().chunks(options.shards as usize);
    for ((sample, _), outputs) in samples.iter().zip(outputs) {
        reports.push(write_sample(ctx, sample, set.folder(), outputs, options)?);
    }
    if options.name_by_content {
        let is_new = set.name_by_content()?;
        let path = set.outputs()[0].path().to_path_buf();
        if !is_new {
            drop(set);
            let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
            reports[0].files[0] = Written { path, bytes, ..reports[0].files[0] };
            return Ok(reports);
        }
        reports[0].files[0].path = path;
    }
    let mut sizes = set.commit()?.into_iter();
    for file in reports.iter_mut().flat_map(|report| &mut report.files) {
        file.bytes = sizes.next().unwrap_or_default();
    }
    Ok(reports)
}

/// Writes one sample into its files, whose sizes are not known yet.
fn write_sample(
    ctx: &Context,
    sample: &Sample,
    folder: &Path,
    outputs: &[Output],
    options: &WriteOptions,
) -> Result<Report> {
    let gather = sample.gather(ctx);
    let schema = gather.schema().clone();
    let totals = Arc::new(TextTotals::new(sample.text(ctx)?));
    let mut rows: Batches<'_> = Box::new(totals.clone().observe(ctx.clone(), gather));
    if options.shuffle {
        let scratch = shuffle::Scratch { folder, output: outputs[0].path() };
        let (rows_in_all, seed) = (sample.len(), sample.seed());
        let limit = options.memory_limit;
        rows = shuffle::shuffled(ctx, rows, &schema, rows_in_all, seed, limit, scratch)?;
    }
    let mut rows = Shards { rows, rest: None };
    let mut files = Vec::new();
    for (output, shard) in outputs.iter().zip(0..) {
        let count = shard_rows(sample.len(), shard, options.shards);
        let batches = rows.take(count);
        match &options.format {
            Format::Parquet(options) => parquet::write(ctx, output, &schema, batches, options)?,
            Format::Ipc(options) => ipc::write(ctx, output, &schema, batches, *options)?,
        }
        files.push(Written { path: output.path().to_path_buf(), rows: count, bytes: 0 });
    }
    let text = totals.text.clone();
    Ok(Report { files, text, chars: totals.sums(), copies: totals.copies() })
}

/// `data.parquet` becomes `data-00001-of-00004.parquet`.
fn shard_path(path: &Path, shard: u64, shards: u64) -> PathBuf {
    if shards == 1 {
        return path.to_path_buf();
    }
    // Names need not be UTF-8.
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{shard:05}-of-{shards:05}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Rows of a shard: equal shares, the first ones a row longer where it does not come out even.
fn shard_rows(rows: u64, shard: u64, shards: u64) -> u64 {
    rows / shards + u64::from(shard < rows % shards)
}

/// One sequence of batches, handed out in pieces of a given number of rows.
struct Shards<'a> {
    rows: Batches<'a>,
    rest: Option<RecordBatch>,
}

impl<'a> Shards<'a> {
    fn take(&mut self, mut count: u64) -> impl Iterator<Item = Result<RecordBatch>> + use<'_, 'a> {
        std::iter::from_fn(move || {
            if count == 0 {
                return None;
            }
            let batch = match self.rest.take().map(Ok).or_else(|| self.rows.next())? {
                Ok(batch) => batch,
                Err(error) => {
                    count = 0;
                    return Some(Err(error));
                }
            };
            let len = batch.num_rows();
            if len as u64 > count {
                self.rest = Some(batch.slice(count as usize, len - count as usize));
            }
            let batch = batch.slice(0, len.min(count as usize));
            count -= batch.num_rows() as u64;
            Some(Ok(batch))
        })
    }
}

/// Counts the characters of the text, and equal rows, as batches pass by.
struct TextTotals {
    text: TextColumns,
    chars: Vec<AtomicU64>,
    /// A hash of all texts of each row.
    hashes: Mutex<Vec<u64>>,
}

impl TextTotals {
    fn new(text: TextColumns) -> Self {
        let chars = text.leaves().iter().map(|_| AtomicU64::new(0)).collect();
        Self { text, chars, hashes: Mutex::default() }
    }

    fn observe(
        self: Arc<Self>,
        ctx: Context,
        batches: impl Iterator<Item = Result<RecordBatch>> + Send,
    ) -> impl Iterator<Item = Result<RecordBatch>> + Send {
        batches.map(move |batch| {
            let batch = batch?;
            if !self.text.is_empty() {
                ctx.compute(|| self.add(&batch))?;
            }
            Ok(batch)
        })
    }

    fn add(&self, batch: &RecordBatch) -> Result<()> {
        let texts = self.text.of_whole(batch)?;
        for (leaf, total) in self.chars.iter().enumerate() {
            total.fetch_add(texts.chars_of_leaf(leaf) as u64, Ordering::Relaxed);
        }
        lock(&self.hashes).extend((0..texts.rows()).map(|row| texts.hash(row)));
        Ok(())
    }

    fn copies(&self) -> u64 {
        let mut repeated = Repeated::default();
        let found = repeated.find(lock(&self.hashes).iter().copied());
        found.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
    }

    fn sums(&self) -> Vec<u64> {
        self.chars.iter().map(|total| total.load(Ordering::Relaxed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_equal_lengths_and_numbered_names() {
        let rows: Vec<u64> = (0..3).map(|shard| shard_rows(11, shard, 3)).collect();
        assert_eq!(rows, [4, 4, 3]);
        assert_eq!(
            shard_path(Path::new("a/b.parquet"), 1, 3),
            Path::new("a/b-00001-of-00003.parquet")
        );
        assert_eq!(shard_path(Path::new("a/b.parquet"), 0, 1), Path::new("a/b.parquet"));
    }
}
