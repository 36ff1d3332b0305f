//! An array of the C data interface, held against the type that its schema gives it.

use arrow_array::ffi::FFI_ArrowArray;
use arrow_data::layout;
use arrow_schema::DataType;

use super::schema::MAX_DEPTH;

/// Fails for an array whose shape is not that of its type: as many buffers and children.
pub(super) fn check_array(
    array: &mut FFI_ArrowArray,
    kind: &DataType,
    name: &str,
    depth: usize,
) -> Result<(), String> {
    let other = |what: &str| {
        Err(format!(
            "{name} does not have the schema of its stream: {what}; cast the batches first"
        ))
    };
    if depth > MAX_DEPTH {
        return other("it is nested deeper");
    }
    if array.length < 0 || array.offset < 0 || array.length.checked_add(array.offset).is_none() {
        return other("it has less than no rows");
    }
    // Polars gives columns of nulls a buffer, which is not there.
    if *kind == DataType::Null && array.n_buffers == 1 && !array.buffers.is_null() {
        // SAFETY: there is one pointer, as the producer says.
        if unsafe { array.buffers.read() }.is_null() {
            array.n_buffers = 0;
        }
    }
    let shape = layout(kind);
    let buffers = (shape.buffers.len() + usize::from(shape.can_contain_null_mask)) as i64;
    // Views have any number of buffers, and one with their lengths.
    let fits = if shape.variadic { array.n_buffers > buffers } else { array.n_buffers == buffers };
    if !fits || (array.n_buffers > 0 && array.buffers.is_null()) {
        return other(&format!("{} buffers for {kind}", array.n_buffers));
    }
    let children: Vec<(&str, &DataType)> = match kind {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![(name, field.data_type())],
        DataType::Struct(fields) => {
            fields.iter().map(|field| (field.name().as_str(), field.data_type())).collect()
        }
        DataType::Union(fields, _) => {
            fields.iter().map(|(_, field)| (field.name().as_str(), field.data_type())).collect()
        }
        DataType::RunEndEncoded(ends, values) => {
            vec![(name, ends.data_type()), (name, values.data_type())]
        }
        _ => Vec::new(),
    };
    if array.n_children != children.len() as i64
        || (array.n_children > 0 && array.children.is_null())
    {
        return other(&format!("{} columns instead of {}", array.n_children, children.len()));
    }
    for (index, (child, kind)) in children.into_iter().enumerate() {
        // SAFETY: a producer hands out as many pointers as it says, each to an array of its own.
        let Some(array) = (unsafe { array.children.add(index).read().as_mut() }) else {
            return other(&format!("column {child:?} is not there"));
        };
        check_array(array, kind, &format!("column {child:?}"), depth + 1)?;
    }
    match kind {
        DataType::Dictionary(_, values) => {
            // SAFETY: a producer hands out an array, or none.
            match unsafe { array.dictionary.as_mut() } {
                Some(dictionary) => check_array(dictionary, values, name, depth + 1),
                None => other("it has no dictionary"),
            }
        }
        _ if !array.dictionary.is_null() => other("it has a dictionary"),
        _ => Ok(()),
    }
}
