//! Texts of benchmarks, which rows to draw may not share.

use std::sync::Arc;

use fastsample::exclusion::Benchmarks as CoreBenchmarks;
use pyo3::prelude::*;

use crate::errors::BindingResult;
use crate::run::run;
use crate::source::Source;
use crate::stored::{self, Told};

/// Texts that rows may not share, read once, for any number of sources.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Benchmarks(pub(crate) Arc<CoreBenchmarks>);

#[pymethods]
impl Benchmarks {
    /// Reads the texts of some named sources, of which rows may not share runs of so many letters.
    #[staticmethod]
    #[pyo3(signature = (sources, *, letters, threads, progress))]
    fn read(
        py: Python<'_>,
        sources: Vec<(String, PyRef<'_, Source>)>,
        letters: u32,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Self> {
        let open = |(name, source): (String, PyRef<'_, Source>)| {
            Ok((name, source.in_memory(py, threads, progress)?))
        };
        let sources = sources.into_iter().map(open).collect::<BindingResult<Vec<_>>>()?;
        let found =
            run(py, threads, progress, move |ctx| CoreBenchmarks::read(ctx, &sources, letters))?;
        Ok(Self(Arc::new(found)))
    }

    /// The objects of stores that were read, as `stored::Told` has them.
    #[getter]
    fn objects(&self) -> Vec<Told> {
        self.0.objects().iter().map(stored::told).collect()
    }
}
