//! Arrow data as values of a template: what pyarrow's `to_pylist` makes of it, and `transformers`
//! of that.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, OffsetSizeTrait, downcast_dictionary_array, downcast_integer_array};
use arrow_schema::DataType;

use super::jinja::{Fail, JinjaValue};
use crate::text::TextColumn;

/// The value of a row.
pub(super) fn value(array: &dyn Array, row: usize) -> Result<JinjaValue, Fail> {
    if array.is_null(row) {
        return Ok(JinjaValue::None);
    }
    if let Some((items, range)) = items(array, row) {
        let is_map = matches!(array.data_type(), DataType::Map(..));
        // A map is a list of pairs.
        let item = |item| if is_map { entry(items, item) } else { value(items, item) };
        return JinjaValue::list(range.map(item).collect::<Result<_, Fail>>()?);
    }
    if let Some(text) = TextColumn::new(array) {
        return Ok(JinjaValue::text(text.text(row)));
    }
    Ok(match array.data_type() {
        DataType::Struct(fields) => {
            let pairs = fields.iter().zip(array.as_struct().columns());
            let pairs = pairs.map(|(field, column)| {
                Ok((JinjaValue::text(field.name().as_str()), value(column, row)?))
            });
            JinjaValue::dict(pairs.collect::<Result<_, Fail>>()?)?
        }
        DataType::Boolean => JinjaValue::Bool(array.as_boolean().value(row)),
        DataType::Float16 => float::<Float16Type>(array, row),
        DataType::Float32 => float::<Float32Type>(array, row),
        DataType::Float64 => float::<Float64Type>(array, row),
        DataType::Dictionary(..) => downcast_dictionary_array!(
            array => match array.key(row) {
                Some(key) => value(array.values(), key)?,
                None => JinjaValue::None,
            },
            _ => JinjaValue::None
        ),
        DataType::Null => JinjaValue::None,
        kind if kind.is_integer() => downcast_integer_array!(
            array => JinjaValue::Int(array.value(row).into()),
            _ => JinjaValue::None
        ),
        kind => JinjaValue::text(placeholder(kind)),
    })
}

/// What a list or a map has in a row: an array, and where in it.
pub(super) fn items(array: &dyn Array, row: usize) -> Option<(&dyn Array, Range<usize>)> {
    fn between<O: OffsetSizeTrait>(offsets: &[O], row: usize) -> Range<usize> {
        offsets[row].as_usize()..offsets[row + 1].as_usize()
    }
    fn view<O: OffsetSizeTrait>(start: O, size: O) -> Range<usize> {
        start.as_usize()..start.as_usize() + size.as_usize()
    }
    Some(match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (list.values(), between(list.value_offsets(), row))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (list.values(), between(list.value_offsets(), row))
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (list.values(), view(list.value_offset(row), list.value_size(row)))
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (list.values(), view(list.value_offset(row), list.value_size(row)))
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            let size = list.value_length() as usize;
            (list.values(), row * size..(row + 1) * size)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            (map.entries(), between(map.value_offsets(), row))
        }
        _ => return None,
    })
}

fn entry(entries: &dyn Array, item: usize) -> Result<JinjaValue, Fail> {
    let columns = entries.as_struct().columns().iter();
    JinjaValue::tuple(columns.map(|column| value(column, item)).collect::<Result<_, Fail>>()?)
}

fn float<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &dyn Array, row: usize) -> JinjaValue {
    JinjaValue::Float(array.as_primitive::<T>().value(row).into())
}

/// What `transformers` shows of a value that is neither text nor a number: its type in Python.
fn placeholder(kind: &DataType) -> &'static str {
    match kind {
        DataType::Date32 | DataType::Date64 => "<date>",
        DataType::Time32(_) | DataType::Time64(_) => "<time>",
        DataType::Timestamp(..) => "<datetime>",
        DataType::Duration(_) => "<timedelta>",
        DataType::Interval(_) => "<MonthDayNano>",
        kind if kind.is_decimal() => "<Decimal>",
        _ => "<bytes>",
    }
}
