//! What Python calls a source: paths, tables, streams.

use std::path::PathBuf;
use std::sync::Mutex;

use arrow_array::RecordBatchReader;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use fastsample::select::Selection;
use fastsample::{
    Context, Error, Sample as CoreSample, Source as CoreSource, compare, inspect, split,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyArray, PyRecordBatch, PyRecordBatchReader, PySchema};

use crate::errors::BindingResult;
use crate::ranking::Ranking;
use crate::run::run;
use crate::sample::Sample;
use crate::smart;

/// Rows to draw from: files, a table in memory, or a stream that can be read once.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Source {
    kind: Kind,
    columns: Option<Vec<String>>,
}

enum Kind {
    Rereadable(CoreSource),
    Stream(Mutex<Option<Box<dyn RecordBatchReader + Send>>>),
}

#[pymethods]
impl Source {
    /// Opens files, folders and globs.
    #[staticmethod]
    #[pyo3(signature = (paths, columns, threads, progress))]
    fn from_paths(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Self> {
        let wanted = columns.clone();
        let source = run(py, threads, progress, move |ctx| {
            CoreSource::open(ctx, &paths, wanted.as_deref())
        })?;
        Ok(Self { kind: Kind::Rereadable(source), columns })
    }

    /// Refers to the batches of an object that holds them in memory.
    #[staticmethod]
    #[pyo3(signature = (data, columns))]
    fn from_table(data: &Bound<'_, PyAny>, columns: Option<Vec<String>>) -> BindingResult<Self> {
        let (schema, batches) = if data.hasattr("__arrow_c_stream__")? {
            let reader = data.extract::<PyRecordBatchReader>()?.into_reader()?;
            let schema = reader.schema();
            (schema, read_all(&Context::new(Some(1)), reader)?)
        } else {
            let batch = data.extract::<PyRecordBatch>()?.into_inner();
            (batch.schema(), vec![batch])
        };
        let source = CoreSource::from_batches(schema, batches, columns.as_deref())?;
        Ok(Self { kind: Kind::Rereadable(source), columns })
    }

    /// Takes over a stream that can be read once.
    #[staticmethod]
    #[pyo3(signature = (data, columns))]
    fn from_stream(data: &Bound<'_, PyAny>, columns: Option<Vec<String>>) -> BindingResult<Self> {
        let reader = data.extract::<PyRecordBatchReader>()?.into_reader()?;
        Ok(Self { kind: Kind::Stream(Mutex::new(Some(reader))), columns })
    }

    /// Rows in all; None for a stream.
    #[getter]
    fn rows(&self) -> Option<u64> {
        match &self.kind {
            Kind::Rereadable(source) => Some(source.rows()),
            Kind::Stream(_) => None,
        }
    }

    /// The columns.
    #[getter]
    fn schema(&self) -> BindingResult<PySchema> {
        Ok(PySchema::new(self.rereadable()?.schema().clone()))
    }

    /// Draws n rows, every row with the same chance.
    #[pyo3(signature = (n, seed, weights, threads, progress))]
    fn uniform(
        &self,
        py: Python<'_>,
        n: u64,
        seed: u64,
        weights: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Sample> {
        let sample = match &self.kind {
            Kind::Rereadable(source) => {
                let source = source.clone();
                run(py, threads, progress, move |ctx| CoreSample::uniform(ctx, source, n, seed))?
            }
            Kind::Stream(_) => {
                let stream = self.take_stream()?;
                let columns = self.columns.clone();
                run(py, threads, progress, move |ctx| {
                    CoreSample::from_stream(ctx, stream, n, seed, columns.as_deref())
                })?
            }
        };
        let sample = if weights { sample.with_uniform_weights()? } else { sample };
        Ok(Sample::new(sample, threads))
    }

    /// Draws the n rows from rank `first` on of the order in which `uniform` draws.
    #[pyo3(signature = (n, seed, first, threads, progress))]
    fn window(
        &self,
        py: Python<'_>,
        n: u64,
        seed: u64,
        first: u64,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Sample> {
        let source = self.rereadable()?.clone();
        let sample =
            run(py, threads, progress, move |ctx| CoreSample::window(ctx, source, n, seed, first))?;
        Ok(Sample::new(sample, threads))
    }

    /// The rows at the given ordinals, an Arrow array of uint64.
    #[pyo3(signature = (ids, seed, threads))]
    fn chosen(&self, ids: PyArray, seed: u64, threads: Option<usize>) -> BindingResult<Sample> {
        let source = self.rereadable()?.clone();
        let ids = ids.array().as_primitive_opt::<UInt64Type>().cloned();
        let ids = ids.ok_or_else(|| Error::Schema("row ids must be an array of uint64".into()))?;
        let selection = Selection::of_ids(ids.values(), source.rows())?;
        Ok(Sample::new(CoreSample::chosen(source, selection, seed)?, threads))
    }

    /// Disjoint samples of the given sizes; rows with equal texts are in one of them at most, with
    /// `near` also near-copies. With `smart` the first is drawn by a rule, as in `smart`, and the
    /// arguments of its `fastsample.SmartReport` come along.
    #[pyo3(signature = (
        sizes, seed, *, text, near, smart, options, target, threads, progress
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
    fn split<'py>(
        &self,
        py: Python<'py>,
        sizes: Vec<u64>,
        seed: u64,
        text: Option<Vec<String>>,
        near: bool,
        smart: bool,
        options: Option<smart::Options>,
        target: Option<&Bound<'py, Source>>,
        threads: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> BindingResult<(Vec<Sample>, Option<Bound<'py, PyDict>>)> {
        let source = self.rereadable()?.clone();
        let rule = if smart { Some(smart::rule(options, None, target)?) } else { None };
        let (samples, found) = run(py, threads, progress, move |ctx| {
            let (sizes, text, smart) = (sizes.as_slice(), text.as_deref(), rule.as_ref());
            let options = split::Options { sizes, seed, text, near, smart };
            let (selections, found) = split::split(ctx, &source, options)?;
            let sample = |selection| CoreSample::chosen(source.clone(), selection, seed);
            let samples = selections.into_iter().map(sample).collect::<Result<Vec<_>, _>>()?;
            Ok((samples, found))
        })?;
        let found = found.map(|found| smart::report(py, found)).transpose()?;
        Ok((samples.into_iter().map(|sample| Sample::new(sample, threads)).collect(), found))
    }

    /// Draws n rows by the weights of a `fastsample.Smart`; or, without one, those of highest
    /// character entropy. Returns the sample and the arguments of `fastsample.SmartReport`.
    #[pyo3(signature = (n, seed, options, *, text, target, weights, threads, progress))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
    fn smart<'py>(
        &self,
        py: Python<'py>,
        n: u64,
        seed: u64,
        options: Option<smart::Options>,
        text: Option<Vec<String>>,
        target: Option<&Bound<'py, Source>>,
        weights: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
        let source = self.in_memory(py, threads, progress)?;
        let rule = smart::rule(options, text, target)?;
        let (sample, report) = run(py, threads, progress, move |ctx| {
            CoreSample::smart(ctx, source, n, seed, &rule, weights)
        })?;
        Ok((Sample::new(sample, threads), smart::report(py, report)?))
    }

    /// All rows in the order in which `smart` draws them, to be cut as often as one likes.
    #[pyo3(signature = (seed, options, *, text, target, threads, progress))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
    fn ranking(
        &self,
        py: Python<'_>,
        seed: u64,
        options: Option<smart::Options>,
        text: Option<Vec<String>>,
        target: Option<&Bound<'_, Source>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Ranking> {
        let source = self.in_memory(py, threads, progress)?;
        let rule = smart::rule(options, text, target)?;
        let ranked = source.clone();
        let ranking = run(py, threads, progress, move |ctx| {
            let all = Selection::All { rows: ranked.rows() };
            fastsample::smart::Ranking::new(ctx, &ranked, seed, &rule, &all)
        })?;
        Ok(Ranking::new(source, ranking, seed))
    }

    /// What each term of a `fastsample.Smart` says of each row: as many rows as the source has.
    #[pyo3(signature = (options, *, target, threads, progress))]
    fn score<'py>(
        &self,
        py: Python<'py>,
        options: smart::Options,
        target: Option<&Bound<'py, Source>>,
        threads: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
        let source = self.in_memory(py, threads, progress)?;
        let options = options.smart(target)?;
        let (scores, report) = run(py, threads, progress, move |ctx| {
            let (scores, report) = fastsample::smart::score(ctx, &source, &options)?;
            Ok((CoreSample::all(scores), report))
        })?;
        Ok((Sample::new(scores, threads), smart::report(py, report)?))
    }

    /// What is known of each part without reading rows: a list of dicts.
    fn parts<'py>(&self, py: Python<'py>) -> BindingResult<Vec<Bound<'py, PyDict>>> {
        let describe = |part: fastsample::source::PartInfo| {
            let dict = PyDict::new(py);
            dict.set_item("path", part.path)?;
            dict.set_item("format", part.format)?;
            dict.set_item("fragments", part.fragments)?;
            dict.set_item("bytes", part.bytes)?;
            dict.set_item("codecs", part.codecs)?;
            Ok(dict)
        };
        self.rereadable()?.inspect().into_iter().map(describe).collect()
    }

    /// Compares a sample with this source. See `compare` in Rust.
    #[pyo3(signature = (sample, *, text, by, max_chars, quantiles, threads, progress))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
    fn compare<'py>(
        &self,
        py: Python<'py>,
        sample: &Self,
        text: Option<Vec<String>>,
        by: Option<String>,
        max_chars: usize,
        quantiles: Vec<f64>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Bound<'py, PyDict>> {
        let source = self.in_memory(py, threads, progress)?;
        let sample = sample.in_memory(py, threads, progress)?;
        let options = compare::Options { text, by, max_chars };
        let found = run(py, threads, progress, move |ctx| {
            compare::compare(ctx, &source, &sample, &options)
        })?;
        Ok(crate::compare::to_dict(py, &found, &quantiles)?)
    }

    /// What one pass over the texts tells; None without text columns. See `inspect` in Rust.
    #[pyo3(signature = (quantiles, threads, progress))]
    fn text_statistics<'py>(
        &self,
        py: Python<'py>,
        quantiles: Vec<f64>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Option<Bound<'py, PyDict>>> {
        let source = self.rereadable()?.clone();
        let schema = source.schema().clone();
        let columns = inspect::text_columns(&source);
        let found = run(py, threads, progress, move |ctx| inspect::text_statistics(ctx, &source))?;
        let Some(found) = found else { return Ok(None) };
        let by_name = PyDict::new(py);
        for (&column, lengths) in columns.iter().zip(&found.columns) {
            by_name.set_item(schema.field(column).name(), describe(py, lengths, &quantiles)?)?;
        }
        let dict = PyDict::new(py);
        dict.set_item("columns", by_name)?;
        dict.set_item("rows", describe(py, &found.rows, &quantiles)?)?;
        dict.set_item("repeated", found.copies.repeated())?;
        dict.set_item("exact", found.copies.is_exact())?;
        Ok(Some(dict))
    }
}

/// Lengths as a dict.
pub(crate) fn describe<'py>(
    py: Python<'py>,
    lengths: &fastsample::sketch::Lengths,
    quantiles: &[f64],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("nulls", lengths.nulls)?;
    dict.set_item("mean", lengths.mean())?;
    dict.set_item("max", lengths.max)?;
    let values: Vec<u64> = quantiles.iter().map(|&q| lengths.quantile(q)).collect();
    dict.set_item("quantiles", values)?;
    dict.set_item("histogram", lengths.histogram())?;
    Ok(dict)
}

impl Source {
    /// The rows as a source that can be read again: weights need all rows before the first can be
    /// chosen, so a stream is kept in memory.
    pub(crate) fn in_memory(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<CoreSource> {
        if let Kind::Rereadable(source) = &self.kind {
            return Ok(source.clone());
        }
        let (stream, columns) = (self.take_stream()?, self.columns.clone());
        run(py, threads, progress, move |ctx| {
            let schema = stream.schema();
            let batches = read_all(ctx, stream)?;
            CoreSource::from_batches(schema, batches, columns.as_deref())
        })
    }

    pub(crate) fn rereadable(&self) -> BindingResult<&CoreSource> {
        match &self.kind {
            Kind::Rereadable(source) => Ok(source),
            Kind::Stream(_) => Err(Error::Argument(
                "a stream can only be drawn from; write it to a file to look at it first".into(),
            )
            .into()),
        }
    }

    fn take_stream(&self) -> BindingResult<Box<dyn RecordBatchReader + Send>> {
        let Kind::Stream(stream) = &self.kind else {
            return Err(Error::Internal("not a stream".into()).into());
        };
        let taken = stream.lock().map_or(None, |mut stream| stream.take());
        taken.ok_or_else(|| Error::Argument("this stream has been read already".into()).into())
    }
}

fn read_all(
    ctx: &Context,
    stream: impl RecordBatchReader,
) -> Result<Vec<arrow_array::RecordBatch>, Error> {
    let (mut batches, mut rows) = (Vec::new(), 0);
    for batch in stream {
        ctx.check()?;
        let batch = batch.map_err(|error| Error::Stream { rows, what: error.to_string() })?;
        rows += batch.num_rows() as u64;
        batches.push(batch);
    }
    Ok(batches)
}
