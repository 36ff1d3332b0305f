//! Token ids of rows: the function that writes them, and the class `TokenRows` that makes batches.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::UInt32Array;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::{DataType, Field};
use fastsample::tokens::{Measure, Sequences};
use fastsample::training::collate::{Matrix, PadOptions, pack, pad};
use fastsample::training::token_rows::TokenRows as CoreTokenRows;
use fastsample::write::write_tokens as core_write;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use pyo3_arrow::PyArray;

use crate::errors::BindingResult;
use crate::imported;
use crate::reserve::{Reserve, detached};
use crate::rows::Positions;
use crate::run::run;
use crate::source::Source;
use crate::tokens::Tokenizer;

/// Writes the token ids of all rows of a source to a file that can be mapped. `is_chosen` says that the
/// text columns were named in the order of the sequences.
#[pyfunction]
#[pyo3(signature = (source, path, *, tokenizer, max_tokens, text, is_chosen, assistant_only_loss, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "keywords of the Python method")]
pub(crate) fn write_tokens(
    py: Python<'_>,
    source: &Source,
    path: PathBuf,
    tokenizer: &Tokenizer,
    max_tokens: Option<u32>,
    text: Option<Vec<String>>,
    is_chosen: bool,
    assistant_only_loss: bool,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<()> {
    let (source, tokenizer) = (source.rereadable()?.clone(), tokenizer.core());
    run(py, threads, progress, move |ctx| {
        let tokenizer = match max_tokens {
            Some(limit) => tokenizer.cut_to(limit)?,
            None => tokenizer,
        };
        let rows = Measure::new(ctx, source, text.as_deref(), tokenizer)?;
        let sequences = if assistant_only_loss {
            Sequences::of_answers(rows, max_tokens)?
        } else {
            Sequences::new(rows, is_chosen, max_tokens)?
        };
        core_write(ctx, &sequences, &path)
    })
}

/// Token ids of rows, mapped or in memory, of which batches are made without threads.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct TokenRows(CoreTokenRows);

/// A matrix: its name, its numbers in 64 bits, the length of a row.
type MatrixFound<'py> = (&'static str, Bound<'py, PyByteArray>, usize);

#[pymethods]
impl TokenRows {
    /// Refers to the batches of a table, which may be mapped from a file.
    #[staticmethod]
    fn from_table(data: &Bound<'_, PyAny>) -> BindingResult<Self> {
        let _reserve = Reserve::hold()?;
        let (schema, batches) = imported::batches(data)?;
        Ok(Self(CoreTokenRows::new(&schema, batches)?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Tokens of each row in one of its sequences: an Arrow array of uint32.
    fn lengths(&self, py: Python<'_>, sequence: usize) -> BindingResult<PyArray> {
        let lengths = detached(py, || self.0.lengths(sequence))?;
        let field = Field::new("tokens", DataType::UInt32, false);
        Ok(PyArray::new(Arc::new(UInt32Array::from(lengths)), Arc::new(field)))
    }

    /// The rows at `positions` as matrices of equally long rows.
    #[pyo3(signature = (positions, *, pad_id, left, multiple))]
    fn padded<'py>(
        &self,
        py: Python<'py>,
        positions: Positions,
        pad_id: u32,
        left: bool,
        multiple: usize,
    ) -> BindingResult<Vec<MatrixFound<'py>>> {
        let options = PadOptions { id: pad_id, is_left: left, multiple };
        let found = py.detach(|| pad(&self.0, &positions.0, options))?;
        Ok(matrices(py, found))
    }

    /// The rows at `positions` end to end, as matrices of one row; where each begins, and the last ends,
    /// in 32 bits; the tokens of the longest.
    fn packed<'py>(
        &self,
        py: Python<'py>,
        positions: Positions,
    ) -> BindingResult<(Vec<MatrixFound<'py>>, Bound<'py, PyByteArray>, usize)> {
        let found = py.detach(|| pack(&self.0, &positions.0))?;
        let ends = bytes::<Int32Type>(py, found.ends);
        Ok((matrices(py, found.matrices), ends, found.longest))
    }
}

fn matrices(py: Python<'_>, found: Vec<Matrix>) -> Vec<MatrixFound<'_>> {
    let made = |matrix: Matrix| (matrix.name, bytes::<Int64Type>(py, matrix.values), matrix.width);
    found.into_iter().map(made).collect()
}

/// Numbers as bytes that Python may write to, as a tensor over them demands.
fn bytes<T: ArrowPrimitiveType>(py: Python<'_>, values: Vec<T::Native>) -> Bound<'_, PyByteArray> {
    let values = PrimitiveArray::<T>::new(values.into(), None);
    PyByteArray::new(py, values.values().inner().as_slice())
}
