//! A sample as Python sees it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatchIterator, UInt64Array};
use arrow_schema::{DataType, Field};
use fastsample::write::{Compression, Format, IpcOptions, ParquetOptions, Report, WriteOptions};
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

    /// The positions of the chosen rows in the source, ascending: an Arrow array of uint64.
    fn row_ids(&self, py: Python<'_>) -> PyArray {
        let ids = py.detach(|| self.inner.row_ids());
        PyArray::new(
            Arc::new(UInt64Array::from(ids)),
            Arc::new(Field::new("row_id", DataType::UInt64, false)),
        )
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

    /// Writes the rows as Parquet. Returns a `WriteReport`.
    #[pyo3(signature = (
        path, *, compression, compression_level, row_group_size, shuffle, shards, overwrite,
        memory_limit, progress
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python method")]
    fn write_parquet(
        &self,
        py: Python<'_>,
        path: PathBuf,
        compression: &str,
        compression_level: Option<i32>,
        row_group_size: Option<usize>,
        shuffle: bool,
        shards: u64,
        overwrite: bool,
        memory_limit: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<WriteReport> {
        let defaults = ParquetOptions::default();
        let row_group_rows = row_group_size.unwrap_or(defaults.row_group_rows);
        if row_group_rows == 0 {
            return Err(Error::Argument("row_group_size is 0; it counts rows".into()).into());
        }
        let compression = Compression::new(compression, compression_level)?;
        let format = Format::Parquet(ParquetOptions { compression, row_group_rows });
        let options = write_options(format, shuffle, shards, overwrite, memory_limit);
        self.write(py, path, options, progress)
    }

    /// Writes the rows as an Arrow IPC file. Returns a `WriteReport`.
    #[pyo3(signature = (
        path, *, compression, stream, shuffle, shards, overwrite, memory_limit, progress
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python method")]
    fn write_ipc(
        &self,
        py: Python<'_>,
        path: PathBuf,
        compression: &str,
        stream: bool,
        shuffle: bool,
        shards: u64,
        overwrite: bool,
        memory_limit: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<WriteReport> {
        let format = Format::Ipc(IpcOptions { compression: compression.parse()?, stream });
        let options = write_options(format, shuffle, shards, overwrite, memory_limit);
        self.write(py, path, options, progress)
    }
}

/// The files written, as (path, rows, bytes); the characters of each text column; copies; strings
/// that are not text, with the reason.
type WriteReport = (Vec<(PathBuf, u64, u64)>, Vec<(String, u64)>, u64, Vec<(String, String)>);

fn write_options(
    format: Format,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
) -> WriteOptions {
    let memory_limit = memory_limit.unwrap_or(fastsample::write::MEMORY_LIMIT);
    WriteOptions { format, shuffle, shards, overwrite, memory_limit }
}

impl Sample {
    fn write(
        &self,
        py: Python<'_>,
        path: PathBuf,
        options: WriteOptions,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<WriteReport> {
        let sample = self.inner.clone();
        let Report { files, text, chars, copies } =
            run(py, self.threads, progress, move |ctx| sample.write(ctx, &path, &options))?;
        let files = files.into_iter().map(|file| (file.path, file.rows, file.bytes)).collect();
        let (paths, left_out) = described(&text);
        Ok((files, paths.into_iter().zip(chars).collect(), copies, left_out))
    }
}
