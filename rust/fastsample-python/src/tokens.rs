//! Tokenizers, and draws by tokens.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::UInt32Array;
use arrow_schema::{DataType, Field};
use fastsample::tokens::{Goal, Measure, TokenLimits, Tokenizer as CoreTokenizer, lengths};
use fastsample::{Amount as CoreAmount, Error, Sample as CoreSample};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyArray;

use crate::errors::BindingResult;
use crate::ranking::Ranking;
use crate::report;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Source};

/// A Hugging Face tokenizer, read from its `tokenizer.json`.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Tokenizer(CoreTokenizer);

/// The sample, its tokens, rows that were passed over, the arguments of a `SmartReport`.
type ByTokens<'py> = (Sample, u64, u64, Option<Bound<'py, PyDict>>);

#[pymethods]
impl Tokenizer {
    #[new]
    #[pyo3(signature = (path, *, special_tokens))]
    fn new(py: Python<'_>, path: PathBuf, special_tokens: bool) -> BindingResult<Self> {
        Ok(Self(py.detach(|| CoreTokenizer::open(&path, special_tokens))?))
    }

    /// Tokens of each row: an Arrow array of uint32.
    #[pyo3(signature = (source, *, text, threads, progress))]
    fn lengths(
        &self,
        py: Python<'_>,
        source: &Bound<'_, Source>,
        text: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<PyArray> {
        let source = source.get().in_memory(py, threads, progress)?;
        let tokenizer = self.0.clone();
        let lengths = run(py, threads, progress, move |ctx| {
            lengths(ctx, &source, text.as_deref(), tokenizer)
        })?;
        Ok(PyArray::new(
            Arc::new(UInt32Array::from(lengths)),
            Arc::new(Field::new("tokens", DataType::UInt32, false)),
        ))
    }

    /// Draws rows, or rows worth a budget of tokens, none with more than `max_tokens`.
    #[pyo3(signature = (
        source, amount, seed, *, budget, max_tokens, text, ranking, threads, progress
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
    fn draw<'py>(
        &self,
        py: Python<'py>,
        source: &Bound<'py, Source>,
        amount: Option<Amount>,
        seed: u64,
        budget: Option<u64>,
        max_tokens: Option<u32>,
        text: Option<Vec<String>>,
        ranking: Option<&Bound<'py, Ranking>>,
        threads: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> BindingResult<ByTokens<'py>> {
        let (population, ranking) = match ranking {
            Some(ranking) => {
                let (population, ranking) = ranking.get().core();
                (population, Some(ranking))
            }
            None => (source.get().drawable(py, threads, progress)?, None),
        };
        let n = population.count(amount.map_or(CoreAmount::Rows(1), Into::into))?;
        let goal = match (amount, budget) {
            (Some(_), None) => Goal::Rows(n),
            (None, Some(budget)) => Goal::Tokens(budget),
            _ => return Err(Error::Argument("pass n, fraction or budget_tokens".into()).into()),
        };
        let limits = TokenLimits { goal, max_tokens };
        let tokenizer = self.0.clone();
        let (sample, drawn, found) = run(py, threads, progress, move |ctx| {
            let source = population.source().clone();
            let rows = Measure::new(ctx, source, text.as_deref(), tokenizer)?;
            CoreSample::by_tokens(ctx, &rows, population.among(), ranking.as_deref(), limits, seed)
        })?;
        let found = found.map(|found| report::smart(py, found)).transpose()?;
        Ok((Sample::new(sample, threads), drawn.tokens, drawn.too_long, found))
    }
}
