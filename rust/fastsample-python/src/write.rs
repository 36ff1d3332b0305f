//! Output: the class `Format`, and the function `write`.

use std::path::PathBuf;

use fastsample::write::{
    Compression, CsvOptions, Format as CoreFormat, IpcOptions, JsonlOptions, MEMORY_LIMIT,
    ParquetOptions, Report, WriteOptions, write_all,
};
use fastsample::{Error, Sample as CoreSample};
use pyo3::prelude::*;

use crate::errors::BindingResult;
use crate::run::run;
use crate::sample::Sample;
use crate::text::described;

/// A format of the output, with its own options.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Format {
    inner: CoreFormat,
}

#[pymethods]
impl Format {
    /// Parquet.
    #[staticmethod]
    #[pyo3(signature = (*, compression, compression_level, row_group_size))]
    fn parquet(
        compression: &str,
        compression_level: Option<i32>,
        row_group_size: Option<usize>,
    ) -> BindingResult<Self> {
        let defaults = ParquetOptions::default();
        let row_group_rows = row_group_size.unwrap_or(defaults.row_group_rows);
        if row_group_rows == 0 {
            return Err(Error::Argument("row_group_size is 0; it counts rows".into()).into());
        }
        let compression = Compression::new(compression, compression_level)?;
        Ok(Self { inner: CoreFormat::Parquet(ParquetOptions { compression, row_group_rows }) })
    }

    /// Arrow IPC: a file, or a stream without a footer.
    #[staticmethod]
    #[pyo3(signature = (*, compression, stream))]
    fn ipc(compression: &str, stream: bool) -> BindingResult<Self> {
        Ok(Self {
            inner: CoreFormat::Ipc(IpcOptions { compression: compression.parse()?, stream }),
        })
    }

    /// JSON Lines, compressed as the ending of `path` tells.
    #[staticmethod]
    #[pyo3(signature = (path, *, compression_level))]
    fn jsonl(path: PathBuf, compression_level: Option<i32>) -> BindingResult<Self> {
        Ok(Self { inner: CoreFormat::Jsonl(JsonlOptions::named(&path, compression_level)?) })
    }

    /// CSV or TSV, compressed as the ending of `path` tells.
    #[staticmethod]
    #[pyo3(signature = (path, *, compression_level))]
    fn csv(path: PathBuf, compression_level: Option<i32>) -> BindingResult<Self> {
        Ok(Self { inner: CoreFormat::Csv(CsvOptions::named(&path, compression_level)?) })
    }

    /// Whether files have metadata: JSON Lines and CSV don't.
    #[getter]
    fn has_metadata(&self) -> bool {
        matches!(self.inner, CoreFormat::Parquet(_) | CoreFormat::Ipc(_))
    }
}

/// The files written, as (path, rows, bytes); the characters of each text column; copies; strings
/// that are not text, with the reason.
type WriteReport = (Vec<(PathBuf, u64, u64)>, Vec<(String, u64)>, u64, Vec<(String, String)>);

/// Writes each sample to its path: all files appear together, or none of them. With
/// `name_by_content` the only file is called by a hash of what is in it, in the folder of its path.
/// `provenances` are what outputs tell of what made each. Returns a `WriteReport` for each.
#[pyfunction]
#[pyo3(signature = (
    samples, paths, format, *, shuffle, shards, overwrite, memory_limit, progress,
    name_by_content=false, provenances=None
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python methods")]
pub(crate) fn write(
    py: Python<'_>,
    samples: Vec<Bound<'_, Sample>>,
    paths: Vec<PathBuf>,
    format: &Format,
    shuffle: bool,
    shards: u64,
    overwrite: bool,
    memory_limit: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    name_by_content: bool,
    provenances: Option<Vec<String>>,
) -> BindingResult<Vec<WriteReport>> {
    let (format, memory_limit) = (format.inner.clone(), memory_limit.unwrap_or(MEMORY_LIMIT));
    let options =
        WriteOptions { format, shuffle, shards, overwrite, memory_limit, name_by_content };
    let threads = samples.first().and_then(|sample| sample.get().threads());
    let mut samples: Vec<CoreSample> =
        samples.iter().map(|sample| sample.get().core().clone()).collect();
    if let Some(told) = provenances {
        let both = samples.into_iter().zip(told);
        samples = both.map(|(sample, told)| sample.with_provenance(&told)).collect();
    }
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
