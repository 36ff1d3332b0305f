//! The class `Sample` of the extension.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatchIterator, UInt64Array};
use arrow_schema::{DataType, Field};
use fastsample::{Context, Error, Sample as CoreSample, gather};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyArray, PyRecordBatchReader, PySchema};

use crate::errors::BindingResult;
use crate::interrupt::SignalWatcher;
use crate::reserve::{Reserve, detached};
use crate::rows::Rows;
use crate::run::run;
use crate::source::Source;
use crate::stored;
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

    pub(crate) fn core(&self) -> &CoreSample {
        &self.inner
    }

    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads
    }
}

#[pymethods]
impl Sample {
    fn __len__(&self) -> usize {
        self.inner.len() as usize
    }

    /// Threads that read it; None for all cores.
    #[getter(threads)]
    fn threads_or_all(&self) -> Option<usize> {
        self.threads
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

    /// Rows, each counted once, of a draw with replacement; None for other samples.
    #[getter]
    fn distinct(&self) -> Option<u64> {
        self.inner.distinct()
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

    /// The files of the source that tell what made them: path, what it tells.
    #[getter]
    fn provenances(&self) -> Vec<(PathBuf, String)> {
        self.inner.provenances()
    }

    /// The objects of stores that the sample is read from, as `stored::told` tells them.
    #[getter]
    fn objects(&self) -> Vec<stored::Told> {
        self.inner.objects().iter().map(stored::told).collect()
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

    /// The same rows, of which those of `before`, a sample of the first files of the source, are read
    /// from `output`, where they lie in order.
    fn with_kept(
        &self,
        py: Python<'_>,
        before: &Bound<'_, Self>,
        output: &Bound<'_, Source>,
    ) -> BindingResult<Self> {
        let (before, output) = (before.get(), output.get().rereadable()?);
        let sample = self.inner.clone();
        let kept = py.detach(|| sample.with_kept(&before.inner, output))?;
        Ok(Self::new(kept, self.threads))
    }

    /// Rows that are read from an earlier output.
    #[getter]
    fn kept(&self) -> u64 {
        self.inner.kept()
    }

    /// Fails unless the first files of the source are those of `before`, as they were.
    fn check_grown(&self, before: &Bound<'_, Self>) -> BindingResult<()> {
        Ok(self.inner.check_grown(&before.get().inner)?)
    }

    /// The name, the rows and the rows drawn of each source of a mixture; empty for other samples.
    #[getter]
    fn sources(&self) -> Vec<(String, u64, u64)> {
        self.inner.sources()
    }

    /// The positions of the chosen rows in the source, ascending, or of a mixture in the order of its
    /// rows: an Arrow array of uint64.
    fn row_ids(&self, py: Python<'_>) -> BindingResult<PyArray> {
        let ids = detached(py, || self.inner.row_ids())?;
        Ok(PyArray::new(
            Arc::new(UInt64Array::from(ids)),
            Arc::new(Field::new("row_id", DataType::UInt64, false)),
        ))
    }

    /// A hash of the positions, of which no list is made.
    fn row_ids_digest(&self, py: Python<'_>) -> BindingResult<String> {
        detached(py, || self.inner.row_ids_digest())
    }

    /// The column of weights: an Arrow array of float64. None for a sample without one.
    fn weights(&self) -> Option<PyArray> {
        let weights = self.inner.weights()?;
        let field = Field::new("weight", DataType::Float64, false);
        Some(PyArray::new(Arc::new(weights.clone()), Arc::new(field)))
    }

    /// The rows of this sample and of others of the same source.
    fn joined(&self, py: Python<'_>, others: Vec<PyRef<'_, Self>>) -> BindingResult<Self> {
        let others: Vec<&CoreSample> = others.iter().map(|other| &other.inner).collect();
        let inner = detached(py, || self.inner.joined(&others))?;
        Ok(Self::new(inner, self.threads))
    }

    /// A stream of the rows, read in the background, a bounded amount ahead.
    fn stream(&self, py: Python<'_>) -> BindingResult<PyRecordBatchReader> {
        let watcher = SignalWatcher::new(py)?;
        let mut reserve = Some(Reserve::hold()?);
        let mut gather = py.detach(|| self.inner.gather(&Context::new(self.threads)));
        let schema = gather.schema().clone();
        // Objects of stores are read through Python, which the threads that read them wait for.
        let needs_python = !self.inner.objects().is_empty();
        let batches = std::iter::from_fn(move || {
            if let Err(error) = watcher.check() {
                return Some(Err(error));
            }
            let batch = if needs_python {
                Python::attach(|py| py.detach(|| gather.next()))
            } else {
                gather.next()
            };
            if !matches!(batch, Some(Ok(_))) {
                drop(reserve.take());
            }
            Some(batch?.map_err(Error::into_arrow))
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
