//! A condition over a batch, and over a source.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use arrow_schema::{DataType, Schema};

use super::Predicate;
use super::compare::{compare, values};
use super::condition::{Condition, Literal, Operand, Operator, Value};
use super::fault::{Fault, explain};
use super::truth::Truth;
use crate::error::Result;
use crate::exec::Context;
use crate::scan;
use crate::select::Selection;
use crate::source::Source;

impl Predicate {
    /// The rows of `source` of which the predicate is true. Of all columns of the source, kept or
    /// not, those of the predicate are read, but no row group in which no row can match.
    ///
    /// # Errors
    /// [`crate::Error::Column`] for a column that is not there, [`crate::Error::Argument`] for one
    /// of another type than the value, and whatever reading fails with.
    pub fn select(&self, ctx: &Context, source: &Source) -> Result<Selection> {
        self.check_columns(source.schema(), |name| source.leaves_out(name))?;
        let columns = source.project_columns(&self.columns(), "where")?;
        // Types are checked before anything is read.
        self.matches(&RecordBatch::new_empty(columns.schema().clone()))?;
        let columns = self.prune(columns);
        ctx.begin(columns.rows_to_read());
        let of_batch = |first: u64, batch: &RecordBatch| Ok((first, self.matches(batch)?));
        let mut bits = BooleanBufferBuilder::new(source.rows() as usize);
        for (first, more) in scan::in_order(ctx, &columns, of_batch)? {
            bits.append_n(first as usize - bits.len(), false);
            bits.append_buffer(&more);
        }
        bits.append_n(source.rows() as usize - bits.len(), false);
        Ok(Selection::of_bits(bits.finish()))
    }

    /// Fails for a column that is neither in `schema` nor left out of it.
    ///
    /// # Errors
    /// [`crate::Error::Column`].
    pub(crate) fn check_columns(
        &self,
        schema: &Schema,
        leaves_out: impl Fn(&str) -> bool,
    ) -> Result<()> {
        self.condition
            .visit_all(&|operand| check_column(operand, schema, &leaves_out))
            .map_err(|fault| explain(&self.text, &fault))
    }

    /// The rows of a batch of which the predicate is true.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a column of another type than the value.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> Result<BooleanBuffer> {
        let truth = self.condition.truth(batch).map_err(|fault| explain(&self.text, &fault))?;
        Ok(truth.into_true())
    }
}

fn check_column(
    operand: &Operand,
    schema: &Schema,
    leaves_out: &dyn Fn(&str) -> bool,
) -> Result<(), Fault> {
    let name = &operand.column;
    if schema.index_of(name).is_ok() || leaves_out(name) {
        return Ok(());
    }
    let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let what = format!("there is no column {name:?}; the columns are {}", known.join(", "));
    Err(Fault { column: true, ..Fault::new(operand.at, what) })
}

impl Condition {
    /// Calls `check` with each operand until one fails.
    fn visit_all(&self, check: &dyn Fn(&Operand) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut found = Ok(());
        self.visit(&mut |operand| {
            if found.is_ok() {
                found = check(operand);
            }
        });
        found
    }

    fn truth(&self, batch: &RecordBatch) -> Result<Truth, Fault> {
        match self {
            Self::And(parts) => join(parts, batch, Truth::and),
            Self::Or(parts) => join(parts, batch, Truth::or),
            Self::Not(inner) => Ok(inner.truth(batch)?.not()),
            Self::Compare(operand, comparison, literal) => {
                compare(&values(column(batch, operand)?, operand)?, *comparison, literal, operand)
            }
            Self::In(operand, literals) => {
                let values = values(column(batch, operand)?, operand)?;
                let mut truth = Truth::constant(false, batch.num_rows());
                for literal in literals {
                    truth = truth.or(&compare(&values, Operator::Equal, literal, operand)?);
                }
                Ok(truth)
            }
            Self::Like(operand, pattern) => {
                let values = values(column(batch, operand)?, operand)?;
                match values.data_type() {
                    DataType::Null => Ok(Truth::of(&BooleanArray::new_null(values.len()))),
                    DataType::Utf8View => {
                        let fits = |text: Option<&str>| text.map(|text| pattern.matches(text));
                        let found = values.as_string_view().iter().map(fits);
                        Ok(Truth::of(&found.collect::<BooleanArray>()))
                    }
                    kind => {
                        let name = &operand.column;
                        let what = format!("LIKE takes text, but column {name:?} is {kind}");
                        Err(Fault::new(operand.at, what))
                    }
                }
            }
            Self::IsNull(operand) => {
                let column = column(batch, operand)?;
                if operand.chars {
                    values(column, operand)?;
                }
                let nulls = column.logical_nulls();
                let rows = column.len();
                let valid =
                    nulls.map_or(BooleanBuffer::new_set(rows), |nulls| nulls.inner().clone());
                Ok(Truth::known(!&valid))
            }
            Self::IsTrue(operand) => {
                let values = values(column(batch, operand)?, operand)?;
                if !matches!(values.data_type(), DataType::Boolean | DataType::Null) {
                    let (name, kind) = (&operand.column, values.data_type());
                    let what = format!(
                        "column {name:?} is {kind}, not TRUE or FALSE; compare it with a value"
                    );
                    return Err(Fault::new(operand.at, what));
                }
                let yes = Literal { value: Value::Boolean(true), at: operand.at };
                compare(&values, Operator::Equal, &yes, operand)
            }
        }
    }
}

fn join(
    parts: &[Condition],
    batch: &RecordBatch,
    both: fn(&Truth, &Truth) -> Truth,
) -> Result<Truth, Fault> {
    let mut truths = parts.iter().map(|part| part.truth(batch));
    let first = truths.next().unwrap_or_else(|| Ok(Truth::constant(true, batch.num_rows())))?;
    truths.try_fold(first, |all, more| Ok(both(&all, &more?)))
}

fn column<'a>(batch: &'a RecordBatch, operand: &Operand) -> Result<&'a ArrayRef, Fault> {
    batch.column_by_name(&operand.column).ok_or_else(|| {
        Fault::new(operand.at, format!("the column {:?} was not read", operand.column))
    })
}
