//! The class `Rows` of the extension: rows in memory or mapped, by position, without threads.

use std::hint::black_box;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator, UInt32Array};
use arrow_schema::{DataType, Field, SchemaRef};
use fastsample::Error;
use fastsample::columns::row_chars;
use fastsample::gather::Picker;
use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::PyList;
use pyo3_arrow::{PyArray, PyRecordBatch, PyRecordBatchReader};

use crate::errors::{BindingError, BindingResult};
use crate::imported;
use crate::reserve::{Reserve, detached};
use crate::strings::Strings;

/// Positions of rows: as many as there is memory for.
pub(crate) struct Positions(pub(crate) Vec<usize>);

impl<'a, 'py> FromPyObject<'a, 'py> for Positions {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let mut positions = Vec::new();
        let count = given.len()?;
        if positions.try_reserve_exact(count).is_err() {
            let bytes = count.saturating_mul(size_of::<usize>());
            let error = Error::Memory { what: format!("{count} positions"), bytes };
            return Err(BindingError::from(error).into());
        }
        for position in given.try_iter()? {
            positions.push(position?.extract()?);
        }
        Ok(Self(positions))
    }
}

/// Rows of a batch of training, which need no reserve: what they take is small, and waited for.
const FEW_ROWS: usize = 1024;

/// Rows in memory that can be picked by position.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Rows {
    schema: SchemaRef,
    picker: Picker,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef, batches: Arc<[RecordBatch]>) -> Self {
        Self { schema, picker: Picker::new(batches) }
    }
}

#[pymethods]
impl Rows {
    /// Refers to the batches of a table, which may be mapped from a file.
    #[staticmethod]
    fn from_table(data: &Bound<'_, PyAny>) -> BindingResult<Self> {
        let _reserve = Reserve::hold()?;
        let (schema, batches) = imported::batches(data)?;
        Ok(Self::new(schema, batches.into()))
    }

    fn __len__(&self) -> usize {
        self.picker.len()
    }

    /// A stream of all rows, which are shared, not copied.
    fn stream(&self) -> PyRecordBatchReader {
        let batches: Vec<_> = self.picker.batches().iter().cloned().map(Ok).collect();
        PyRecordBatchReader::new(Box::new(RecordBatchIterator::new(batches, self.schema.clone())))
    }

    /// The rows at `positions`, in that order, as batches that 32-bit offsets can hold.
    fn take(&self, py: Python<'_>, positions: Positions) -> BindingResult<Vec<PyRecordBatch>> {
        let Positions(positions) = positions;
        let reserve = (positions.len() > FEW_ROWS).then(Reserve::hold).transpose()?;
        let batches = py.detach(|| self.picker.pick(&self.schema, &positions))?;
        drop(reserve);
        Ok(batches.into_iter().map(PyRecordBatch::new).collect())
    }

    /// The texts of some columns at `positions`, made from the bytes where they lie: for each
    /// column a list of str or None.
    fn texts<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<usize>,
        positions: Positions,
    ) -> BindingResult<Vec<Bound<'py, PyList>>> {
        let Positions(positions) = positions;
        let texts = columns.iter().map(|&column| self.picker.texts(column, &positions));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        // One byte of each is read before any is decoded: these rows lie far apart, and their
        // memory is then waited for together.
        let first = texts.iter().flatten().flatten().filter_map(|text| text.first());
        black_box(first.fold(0, |all, byte| all ^ byte));
        let mut strings = Strings::default();
        let list = |(&column, texts): (&usize, &Vec<Option<&[u8]>>)| {
            let made = texts.iter().map(|text| text.map(|text| strings.make(py, text)).transpose());
            let made = made.collect::<PyResult<Vec<_>>>().map_err(|_| {
                let name = self.schema.field(column).name();
                Error::Invalid(format!(
                    "column {name:?} holds text that is not valid UTF-8; write the file again"
                ))
            })?;
            Ok(PyList::new(py, made)?)
        };
        columns.iter().zip(&texts).map(list).collect()
    }

    /// Characters of each row, over all text columns named, or those of the default: an Arrow array
    /// of uint32.
    fn lengths(&self, py: Python<'_>, text: Option<Vec<String>>) -> BindingResult<PyArray> {
        let batches = self.picker.batches();
        let lengths = detached(py, || row_chars(&self.schema, batches, text.as_deref()))?;
        Ok(PyArray::new(
            Arc::new(UInt32Array::from(lengths)),
            Arc::new(Field::new("length", DataType::UInt32, false)),
        ))
    }
}
