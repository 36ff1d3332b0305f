//! A column against a value, by Arrow's kernels, with the types of SQL's comparisons.
//!
//! | column | value | compared |
//! |---|---|---|
//! | text, of any layout | text | by code points |
//! | integers, decimals | number | exactly, whatever its digits |
//! | floating point | number | as the column's type; 0 equals -0, and NaN is above all and equals itself |
//! | dates, times, timestamps | text | as the column's type |
//! | truth values | TRUE, FALSE | equal or not |

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, Scalar,
    StringArray, StringViewArray, UInt64Array,
};
use arrow_buffer::BooleanBuffer;
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_ord::cmp;
use arrow_schema::{ArrowError, DataType, TimeUnit};

use super::condition::{Literal, Operand, Operator, Value};
use super::fault::Fault;
use super::number::{Decimal, Floor};
use super::truth::Truth;
use crate::text::{count_chars, is_text};

use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

/// The values of an operand in one of the few layouts that [`compare`] takes.
pub(super) fn values(column: &ArrayRef, operand: &Operand) -> Result<ArrayRef, Fault> {
    let failed = |error: ArrowError| Fault::new(operand.at, error.to_string());
    let kind = column.data_type();
    if operand.chars {
        return chars(column).ok_or_else(|| {
            let name = &operand.column;
            Fault::new(operand.at, format!("chars takes text, but column {name:?} is {kind}"))
        });
    }
    let plain = match kind {
        text if is_text(text) => DataType::Utf8View,
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale) => {
            DataType::Decimal128(*digits, *scale)
        }
        DataType::Float32 => {
            let one = |x: f32| if x.is_nan() { f32::NAN } else { x + 0.0 };
            return Ok(Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(one)));
        }
        DataType::Float64 => {
            let one = |x: f64| if x.is_nan() { f64::NAN } else { x + 0.0 };
            return Ok(Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(one)));
        }
        _ => return Ok(column.clone()),
    };
    if *kind == plain {
        return Ok(column.clone());
    }
    values(&cast(column, &plain).map_err(failed)?, operand)
}

/// Characters of each row of a text column.
fn chars(column: &ArrayRef) -> Option<ArrayRef> {
    if *column.data_type() == DataType::Null {
        return Some(column.clone());
    }
    let text = is_text(column.data_type()).then(|| cast(column, &DataType::Utf8View).ok())??;
    let count = |text: Option<&str>| text.map(|text| count_chars(text) as i64);
    Some(Arc::new(text.as_string_view().iter().map(count).collect::<Int64Array>()))
}

/// Rows of `values` of which `comparison` with `literal` holds.
pub(super) fn compare(
    values: &ArrayRef,
    comparison: Operator,
    literal: &Literal,
    operand: &Operand,
) -> Result<Truth, Fault> {
    let number = |comparison, scalar: ArrayRef| kernel(values, comparison, scalar, literal.at);
    match (values.data_type(), &literal.value) {
        (DataType::Null, _) => Ok(unknown(values.len())),
        (DataType::Utf8View, Value::Text(text)) => {
            number(comparison, Arc::new(StringViewArray::from(vec![text.as_str()])))
        }
        (DataType::Boolean, Value::Boolean(value)) if matches!(comparison, Equal | NotEqual) => {
            number(comparison, Arc::new(BooleanArray::from(vec![*value])))
        }
        (DataType::Float32, Value::Number(value)) => {
            number(comparison, Arc::new(Float32Array::from(vec![value.as_f32()])))
        }
        (DataType::Float64, Value::Number(value)) => {
            number(comparison, Arc::new(Float64Array::from(vec![value.as_f64()])))
        }
        (kind, Value::Number(value)) if kind.is_integer() => {
            whole(values, comparison, value.floor(0), literal.at)
        }
        (DataType::Decimal128(_, scale), Value::Number(value)) => {
            decimal(values, comparison, value, *scale, literal.at)
        }
        (kind, Value::Text(text)) if kind.is_temporal() => {
            number(comparison, moment(text, kind).map_err(|what| Fault::new(literal.at, what))?)
        }
        (kind, value) => Err(Fault::new(literal.at, mismatch(kind, value, operand))),
    }
}

/// Unknown in all rows.
fn unknown(rows: usize) -> Truth {
    Truth::constant(false, rows).only(&BooleanBuffer::new_unset(rows))
}

/// The same in all rows but nulls.
fn constant(values: &ArrayRef, value: bool) -> Truth {
    let truth = Truth::constant(value, values.len());
    values.logical_nulls().map_or(truth.clone(), |nulls| truth.only(nulls.inner()))
}

fn kernel(
    values: &ArrayRef,
    comparison: Operator,
    scalar: ArrayRef,
    at: usize,
) -> Result<Truth, Fault> {
    let scalar = Scalar::new(scalar);
    let found = match comparison {
        Equal => cmp::eq(values, &scalar),
        NotEqual => cmp::neq(values, &scalar),
        Less => cmp::lt(values, &scalar),
        LessOrEqual => cmp::lt_eq(values, &scalar),
        Greater => cmp::gt(values, &scalar),
        GreaterOrEqual => cmp::gt_eq(values, &scalar),
    };
    found.map(|found| Truth::of(&found)).map_err(|error| Fault::new(at, error.to_string()))
}

/// The comparison of whole numbers that says the same as `comparison` with a number of this floor;
/// or what all of them give.
fn with_floor(comparison: Operator, is_exact: bool) -> Result<Operator, bool> {
    match comparison {
        _ if is_exact => Ok(comparison),
        Equal => Err(false),
        NotEqual => Err(true),
        Less | LessOrEqual => Ok(LessOrEqual),
        Greater | GreaterOrEqual => Ok(Greater),
    }
}

/// Integers against a number.
fn whole(values: &ArrayRef, comparison: Operator, floor: Floor, at: usize) -> Result<Truth, Fault> {
    let comparison = match with_floor(comparison, floor.is_exact) {
        Ok(comparison) => comparison,
        Err(value) => return Ok(constant(values, value)),
    };
    let wide: ArrayRef = match (i64::try_from(floor.value), u64::try_from(floor.value)) {
        (Ok(value), _) => Arc::new(Int64Array::from(vec![value])),
        (_, Ok(value)) => Arc::new(UInt64Array::from(vec![value])),
        _ => Arc::new(Int64Array::from(vec![None])),
    };
    let scalar = cast(&wide, values.data_type());
    let scalar = scalar.map_err(|error| Fault::new(at, error.to_string()))?;
    if scalar.is_null(0) {
        // It is below, or above, all that the type holds.
        let is_below = floor.value < 0;
        let value = match comparison {
            Equal => false,
            NotEqual => true,
            Less | LessOrEqual => !is_below,
            Greater | GreaterOrEqual => is_below,
        };
        return Ok(constant(values, value));
    }
    kernel(values, comparison, scalar, at)
}

/// Decimals of a scale against a number.
fn decimal(
    values: &ArrayRef,
    comparison: Operator,
    number: &Decimal,
    scale: i8,
    at: usize,
) -> Result<Truth, Fault> {
    let floor = number.floor(scale);
    let comparison = match with_floor(comparison, floor.is_exact) {
        Ok(comparison) => comparison,
        Err(value) => return Ok(constant(values, value)),
    };
    // The value may have more digits than the type: it is compared, not kept.
    let scalar =
        Decimal128Array::from(vec![floor.value]).with_data_type(values.data_type().clone());
    kernel(values, comparison, Arc::new(scalar), at)
}

/// A date or a time as a value of the type `kind`.
fn moment(text: &str, kind: &DataType) -> Result<ArrayRef, String> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let as_kind = |kind: &DataType| {
        let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
        cast_with_options(&array, kind, &options)
    };
    let example = match kind {
        DataType::Date32 | DataType::Date64 => "a date is written as '2024-12-31'",
        DataType::Time32(_) | DataType::Time64(_) => "a time is written as '23:59:59'",
        DataType::Timestamp(..) => "a time is written as '2024-12-31 23:59:59'",
        _ => return Err(format!("values of type {kind} can't be compared")),
    };
    if matches!(kind, DataType::Date32 | DataType::Date64) && text.len() != "2024-12-31".len() {
        return Err(format!("'{text}' is no date; {example}"));
    }
    let found = as_kind(kind).map_err(|_| format!("'{text}' is no value of {kind}; {example}"))?;
    if let DataType::Timestamp(unit, zone) = kind
        && *unit != TimeUnit::Nanosecond
        && let Ok(fine) = as_kind(&DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()))
        && cast(&found, fine.data_type()).is_ok_and(|coarse| *coarse != *fine)
    {
        return Err(format!(
            "'{text}' is finer than the column, which is {kind}; leave digits out"
        ));
    }
    Ok(found)
}

fn mismatch(kind: &DataType, value: &Value, operand: &Operand) -> String {
    let name = &operand.column;
    let value = match value {
        Value::Text(text) => format!("the text '{text}'"),
        Value::Number(number) => format!("the number {number}"),
        Value::Boolean(_) => "TRUE or FALSE".into(),
    };
    let (is, hint) = match kind {
        DataType::Utf8View => ("text".into(), "write a text in single quotes"),
        DataType::Boolean => ("TRUE or FALSE".into(), "write = TRUE, = FALSE, or the name alone"),
        kind if kind.is_numeric() && !matches!(kind, DataType::Decimal256(..)) => {
            (kind.to_string(), "write a number without quotes")
        }
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            (kind.to_string(), "write a date or time in single quotes")
        }
        _ => (kind.to_string(), "only texts, numbers, dates, times and truth values are compared"),
    };
    format!("column {name:?} is {is} and can't be compared so with {value}; {hint}")
}
