//! The class `Sample` of the extension.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatchIterator, UInt64Array};
use arrow_schema::{DataType, Field};
use fastsample::write::{
    Compression, Format, IpcOptions, JsonlOptions, LineCompression, ParquetOptions, Report,
    WriteOptions, write_all,
};
use fastsample::{Context, Error, Sample as CoreSample, gather};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyArray, PyRecordBatchReader, PySchema};

use crate::errors::BindingResult;
use crate::interrupt::SignalWatcher;
use crate::rows::Rows;
use crate::run::run;
use crate::text::{Described, described};

/// The chosen rows of a source.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Sample {
    inner: CoreSample,
    threads: Option<usize>,
}

impl Sample {
    pub(crate) fn new(inner: CoreSample, threads: Option<usize>) -> Self {
        Self { inner, threads }
    }
}

#[pymethods]
impl Sample {
    fn __len__(&self) -> usize {
        self.inner.len() as usize
    }

    /// Rows of the source.
    #[getter]
    fn source_rows(&self) -> u64 {
        self.inner.source_rows()
    }

    /// Rows of the source that might have been drawn.
    #[getter]
    fn population(&self) -> u64 {
        self.inner.population()
    }

    /// The columns, with all metadata.
    #[getter]
    fn schema(&self) -> PySchema {
        PySchema::new(self.inner.schema().clone())
    }

    /// The schema as an IPC stream without rows, if the C data interface would lose a part of it.
    fn schema_message<'py>(&self, py: Python<'py>) -> BindingResult<Option<Bound<'py, PyBytes>>> {
        let message = gather::sorted_maps_message(self.inner.schema())?;
        Ok(message.map(|message| PyBytes::new(py, &message)))
    }

    /// The files that the sample is read from.
    #[getter]
    fn paths(&self) -> Vec<PathBuf> {
        self.inner.paths()
    }

    /// The text columns that the draw went by, and what was left out; None if it looked at no text.
    #[getter]
    fn text(&self) -> Option<Described> {
        self.inner.known_text().map(described)
    }

    /// All files that no output may replace: those of `paths`, and others that had a part in the
    /// choice (a target, a tokenizer, the source of scores, what a table was read from).
    #[getter]
    fn inputs(&self) -> Vec<PathBuf> {
        self.inner.inputs()
    }

    /// The positions of the chosen rows in the source, ascending: an Arrow array of uint64.
    fn row_ids(&self, py: Python<'_>) -> BindingResult<PyArray> {
        let ids = py.detach(|| self.inner.row_ids())?;
        Ok(PyArray::new(
            Arc::new(UInt64Array::from(ids)),
            Arc::new(Field::new("row_id", DataType::UInt64, false)),
        ))
    }

    /// The column of weights: an Arrow array of float64. None for a sample without one.
    fn weights(&self) -> Option<PyArray> {
        let weights = self.inner.weights()?;
        let field = Field::new("weight", DataType::Float64, false);
        Some(PyArray::new(Arc::new(weights.clone()), Arc::new(field)))
    }

    /// A stream of the rows, read in the background, a bounded amount ahead.
    fn stream(&self, py: Python<'_>) -> PyResult<PyRecordBatchReader> {
        let watcher = SignalWatcher::new(py)?;
        let gather = self.inner.gather(&Context::new(self.threads));
        let schema = gather.schema().clone();
        let batches = gather.map(move |batch| {
            watcher.check()?;
            batch.map_err(Error::into_arrow)
        });
        Ok(PyRecordBatchReader::new(Box::new(RecordBatchIterator::new(batches, schema))))
    }

    /// All rows, in memory.
    #[pyo3(signature = (progress))]
    fn collect(&self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> BindingResult<Rows> {
        let sample = self.inner.clone();
        let (schema, batches) =
            run(py, self.threads, progress, move |ctx| gather::collect(sample.gather(ctx)))?;
        Ok(Rows::new(schema, batches))
    }
}

/// The files written, as (path, rows, bytes); the characters of each text column; copies; strings
/// that are not text, with the reason.
type WriteReport = (Vec<(PathBuf, u64, u64)>, Vec<(String, u64)>, u64, Vec<(String, String)>);

/// Writes each sample to its path as Parquet: all files appear together, or none of them. Returns
/// a `WriteReport` for each.
#[pyfunction]
#[pyo3(signature = (
    samples, paths, *, compression, compression_level, row_group_size, shuffle, shards, overwrite,
    memory_limit, progress
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python method")]
pub(crate) fn write_parquet(
    py: Python<'_>,
    samples: Vec<Bound<'_, Sample>>,
    paths: Vec<PathBuf>,
    compression: &str,
    compression_level: Option<i32>,
    row_group_size: Option<usize>,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Vec<WriteReport>> {
    let defaults = ParquetOptions::default();
    let row_group_rows = row_group_size.unwrap_or(defaults.row_group_rows);
    if row_group_rows == 0 {
        return Err(Error::Argument("row_group_size is 0; it counts rows".into()).into());
    }
    let compression = Compression::new(compression, compression_level)?;
    let format = Format::Parquet(ParquetOptions { compression, row_group_rows });
    let options = write_options(format, shuffle, shards, overwrite, memory_limit);
    write(py, &samples, paths, options, progress)
}

/// Writes each sample to its path as Arrow IPC, as `write_parquet` does. With `name_by_content` the
/// only file is called by a hash of what is in it, in the folder of its path.
#[pyfunction]
#[pyo3(signature = (
    samples, paths, *, compression, stream, shuffle, shards, overwrite, memory_limit, progress,
    name_by_content=false
))]
#[expect(
    clippy::fn_params_excessive_bools,
    clippy::too_many_arguments,
    reason = "the keywords of the Python method"
)]
pub(crate) fn write_ipc(
    py: Python<'_>,
    samples: Vec<Bound<'_, Sample>>,
    paths: Vec<PathBuf>,
    compression: &str,
    stream: bool,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    name_by_content: bool,
) -> BindingResult<Vec<WriteReport>> {
    let format = Format::Ipc(IpcOptions { compression: compression.parse()?, stream });
    let options = write_options(format, shuffle, shards, overwrite, memory_limit);
    let options = WriteOptions { name_by_content, ..options };
    write(py, &samples, paths, options, progress)
}

/// Writes each sample to its path as JSON Lines, as `write_parquet` does. The ending of the first
/// path tells how all of them are compressed.
#[pyfunction]
#[pyo3(signature = (
    samples, paths, *, compression_level, shuffle, shards, overwrite, memory_limit, progress
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python method")]
pub(crate) fn write_jsonl(
    py: Python<'_>,
    samples: Vec<Bound<'_, Sample>>,
    paths: Vec<PathBuf>,
    compression_level: Option<i32>,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Vec<WriteReport>> {
    let first = paths.first().cloned().unwrap_or_default();
    let compression = LineCompression::of(&first, compression_level)?;
    let format = Format::Jsonl(JsonlOptions { compression });
    let options = write_options(format, shuffle, shards, overwrite, memory_limit);
    write(py, &samples, paths, options, progress)
}

fn write_options(
    format: Format,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
) -> WriteOptions {
    let memory_limit = memory_limit.unwrap_or(fastsample::write::MEMORY_LIMIT);
    WriteOptions { format, shuffle, shards, overwrite, memory_limit, name_by_content: false }
}

fn write(
    py: Python<'_>,
    samples: &[Bound<'_, Sample>],
    paths: Vec<PathBuf>,
    options: WriteOptions,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<Vec<WriteReport>> {
    let threads = samples.first().and_then(|sample| sample.get().threads);
    let samples: Vec<CoreSample> =
        samples.iter().map(|sample| sample.get().inner.clone()).collect();
    let written = run(py, threads, progress, move |ctx| {
        let jobs: Vec<_> = samples.iter().zip(paths).collect();
        write_all(ctx, &jobs, &options)
    })?;
    let report = |Report { files, text, chars, copies }| {
        let files = files.into_iter().map(|file| (file.path, file.rows, file.bytes)).collect();
        let (paths, left_out) = described(&text);
        (files, paths.into_iter().zip(chars).collect(), copies, left_out)
    };
    Ok(written.into_iter().map(report).collect())
}
