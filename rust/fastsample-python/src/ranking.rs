//! The class `Ranking` of the extension: all rows in the order of a smart draw.

use std::sync::Arc;

use fastsample::{Population, Sample as CoreSample, smart::Ranking as CoreRanking};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report;
use crate::sample::Sample;

/// All rows of a source in the order in which a smart draw takes them. See `rank`.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Ranking {
    population: Population,
    order: Arc<CoreRanking>,
    seed: u64,
}

impl Ranking {
    pub(crate) fn new(population: Population, ranking: CoreRanking, seed: u64) -> Self {
        Self { population, order: Arc::new(ranking), seed }
    }
}

#[pymethods]
impl Ranking {
    fn __len__(&self) -> usize {
        self.order.len() as usize
    }

    /// The n rows from rank `first` on, and the arguments of `fastsample.SmartReport`.
    fn window<'py>(
        &self,
        py: Python<'py>,
        n: u64,
        first: u64,
        threads: Option<usize>,
    ) -> BindingResult<(Sample, Bound<'py, PyDict>)> {
        let ranks = first..first.saturating_add(n);
        let source = self.population.source().clone();
        let (sample, found) =
            py.detach(|| CoreSample::ranked(source, &self.order, ranks, self.seed))?;
        Ok((Sample::new(sample, threads), report::smart(py, found)?))
    }
}
