//! Draws in parts: the classes `PartFiles` and `PartedDraw`, and the merge of states.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::UInt64Array;
use arrow_schema::{DataType, Field};
use fastsample::partition::RowKeys;
use fastsample::parts::{
    Decided, GroupGives, PartedDraw as CoreDraw, PartedGroups, SourceFiles, merge, threshold_window,
};
use fastsample::predicate::Predicate;
use fastsample::select::RowMask;
use fastsample::source::{FileSlice, SlicedFiles, discover};
use fastsample::{Error, Rule as CoreRule};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::{PyArray, PyRecordBatch, PySchema};

use crate::draw::Allocation;
use crate::errors::BindingResult;
use crate::report;
use crate::reserve::detached;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::stored::{self, Described};

/// The files that paths stand for, in order, and others that lie there and are not read.
#[pyfunction]
pub(crate) fn find_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
) -> BindingResult<(Vec<PathBuf>, Vec<PathBuf>)> {
    let found =
        detached(py, || paths.iter().map(|path| discover(path)).collect::<Result<Vec<_>, _>>());
    let (mut files, mut passed_over) = (Vec::new(), Vec::new());
    for found in found? {
        files.extend(found.files);
        passed_over.extend(found.passed_over);
    }
    Ok((files, passed_over))
}

/// Merges states of different parts of one round, in any order.
#[pyfunction]
pub(crate) fn merge_states(
    py: Python<'_>,
    states: Vec<PyBackedBytes>,
) -> BindingResult<Bound<'_, PyBytes>> {
    let merged = detached(py, || {
        let states: Vec<&[u8]> = states.iter().map(AsRef::as_ref).collect();
        merge(&states)
    })?;
    Ok(PyBytes::new(py, &merged))
}

/// The numbers of rows by their keys, the values of a column: an Arrow array of uint64.
#[pyfunction]
pub(crate) fn key_numbers(
    py: Python<'_>,
    batch: PyRecordBatch,
    key: &str,
    seed: u64,
) -> BindingResult<PyArray> {
    let batch = batch.into_inner();
    let all = RowMask::AllTrue(batch.num_rows());
    let numbers = detached(py, || RowKeys::new(key, seed).numbers(&batch, 0, &all))?;
    Ok(PyArray::new(
        Arc::new(UInt64Array::from(numbers)),
        Arc::new(Field::new("number", DataType::UInt64, false)),
    ))
}

/// Where the number of the last of `n` rows is looked for: the first and the last number.
#[pyfunction]
pub(crate) fn key_window(rows: u64, n: u64) -> (u64, u64) {
    threshold_window(rows, n)
}

/// The files of a part, and its number.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct PartFiles(SourceFiles);

fn slice((index, of): (u32, u32)) -> FileSlice {
    FileSlice { index, of }
}

#[pymethods]
impl PartFiles {
    /// Files of this machine, each with the number of its slice, and of how many.
    #[staticmethod]
    fn local(index: u64, files: Vec<(PathBuf, (u32, u32))>) -> Self {
        let files = files.into_iter().map(|(path, of)| (path, slice(of))).collect();
        Self(SourceFiles { index, files: SlicedFiles::Local(files) })
    }

    /// Objects of a store, as `Source.from_objects` takes them, likewise.
    #[staticmethod]
    fn stored(index: u64, objects: Vec<Described>, slices: Vec<(u32, u32)>) -> Self {
        let slices = slices.into_iter().map(slice);
        let files = stored::objects(objects).into_iter().zip(slices).collect();
        Self(SourceFiles { index, files: SlicedFiles::Stored(files) })
    }
}

/// The steps of a draw in parts.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct PartedDraw(CoreDraw);

/// The decision, and what is known by it: rows of the source, and as far as they are known the rows
/// drawn, what a smart draw found, rows that match the predicate, and the groups.
type DecidedFor<'py> = (Bound<'py, PyBytes>, Bound<'py, PyDict>);

#[pymethods]
impl PartedDraw {
    #[new]
    #[pyo3(signature = (n, seed, rule, *, columns, parts, fingerprint, condition=None, weight=None, by=None, group=None, n_groups=None, key=None))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python class")]
    fn new(
        n: u64,
        seed: u64,
        rule: Option<&Rule>,
        columns: Option<Vec<String>>,
        parts: u64,
        fingerprint: u64,
        condition: Option<&str>,
        weight: Option<String>,
        by: Option<(Vec<String>, Allocation)>,
        group: Option<Vec<String>>,
        n_groups: Option<u64>,
        key: Option<String>,
    ) -> BindingResult<Self> {
        let smart = match rule.map(Rule::core) {
            None => None,
            Some(CoreRule::Weighted(smart)) if smart.target.is_none() && smart.avoid.is_none() => {
                Some(smart.clone())
            }
            Some(_) => {
                return Err(Error::Argument("this rule is not drawn by in parts".into()).into());
            }
        };
        let predicate = condition.map(Predicate::parse).transpose()?;
        let groups = match (by, group) {
            (Some((columns, allocation)), _) => {
                let gives = GroupGives::Shares(allocation.shares()?);
                Some(PartedGroups { columns, gives })
            }
            (None, Some(columns)) => {
                Some(PartedGroups { columns, gives: GroupGives::Whole(n_groups) })
            }
            (None, None) => None,
        };
        Ok(Self(CoreDraw {
            n,
            seed,
            smart,
            columns,
            predicate,
            weight,
            groups,
            key,
            parts,
            fingerprint,
        }))
    }

    /// The state of a part in the round that a decision begins; in the first one without.
    #[pyo3(signature = (part, decision, *, threads))]
    fn observe<'py>(
        &self,
        py: Python<'py>,
        part: &PartFiles,
        decision: Option<PyBackedBytes>,
        threads: Option<usize>,
    ) -> BindingResult<Bound<'py, PyBytes>> {
        let (draw, part) = (self.0.clone(), part.0.clone());
        let state =
            run(py, threads, None, move |ctx| draw.observe(ctx, &part, decision.as_deref()))?;
        Ok(PyBytes::new(py, &state))
    }

    /// What the merged state of all parts says.
    #[pyo3(signature = (state, decision, *, threads))]
    fn decide<'py>(
        &self,
        py: Python<'py>,
        state: PyBackedBytes,
        decision: Option<PyBackedBytes>,
        threads: Option<usize>,
    ) -> BindingResult<DecidedFor<'py>> {
        let draw = self.0.clone();
        let Decided { decision, rows, matching, groups, whole, drawn, report: smart } =
            run(py, threads, None, move |ctx| draw.decide(ctx, &state, decision.as_deref()))?;
        let found = PyDict::new(py);
        found.set_item("rows", rows)?;
        found.set_item("drawn", drawn)?;
        found.set_item("smart", smart.map(|smart| report::smart(py, smart)).transpose()?)?;
        found.set_item("matching", matching)?;
        found.set_item("groups", groups.map(|groups| report::groups(py, groups)).transpose()?)?;
        found.set_item("whole", whole.map(|found| (found.count, found.drawn, found.wanted)))?;
        Ok((PyBytes::new(py, &decision), found))
    }

    /// The rows of a part that were drawn.
    #[pyo3(signature = (part, decision, *, threads))]
    fn sample(
        &self,
        py: Python<'_>,
        part: &PartFiles,
        decision: PyBackedBytes,
        threads: Option<usize>,
    ) -> BindingResult<Sample> {
        let (draw, part) = (self.0.clone(), part.0.clone());
        let (sample, _) = run(py, threads, None, move |ctx| draw.sample(ctx, &part, &decision))?;
        Ok(Sample::new(sample, threads))
    }

    /// The ordinals of the rows of a part that were drawn, ascending: an Arrow array of uint64.
    fn row_ids(
        &self,
        py: Python<'_>,
        index: u64,
        decision: PyBackedBytes,
    ) -> BindingResult<PyArray> {
        let ids = detached(py, || self.0.row_ids(index, &decision))?;
        Ok(PyArray::new(
            Arc::new(UInt64Array::from(ids)),
            Arc::new(Field::new("row_id", DataType::UInt64, false)),
        ))
    }

    /// The columns of the rows that are read: an Arrow schema.
    fn schema(&self, decision: PyBackedBytes) -> BindingResult<PySchema> {
        Ok(PySchema::new(self.0.schema(&decision)?))
    }

    /// The ordinal of the first row of each part, and behind them the number of all rows.
    fn firsts(&self, decision: PyBackedBytes) -> BindingResult<Vec<u64>> {
        Ok(self.0.firsts(&decision)?)
    }
}
