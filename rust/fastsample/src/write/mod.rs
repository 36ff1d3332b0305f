//! A sample on disk: Parquet, Arrow IPC, JSON Lines or CSV, one file or several, in order or shuffled.
//!
//! ```text
//!  gather ──▶ (shuffle) ──▶ shards ──▶ parquet: row groups encoded in parallel ──▶ set of files
//!                                  ├─▶ ipc
//!                                  └─▶ jsonl, csv: pieces encoded or copied, in parallel
//! ```

mod csv;
mod dictionary;
mod format;
mod ipc;
mod jsonl;
mod lines;
mod mixture;
mod parquet;
mod pieces;
mod shards;
mod shuffle;
mod tokens;
mod totals;
mod unstorable;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;

pub use self::csv::CsvOptions;
pub use self::format::Format;
pub use self::ipc::{IpcCompression, IpcOptions};
pub use self::jsonl::JsonlOptions;
pub use self::lines::LineCompression;
use self::mixture::shuffled_mixture;
pub use self::parquet::{Compression, ParquetOptions};
use self::shards::{Shards, shard_path, shard_rows};
use self::shuffle::{Scratch, shuffled};
pub use self::tokens::write_tokens;
use self::totals::TextTotals;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::files::{Output, OutputSet};
use crate::hash::Permutation;
use crate::sample::Sample;
use crate::source::Batches;
use crate::text::TextColumns;

/// Bytes of rows that a shuffle may hold before it uses temporary files.
pub const MEMORY_LIMIT: usize = 256 << 20;

/// How a sample is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// Whether rows come in a random order, which depends on the sample's seed and size alone. Those
    /// of a mixture stay at the places of their source.
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

impl WriteOptions {
    /// One file in the order of the source, which replaces a file of the same name.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            shuffle: false,
            shards: 1,
            overwrite: true,
            memory_limit: MEMORY_LIMIT,
            name_by_content: false,
        }
    }
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
    ///
    /// # Examples
    /// ```
    /// use fastsample::write::{Format, IpcOptions, IpcCompression, WriteOptions};
    /// use fastsample::{Amount, Context, Sample, Source};
    /// # use std::sync::Arc;
    /// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
    /// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
    /// # let column: ArrayRef = Arc::new(StringArray::from(texts));
    /// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
    /// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
    ///
    /// let ctx = Context::new(None);
    /// let sample = Sample::uniform(&ctx, source.into(), Amount::Rows(10), 42)?;
    /// let format = Format::Ipc(IpcOptions { compression: IpcCompression::Zstd, stream: false });
    /// let options = WriteOptions { shuffle: true, shards: 2, ..WriteOptions::new(format) };
    /// let folder = tempfile::tempdir()?;
    /// let report = sample.write(&ctx, &folder.path().join("ten.arrow"), &options)?;
    /// let names: Vec<_> = report.files.iter().filter_map(|file| file.path.file_name()).collect();
    /// assert_eq!(names, ["ten-00000-of-00002.arrow", "ten-00001-of-00002.arrow"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    let totals = Arc::new(TextTotals::new(sample.text(ctx)?));
    let scratch = Scratch { folder, output: outputs[0].path() };
    let limit = options.memory_limit;
    let mixed = sample.mixed().filter(|_| options.shuffle);
    let layout = sample.layout().filter(|layout| mixed.is_none() && options.format.copies(layout));
    let (mut rows, schema): (Batches<'_>, _) = if let Some(mixed) = mixed {
        let schema = sample.schema().clone();
        (shuffled_mixture(ctx, mixed, &schema, &totals, sample.seed(), limit, scratch)?, schema)
    } else if layout.is_some() {
        let seen = totals.clone();
        let see = move |batch: &RecordBatch| seen.see(batch, TextColumns::of);
        let gather = sample.gather_lines(ctx, &totals.text, see)?;
        let schema = gather.schema().clone();
        (Box::new(gather), schema)
    } else {
        let gather = sample.gather(ctx);
        let schema = gather.schema().clone();
        (Box::new(totals.clone().observe(ctx.clone(), gather, TextColumns::of_whole)), schema)
    };
    if options.shuffle && mixed.is_none() {
        let order = Permutation::new(sample.len(), sample.seed());
        rows = shuffled(ctx, rows, &schema, order, limit, scratch)?;
    }
    let schema = sample.schema_of_output(schema);
    let mut rows = Shards::new(rows);
    let mut files = Vec::new();
    for (output, shard) in outputs.iter().zip(0..) {
        let count = shard_rows(sample.len(), shard, options.shards);
        let batches = rows.take(count);
        options.format.write(ctx, output, &schema, batches, layout)?;
        files.push(Written { path: output.path().to_path_buf(), rows: count, bytes: 0 });
    }
    let text = totals.text.clone();
    Ok(Report { files, text, chars: totals.sums(), copies: totals.copies()? })
}
