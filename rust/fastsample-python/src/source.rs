//! Conversion of Python paths, tables and streams to a source.

use std::path::PathBuf;
use std::sync::Mutex;

use arrow_array::RecordBatchReader;
use fastsample::exclusion::Excluded;
use fastsample::predicate::Predicate;
use fastsample::source::{self, ColumnTypes, OpenOptions, choose};
use fastsample::{Amount as CoreAmount, Context, Error, Population, Source as CoreSource};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PySchema;

use crate::errors::BindingResult;
use crate::exclusion::Benchmarks;
use crate::imported;
use crate::report;
use crate::reserve::Reserve;
use crate::run::run;
use crate::stored::{self, Described};

/// Rows to draw from: files, a table in memory, or a stream that can be read once.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    /// The columns to keep.
    pub(crate) columns: Option<Vec<String>>,
    /// Files that a stream came from.
    pub(crate) inputs: Vec<PathBuf>,
    /// The rows that may be drawn, if not all.
    matching: Option<Population>,
    /// What was left out since it shares text with other sources.
    excluded: Option<Excluded>,
}

/// The names of a listing that a folder or a glob stands for, and others that lie there, by index.
#[pyfunction]
pub(crate) fn choose_names(
    location: &str,
    names: Vec<String>,
) -> BindingResult<(Vec<usize>, Vec<usize>)> {
    let listed = choose(location, &names)?;
    Ok((listed.files, listed.passed_over))
}

/// The size of each file, and a hash of it and of pieces of its content.
#[pyfunction]
pub(crate) fn fingerprints(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    threads: Option<usize>,
) -> BindingResult<Vec<(u64, String)>> {
    run(py, threads, None, move |ctx| source::fingerprints(ctx, &paths))
}

fn open_options(
    columns: Option<Vec<String>>,
    read: Option<Vec<String>>,
    schema: Option<PySchema>,
    lenient: bool,
) -> BindingResult<OpenOptions> {
    let types = schema.map(|schema| ColumnTypes::new(&schema.into_inner())).transpose()?;
    let types = if lenient { types.map(ColumnTypes::lenient) } else { types };
    Ok(OpenOptions { columns, read, types })
}

/// How many rows: a number of them (int), or a share (float).
#[derive(Clone, Copy, FromPyObject)]
pub(crate) enum Amount {
    Rows(u64),
    Fraction(f64),
}

impl From<Amount> for CoreAmount {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Rows(rows) => Self::Rows(rows),
            Amount::Fraction(share) => Self::Fraction(share),
        }
    }
}

pub(crate) enum Kind {
    Rereadable(CoreSource),
    Stream(Mutex<Option<Box<dyn RecordBatchReader + Send>>>),
}

#[pymethods]
impl Source {
    /// Opens files, folders and globs.
    ///
    /// `read` are the columns that will be read, if not all and `columns` is None. `schema` sets types
    /// of columns; with `lenient`, not those of files that have their own.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "the arguments of Python, by keyword")]
    #[pyo3(signature = (paths, columns, threads, progress, *, read=None, schema=None, lenient=false))]
    fn from_paths(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
        read: Option<Vec<String>>,
        schema: Option<PySchema>,
        lenient: bool,
    ) -> BindingResult<Self> {
        let options = open_options(columns.clone(), read, schema, lenient)?;
        let source =
            run(py, threads, progress, move |ctx| CoreSource::open(ctx, &paths, &options))?;
        Ok(Self::rows_of(source, columns))
    }

    /// Opens objects of a store, in the order given: each as `stored::Described` has it.
    /// `passed_over` are URLs of others that lie there.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "the arguments of Python, by keyword")]
    #[pyo3(signature = (objects, passed_over, columns, threads, progress, *, read=None, schema=None, lenient=false))]
    fn from_objects(
        py: Python<'_>,
        objects: Vec<Described>,
        passed_over: Vec<PathBuf>,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
        read: Option<Vec<String>>,
        schema: Option<PySchema>,
        lenient: bool,
    ) -> BindingResult<Self> {
        let options = open_options(columns.clone(), read, schema, lenient)?;
        let objects = stored::objects(objects);
        let source = run(py, threads, progress, move |ctx| {
            CoreSource::open_objects(ctx, &objects, passed_over, &options)
        })?;
        Ok(Self::rows_of(source, columns))
    }

    /// Refers to the batches of an object that holds them in memory. `inputs` are the files that
    /// they were read from.
    #[staticmethod]
    #[pyo3(signature = (data, columns, inputs=Vec::new()))]
    fn from_table(
        data: &Bound<'_, PyAny>,
        columns: Option<Vec<String>>,
        inputs: Vec<PathBuf>,
    ) -> BindingResult<Self> {
        let _reserve = Reserve::hold()?;
        let (schema, batches) = if data.hasattr("__arrow_c_stream__")? {
            let reader = imported::stream(data)?;
            let schema = reader.schema();
            (schema, read_all(&Context::new(Some(1)), reader)?)
        } else {
            let batch = imported::batch(data)?;
            (batch.schema(), vec![batch])
        };
        let source = CoreSource::from_batches(schema, batches, columns.as_deref())?;
        let source = source.with_inputs(inputs);
        Ok(Self::rows_of(source, columns))
    }

    /// Takes over a stream that can be read once. `inputs` are the files that it comes from.
    #[staticmethod]
    #[pyo3(signature = (data, columns, inputs=Vec::new()))]
    fn from_stream(
        data: &Bound<'_, PyAny>,
        columns: Option<Vec<String>>,
        inputs: Vec<PathBuf>,
    ) -> BindingResult<Self> {
        let reader = imported::stream(data)?;
        let kind = Kind::Stream(Mutex::new(Some(reader)));
        Ok(Self { kind, columns, inputs, matching: None, excluded: None })
    }

    /// Rows in all; None for a stream.
    #[getter]
    fn rows(&self) -> Option<u64> {
        match &self.kind {
            Kind::Rereadable(source) => Some(source.rows()),
            Kind::Stream(_) => None,
        }
    }

    /// The same rows, of which those that match a predicate may be drawn.
    #[pyo3(signature = (predicate, *, threads, progress))]
    fn matching(
        &self,
        py: Python<'_>,
        predicate: &str,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Self> {
        let predicate = Predicate::parse(predicate)?;
        let source = self.in_memory(py, threads, progress)?;
        let population =
            run(py, threads, progress, move |ctx| Population::matching(ctx, source, &predicate))?;
        let source = Self::rows_of(population.source().clone(), self.columns.clone());
        Ok(Self { matching: Some(population), ..source })
    }

    /// The same rows, of which those that share no text with benchmarks may be drawn.
    #[pyo3(signature = (benchmarks, *, text, threads, progress))]
    fn excluding(
        &self,
        py: Python<'_>,
        benchmarks: &Benchmarks,
        text: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Self> {
        let population = self.drawable(py, threads, progress)?;
        let benchmarks = benchmarks.0.clone();
        let (population, excluded) = run(py, threads, progress, move |ctx| {
            benchmarks.without(ctx, population, text.as_deref())
        })?;
        let source = Self::rows_of(population.source().clone(), self.columns.clone());
        Ok(Self { matching: Some(population), excluded: Some(excluded), ..source })
    }

    /// What [`Self::excluding`] left out: the arguments of `fastsample.Excluded`; None without it.
    #[getter]
    fn excluded<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.excluded.as_ref().map(|found| report::excluded(py, found)).transpose()
    }

    /// The first rows alone.
    fn head(&self, rows: u64) -> BindingResult<Self> {
        Ok(Self::rows_of(self.rereadable()?.head(rows), self.columns.clone()))
    }

    /// The number of rows that an amount asks for.
    fn count(&self, amount: Amount) -> BindingResult<u64> {
        if let Some(population) = &self.matching {
            return Ok(population.count(amount.into())?);
        }
        Ok(Population::from(self.rereadable()?.clone()).count(amount.into())?)
    }

    /// Rows that may be drawn; None for a stream.
    #[getter]
    fn population(&self) -> Option<u64> {
        self.matching.as_ref().map(Population::rows).or(self.rows())
    }

    /// The columns.
    #[getter]
    fn schema(&self) -> BindingResult<PySchema> {
        Ok(PySchema::new(self.rereadable()?.schema().clone()))
    }

    /// The files that tell what made them: path, what it tells.
    #[getter]
    fn provenances(&self) -> BindingResult<Vec<(PathBuf, String)>> {
        let told = self.rereadable()?.provenances();
        Ok(told.map(|(path, told)| (path.to_path_buf(), told.to_owned())).collect())
    }

    /// What one should know of the source, a sentence each: files that are not read, types that were
    /// set, and types that are due to a few values.
    #[getter]
    fn notes(&self) -> Vec<String> {
        match &self.kind {
            Kind::Rereadable(source) => {
                source.passed_over().into_iter().chain(source.typed().iter().cloned()).collect()
            }
            Kind::Stream(_) => Vec::new(),
        }
    }

    /// The objects of stores that the rows are read from, as `stored::told` tells them.
    #[getter]
    fn objects(&self) -> Vec<stored::Told> {
        match &self.kind {
            Kind::Rereadable(source) => source.objects().map(stored::told).collect(),
            Kind::Stream(_) => Vec::new(),
        }
    }

    /// All files that no output may replace: those of the parts, and what tables were read from.
    #[getter]
    fn inputs(&self) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Rereadable(source) => source.inputs(),
            Kind::Stream(_) => self.inputs.clone(),
        }
    }
}

impl Source {
    fn rows_of(source: CoreSource, columns: Option<Vec<String>>) -> Self {
        let kind = Kind::Rereadable(source);
        Self { kind, columns, inputs: Vec::new(), matching: None, excluded: None }
    }

    /// The rows that may be drawn; a stream is kept in memory.
    pub(crate) fn drawable(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Population> {
        match &self.matching {
            Some(population) => Ok(population.clone()),
            None => Ok(self.in_memory(py, threads, progress)?.into()),
        }
    }

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
        let inputs = self.inputs.clone();
        run(py, threads, progress, move |ctx| {
            let schema = stream.schema();
            let batches = read_all(ctx, stream)?;
            let source = CoreSource::from_batches(schema, batches, columns.as_deref())?;
            Ok(source.with_inputs(inputs))
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

    pub(crate) fn take_stream(&self) -> BindingResult<Box<dyn RecordBatchReader + Send>> {
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
        let batch = batch.map_err(|error| Error::stream(rows, &error))?;
        rows += batch.num_rows() as u64;
        batches.push(batch);
    }
    Ok(batches)
}
