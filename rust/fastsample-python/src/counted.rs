//! The class `CountedEpochs` of the extension: draws by tokens that follow each other.

use std::sync::{Arc, Mutex, PoisonError};

use fastsample::draw::CountedEpochs as CoreEpochs;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::draw::{PlanArguments, found_of};
use crate::errors::BindingResult;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;
use crate::tokens::Tokenizer;

/// Draws by tokens that follow each other in one order of rows. No row is counted twice.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct CountedEpochs(Arc<Mutex<CoreEpochs>>);

#[pymethods]
impl CountedEpochs {
    /// The epochs that a `DrawPlan` describes.
    #[new]
    #[pyo3(signature = (source, plan, *, rule, tokenizer, threads, progress))]
    fn new(
        py: Python<'_>,
        source: &Source,
        plan: PlanArguments,
        rule: Option<&Rule>,
        tokenizer: Option<&Tokenizer>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<Self> {
        let plan = plan.plan(rule, tokenizer, 0)?;
        let population = source.drawable(py, threads, progress)?;
        let epochs =
            run(py, threads, progress, move |ctx| CoreEpochs::new(ctx, population, &plan))?;
        Ok(Self(Arc::new(Mutex::new(epochs))))
    }

    /// The rows of an epoch, and what was found, as `draw_rows` returns them; None behind the last row.
    #[pyo3(signature = (epoch, *, threads, progress))]
    fn draw<'py>(
        &self,
        py: Python<'py>,
        epoch: usize,
        threads: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> BindingResult<Option<(Sample, Bound<'py, PyDict>)>> {
        let epochs = self.0.clone();
        let drawn = run(py, threads, progress, move |ctx| {
            epochs.lock().unwrap_or_else(PoisonError::into_inner).epoch(ctx, epoch)
        })?;
        drawn.map(|drawn| found_of(py, drawn, threads)).transpose()
    }

    /// How many epochs there are. All rows are counted for that.
    #[pyo3(signature = (*, threads, progress))]
    fn count(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<usize> {
        let epochs = self.0.clone();
        run(py, threads, progress, move |ctx| {
            epochs.lock().unwrap_or_else(PoisonError::into_inner).count(ctx)
        })
    }
}
