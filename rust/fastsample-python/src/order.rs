//! Orders of rows for training: a permutation that is computed, batches of similar length, packs.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field};
use fastsample::training::length_batches::{BatchSize, plan};
use fastsample::training::packing::{Packing, pack};
use fastsample::{Error, hash};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;

use crate::errors::BindingResult;
use crate::reserve::detached;

/// The order of n rows in an epoch: a keyed bijection on 0..n in constant memory.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Permutation(hash::Permutation);

#[pymethods]
impl Permutation {
    #[new]
    fn new(n: u64, seed: u64, epoch: u64) -> Self {
        Self(hash::Permutation::of_epoch(n, seed, epoch))
    }

    /// The rows at positions start, start + step, ..., at most `count`: an Arrow array of uint64.
    fn strided(&self, py: Python<'_>, start: u64, step: u64, count: usize) -> PyArray {
        numbers(py.detach(|| self.0.strided(start, step, count)))
    }

    /// The position of a row.
    fn position_of(&self, row: u64) -> BindingResult<u64> {
        if row >= self.0.n() {
            return Err(Error::Argument(format!("there is no row {row}")).into());
        }
        Ok(self.0.position_of(row))
    }
}

/// The rows of all steps, where each step ends, and three sums: of lengths, of padded lengths, of
/// padded lengths in random order.
type BatchPlan = (PyArray, PyArray, (u64, u64, u64));

/// Plans an epoch of batches of similar length. `lengths` is an Arrow array of uint32.
#[pyfunction]
#[pyo3(signature = (lengths, *, seed, epoch, ranks, rows, budget, window))]
#[expect(clippy::too_many_arguments, reason = "keywords of the Python function")]
pub(crate) fn plan_batches(
    py: Python<'_>,
    lengths: PyArray,
    seed: u64,
    epoch: u64,
    ranks: usize,
    rows: usize,
    budget: Option<u64>,
    window: usize,
) -> BindingResult<BatchPlan> {
    let lengths = whole_numbers(&lengths)?;
    let size = BatchSize { rows, budget };
    let plan = detached(py, || plan(lengths.values(), seed, epoch, ranks, size, window))?;
    let sums = (plan.used, plan.padded, plan.padded_unsorted);
    Ok((numbers(plan.rows), numbers(plan.ends), sums))
}

/// Packs the rows of an epoch: the rows, where each pack ends, the tokens of all. `lengths` is an
/// Arrow array of uint32.
#[pyfunction]
#[pyo3(signature = (lengths, *, seed, epoch, capacity, cut, window))]
pub(crate) fn pack_rows(
    py: Python<'_>,
    lengths: PyArray,
    seed: u64,
    epoch: u64,
    capacity: u32,
    cut: bool,
    window: usize,
) -> BindingResult<(PyArray, PyArray, u64)> {
    let lengths = whole_numbers(&lengths)?;
    let packing = Packing { capacity, cut, window };
    let plan = detached(py, || pack(lengths.values(), seed, epoch, packing))?;
    Ok((numbers(plan.rows), numbers(plan.ends), plan.tokens))
}

fn whole_numbers(lengths: &PyArray) -> BindingResult<UInt32Array> {
    let found = lengths.array().as_primitive_opt::<UInt32Type>().cloned();
    Ok(found.ok_or_else(|| Error::Schema("lengths must be an array of uint32".into()))?)
}

fn numbers(values: Vec<u64>) -> PyArray {
    PyArray::new(
        Arc::new(UInt64Array::from(values)),
        Arc::new(Field::new("row", DataType::UInt64, false)),
    )
}
