//! Import of arrays that come through the C data interface.
//!
//! There, the offset of a struct or of a list of fixed size applies to its children, which are not
//! cut to it. `make_array` cuts them once for each level, and so fails, or reads other rows, where
//! structs lie in structs. [`array_of`] goes the other way: it makes whole children first, and cuts
//! arrays, whose slices know where they begin.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, StructArray, UnionArray, make_array, new_empty_array,
};
use arrow_buffer::ScalarBuffer;
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, UnionMode};

/// The array that imported data stand for. Nothing is copied.
///
/// # Errors
/// When lengths or types contradict each other.
pub fn array_of(data: ArrayData) -> Result<ArrayRef, ArrowError> {
    if data.is_empty() {
        // The library imports no values for an empty slice, but offsets that point at them.
        return Ok(new_empty_array(data.data_type()));
    }
    if data.child_data().is_empty() {
        return checked(data);
    }
    let (offset, len) = (data.offset(), data.len());
    let nulls = data.nulls().cloned();
    match data.data_type().clone() {
        DataType::Struct(fields) => {
            let children = data.child_data().iter().map(|child| cut(child, offset, len));
            let children = children.collect::<Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(fields, children, nulls, len)?))
        }
        DataType::FixedSizeList(field, size) => {
            let width = usize::try_from(size).map_err(|_| short())?;
            let start = offset.checked_mul(width).ok_or_else(short)?;
            let values =
                cut(&data.child_data()[0], start, len.checked_mul(width).ok_or_else(short)?)?;
            let list = FixedSizeListArray::try_new_with_length(field, size, values, nulls, len)?;
            Ok(Arc::new(list))
        }
        DataType::Union(fields, UnionMode::Sparse) => {
            let children = data.child_data().iter().map(|child| cut(child, offset, len));
            let children = children.collect::<Result<Vec<_>, _>>()?;
            let kinds = &data.buffers()[0];
            if kinds.len() < offset.saturating_add(len) {
                return Err(short());
            }
            let kinds = ScalarBuffer::<i8>::new(kinds.clone(), offset, len);
            Ok(Arc::new(UnionArray::try_new(fields, kinds, None, children)?))
        }
        _ => {
            let children = data.child_data().iter().cloned().map(array_of);
            let children = children.collect::<Result<Vec<_>, _>>()?;
            let children = children.iter().map(Array::to_data).collect();
            checked(data.into_builder().child_data(children).build()?)
        }
    }
}

/// The rows of a child from `start` on.
fn cut(child: &ArrayData, start: usize, len: usize) -> Result<ArrayRef, ArrowError> {
    let whole = array_of(child.clone())?;
    if start.checked_add(len).is_none_or(|end| end > whole.len()) {
        return Err(short());
    }
    Ok(whole.slice(start, len))
}

fn checked(data: ArrayData) -> Result<ArrayRef, ArrowError> {
    data.validate()?;
    Ok(make_array(data))
}

fn short() -> ArrowError {
    ArrowError::CDataInterface("a nested column is shorter than the column it belongs to".into())
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{Int64Builder, ListBuilder};
    use arrow_array::{Int64Array, RunArray, StringArray};
    use arrow_schema::{Field, Fields, UnionFields};
    use arrow_select::take::take;
    use proptest::prelude::*;

    use super::*;

    /// Data as the C data interface has them: children keep their length, whatever is cut above.
    fn imported(array: &ArrayRef, offset: usize, len: usize) -> ArrayData {
        let data = array.to_data();
        let nulls = data.nulls().map(|nulls| nulls.buffer().clone());
        assert_eq!(data.offset(), 0);
        // An empty slice at the end of a column without children is as good as any.
        let builder = ArrayData::builder(data.data_type().clone())
            .offset(offset)
            .len(len)
            .buffers(data.buffers().to_vec())
            .child_data(data.child_data().to_vec())
            .null_bit_buffer(nulls);
        builder.build().expect("a slice of sound data")
    }

    fn nested(kind: &[usize], rows: usize) -> ArrayRef {
        let Some((&kind, rest)) = kind.split_first() else {
            let numbers = (0..rows).map(|i| (i % 5 != 3).then_some(i as i64));
            return Arc::new(numbers.collect::<Int64Array>());
        };
        let nulls =
            (kind % 2 == 0).then(|| (0..rows).map(|i| i % 7 != 2).collect::<Vec<_>>().into());
        match kind {
            0 | 1 => {
                let child = nested(rest, rows);
                let text: ArrayRef =
                    Arc::new((0..rows).map(|i| Some(format!("t{i}"))).collect::<StringArray>());
                let fields = Fields::from(vec![
                    Field::new("a", child.data_type().clone(), true),
                    Field::new("t", DataType::Utf8, true),
                ]);
                Arc::new(StructArray::new(fields, vec![child, text], nulls))
            }
            2 | 3 => {
                let child = nested(rest, rows * 2);
                let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
                Arc::new(FixedSizeListArray::new(field, 2, child, nulls))
            }
            4 => {
                let child = nested(rest, rows);
                let kinds = vec![0_i8; rows];
                let fields =
                    UnionFields::try_new([0], [Field::new("u", child.data_type().clone(), true)]);
                let fields = fields.expect("one field");
                let union = UnionArray::try_new(fields, kinds.into(), None, vec![child]);
                Arc::new(union.expect("a union"))
            }
            5 => {
                let child = nested(rest, rows);
                let field = Arc::new(Field::new_list_field(child.data_type().clone(), true));
                let offsets = arrow_buffer::OffsetBuffer::from_lengths(vec![1; rows]);
                Arc::new(arrow_array::ListArray::new(field, offsets, child, nulls))
            }
            6 => {
                let mut lists = ListBuilder::new(Int64Builder::new());
                for i in 0..rows {
                    lists.append_value((0..i % 4).map(|j| Some((i + j) as i64)));
                }
                Arc::new(lists.finish())
            }
            _ => {
                let ends = Int64Array::from_iter_values((0..rows as i64).map(|i| i + 1));
                let child = nested(rest, rows);
                Arc::new(RunArray::try_new(&ends, &child).expect("runs of one"))
            }
        }
    }

    proptest! {
        #[test]
        fn slices_of_nested_columns_have_their_rows(
            kind in prop::collection::vec(0_usize..8, 0..4), rows in 1_usize..40, cut: (usize, usize)
        ) {
            // Runs are not nullable themselves, so nothing above may be cut out of them.
            let runs = kind.iter().position(|&kind| kind == 7);
            let kind = &kind[..runs.map_or(kind.len(), |at| at + 1)];
            let whole = nested(kind, rows);
            let start = cut.0 % rows;
            let len = cut.1 % (rows - start) + 1;
            let found = array_of(imported(&whole, start, len)).expect("sound");
            prop_assert_eq!(&found, &whole.slice(start, len));
            if runs.is_none() {
                let picked: Int64Array = (0..len as i64).rev().collect::<Vec<_>>().into();
                let found = take(&found, &picked, None).expect("rows");
                let wanted = take(&whole.slice(start, len), &picked, None).expect("rows");
                prop_assert_eq!(&found, &wanted);
            }
        }
    }

    #[test]
    fn children_that_are_too_short_are_refused() {
        let child = Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
        let fields = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
        let array: ArrayRef = Arc::new(StructArray::new(fields, vec![child], None));
        let data = array.to_data();
        let short = data.into_builder().offset(2).len(1).build().expect("within the child");
        assert_eq!(array_of(short).expect("one row").len(), 1);
    }
}
