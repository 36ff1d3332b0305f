//! `RowWeights`: a column, or numbers beside the rows, as the weights of rows.
//!
//! ```text
//!  source ─▶ scan: the column ─▶ numbers, the largest of them ─▶ 32-bit weights, largest 2^32 - 1
//! ```
//!
//! Only ratios of weights count. In fixed point they are compared exactly, so that every machine
//! draws the same rows; a weight below 2^-32 of the largest counts as that.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef};

use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::population::Population;
use crate::scan;
use crate::select::{Candidate, RowMask, Selection};
use crate::source::check_names;

/// The largest weight.
const LARGEST: u32 = u32::MAX;

/// What has the weights of rows.
#[derive(Debug, Clone)]
pub enum WeightColumn {
    /// A column of the source, kept or not.
    Named(String),
    /// Numbers beside the source: one for each of its rows, in order.
    Given(ArrayRef),
}

impl WeightColumn {
    /// It, as messages say.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Named(name) => format!("column {name:?}"),
            Self::Given(_) => "the array".into(),
        }
    }
}

impl From<&str> for WeightColumn {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// The weight of each row of a source.
#[derive(Debug, Clone)]
pub struct RowWeights {
    /// What has them, as messages say.
    column: String,
    weights: Vec<u32>,
    hash: RowHash,
}

impl RowWeights {
    /// The weights of the rows of `population`, which are numbers. Rows that may not be drawn have weight
    /// 0, whatever `column` says.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that is not there or holds no numbers, [`Error::Argument`] for
    /// a weight that is null, negative or not finite, and where there are not as many as rows; and
    /// whatever reading fails with.
    pub fn new(
        ctx: &Context,
        population: &Population,
        column: &WeightColumn,
        seed: u64,
    ) -> Result<Self> {
        match column {
            WeightColumn::Named(name) => Self::of_column(ctx, population, name, seed),
            WeightColumn::Given(array) => Self::of_array(population, array, seed),
        }
    }

    fn of_array(population: &Population, array: &ArrayRef, seed: u64) -> Result<Self> {
        let (rows, among) = (population.source().rows(), population.among());
        if array.len() as u64 != rows {
            return Err(Error::Argument(format!(
                "weight has {} numbers, but the source has {rows} rows; pass one for each row, those \
                 that may not be drawn included",
                array.len()
            )));
        }
        memory::require_rows::<(Option<f64>, f64, u32)>(rows, "the weights")?;
        let numbers =
            checked(numbers_of(array, "the array")?, "the array", 0, &among.mask(0..rows))?;
        Ok(Self::of_numbers(|| numbers.iter().copied(), "the array".into(), seed))
    }

    fn of_column(ctx: &Context, population: &Population, column: &str, seed: u64) -> Result<Self> {
        let (source, among) = (population.source(), population.among());
        let columns = source.project_columns(&[column.to_owned()], "weight")?;
        check_weights(source.schema(), columns.schema(), column)?;
        memory::require_rows::<(f64, u32)>(source.rows(), "the weights")?;
        ctx.begin(source.rows());
        let found: Vec<Vec<f64>> = scan::in_order(ctx, &columns, |first, batch| {
            let mask = among.mask(first..first + batch.num_rows() as u64);
            weights_of(batch, column, first, &mask)
        })?;
        let numbers = || found.iter().flatten().copied();
        Ok(Self::of_numbers(numbers, format!("column {column:?}"), seed))
    }

    /// The weights of all rows, in order: the numbers that `column` has, as messages say.
    pub(crate) fn of_numbers<N: Iterator<Item = f64>>(
        numbers: impl Fn() -> N,
        column: String,
        seed: u64,
    ) -> Self {
        let largest = numbers().fold(0.0, f64::max);
        let weights = numbers().map(|weight| fixed(weight, largest)).collect();
        Self { column, weights, hash: RowHash::new(seed) }
    }

    /// The rows of `population` that have a weight above 0.
    ///
    /// # Errors
    /// Never for the population whose weights these are.
    pub fn population(&self, population: Population) -> Result<Population> {
        let (above, what) = self.above();
        population.only(&above, &what)
    }

    /// The rows that have a weight above 0, and what they do, as the end of a sentence.
    pub(crate) fn above(&self) -> (Selection, String) {
        let above = BooleanBuffer::collect_bool(self.weights.len(), |row| self.weights[row] > 0);
        let what = format!("have a weight above 0 in {}", self.column);
        (Selection::of_bits(above), what)
    }

    /// The weight of a row: 2^32 - 1 for the largest, 0 for rows that may not be drawn.
    #[must_use]
    pub fn of(&self, row: u64) -> u32 {
        self.weights[row as usize]
    }

    /// The weights of all rows of the source.
    #[must_use]
    pub fn all(&self) -> &[u32] {
        &self.weights
    }

    /// A row as a draw compares it.
    #[must_use]
    pub fn candidate(&self, row: u64) -> Candidate {
        let weight = self.weights[row as usize];
        Candidate { u: self.hash.of(row), weight, ordinal: row }
    }
}

/// Fails unless a column is among those that are `read` and holds numbers; `kept` are named.
pub(crate) fn check_weights(kept: &SchemaRef, read: &SchemaRef, column: &str) -> Result<()> {
    check_names(kept, read, &[column.to_owned()], "weight")?;
    numbers(&RecordBatch::new_empty(read.clone()), column).map(|_| ())
}

/// The weights of a batch, of which `first` is the first row. Rows that `mask` leaves out have
/// weight 0, whatever the column says.
pub(crate) fn weights_of(
    batch: &RecordBatch,
    column: &str,
    first: u64,
    mask: &RowMask,
) -> Result<Vec<f64>> {
    checked(numbers(batch, column)?, &format!("column {column:?}"), first, mask)
}

/// Weights, of which `first` is that of the first row. Rows that `mask` leaves out have weight 0.
fn checked(
    mut numbers: Vec<Option<f64>>,
    what: &str,
    first: u64,
    mask: &RowMask,
) -> Result<Vec<f64>> {
    for (row, number) in numbers.iter_mut().enumerate() {
        if !mask.has(row) {
            *number = Some(0.0);
        }
    }
    let wrong = |number: &Option<f64>| !number.is_some_and(|w| (0.0..f64::INFINITY).contains(&w));
    if let Some(row) = numbers.iter().position(wrong) {
        let shown = numbers[row].map_or("null".into(), |number| number.to_string());
        return Err(Error::Argument(format!(
            "{what} has the weight {shown} in row {}; weights are numbers of at least 0: \
             leave such rows out with where, or mend them",
            first + row as u64
        )));
    }
    Ok(numbers.into_iter().flatten().collect())
}

/// `weight / largest` in 32 bits; above 0 if the weight is.
fn fixed(weight: f64, largest: f64) -> u32 {
    if weight <= 0.0 {
        return 0;
    }
    // Both operations are rounded as IEEE 754 says, the same on any machine.
    ((weight / largest * f64::from(LARGEST)).round() as u32).max(1)
}

/// The numbers of a column.
fn numbers(batch: &RecordBatch, name: &str) -> Result<Vec<Option<f64>>> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| Error::Internal(format!("{name:?} was not read")))?;
    numbers_of(column, &format!("column {name:?}"))
}

fn numbers_of(column: &ArrayRef, what: &str) -> Result<Vec<Option<f64>>> {
    let kind = match column.data_type() {
        DataType::Dictionary(_, values) => values,
        kind => kind,
    };
    if !kind.is_numeric() {
        return Err(Error::Column(format!("weight: {what} is {kind}; weights are numbers")));
    }
    let numbers = cast(column, &DataType::Float64).map_err(Error::kernel)?;
    Ok(numbers.as_primitive::<Float64Type>().iter().collect())
}
