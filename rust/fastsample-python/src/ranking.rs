//! The class `Ranking` of the extension: all rows in the order of a smart draw.

use std::sync::Arc;

use fastsample::{Error, Population, draw, smart::Ranking as CoreRanking};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::report;
use crate::reserve::detached;
use crate::sample::Sample;
use crate::source::Amount;

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

    /// The rows of an epoch of `amount` rows, the arguments of `fastsample.SmartReport`, and how many
    /// epochs there are.
    fn window<'py>(
        &self,
        py: Python<'py>,
        amount: Amount,
        epoch: u64,
        threads: Option<usize>,
    ) -> BindingResult<(Sample, Bound<'py, PyDict>, u64)> {
        let window =
            || draw::window(&self.population, &self.order, amount.into(), epoch, self.seed);
        let drawn = detached(py, window)?;
        let found =
            drawn.smart.ok_or_else(|| Error::Internal("a ranking without a rule".into()))?;
        let found = report::smart(py, found)?;
        Ok((Sample::new(drawn.sample, threads), found, drawn.epochs))
    }
}
