//! Dictionary unification: one dictionary a column for a whole IPC file.
//!
//! The file format allows a dictionary to grow from batch to batch, but not to be replaced. Rows
//! from different fragments come with different dictionaries, so keys are translated into one
//! that grows.
//!
//! Parquet has no such limit, but readers that bring a column back as a dictionary need keys that
//! can count the values of the whole file.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, downcast_dictionary_array,
    make_array,
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat;

use crate::error::{Error, Result};

/// The growing dictionaries of a schema's columns, nested ones included.
pub(super) struct Dictionaries {
    /// The columns that have dictionaries in them, by index and name.
    columns: Vec<(usize, String)>,
    /// By column and path of children.
    growing: HashMap<Vec<usize>, Growing>,
}

#[derive(Default)]
struct Growing {
    keys: HashMap<Option<Vec<u8>>, usize>,
    values: Option<ArrayRef>,
}

impl Dictionaries {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self::of(schema, |_| true)
    }

    /// Only the dictionaries whose keys have no more than 16 bits.
    pub(super) fn with_short_keys(schema: &SchemaRef) -> Self {
        Self::of(schema, |key| key.primitive_width().is_some_and(|width| width <= 2))
    }

    fn of(schema: &SchemaRef, wanted: impl Fn(&DataType) -> bool + Copy) -> Self {
        let fields = schema.fields().iter().enumerate();
        let columns = fields
            .filter(|(_, field)| holds_dictionary(field.data_type(), wanted))
            .map(|(index, field)| (index, field.name().clone()))
            .collect();
        Self { columns, growing: HashMap::new() }
    }

    /// The same rows, with keys into the dictionaries of the file.
    pub(super) fn unify(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.columns.is_empty() {
            return Ok(batch.clone());
        }
        let mut columns = batch.columns().to_vec();
        for (index, name) in &self.columns {
            let column = batch.column(*index);
            columns[*index] = unify_array(&mut self.growing, column, &mut vec![*index], name)?;
        }
        RecordBatch::try_new(batch.schema(), columns).map_err(Error::kernel)
    }
}

fn holds_dictionary(kind: &DataType, wanted: impl Fn(&DataType) -> bool + Copy) -> bool {
    match kind {
        DataType::Dictionary(key, _) => wanted(key),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => holds_dictionary(field.data_type(), wanted),
        DataType::Struct(fields) => {
            fields.iter().any(|field| holds_dictionary(field.data_type(), wanted))
        }
        _ => false,
    }
}

fn unify_array(
    growing: &mut HashMap<Vec<usize>, Growing>,
    array: &ArrayRef,
    path: &mut Vec<usize>,
    name: &str,
) -> Result<ArrayRef> {
    if !holds_dictionary(array.data_type(), |_| true) {
        return Ok(array.clone());
    }
    if array.data_type().is_nested() {
        let data = array.to_data();
        let mut children = Vec::new();
        for (child, place) in data.child_data().iter().zip(0..) {
            path.push(place);
            let child = make_array(child.clone());
            children.push(unify_array(growing, &child, path, name)?.to_data());
            path.pop();
        }
        let rebuilt = data.into_builder().child_data(children).build();
        return rebuilt.map(make_array).map_err(Error::kernel);
    }
    let growing = growing.entry(path.clone()).or_default();
    let array: &dyn Array = array.as_ref();
    downcast_dictionary_array!(
        array => growing.translate(array, name),
        _ => Err(Error::Internal("not a dictionary".into()))
    )
}

impl Growing {
    fn translate<K: ArrowDictionaryKeyType>(
        &mut self,
        column: &DictionaryArray<K>,
        name: &str,
    ) -> Result<ArrayRef> {
        let values = column.values();
        let mut fresh = Vec::new();
        let mut translated = Vec::with_capacity(values.len());
        for index in 0..values.len() {
            let next = self.keys.len();
            let key = *self.keys.entry(value_bytes(values, index, name)?).or_insert(next);
            if key == next {
                fresh.push(values.slice(index, 1));
            }
            translated.push(key);
        }
        if !fresh.is_empty() || self.values.is_none() {
            let known = self.values.clone().unwrap_or_else(|| values.slice(0, 0));
            let arrays: Vec<&dyn Array> =
                std::iter::once(&known).chain(&fresh).map(AsRef::as_ref).collect();
            self.values = Some(concat(&arrays).map_err(Error::kernel)?);
        }
        let full = || {
            Error::Schema(format!(
                "column {name:?} has more distinct values than its keys of type {} can count; \
                 cast it to a plain or wider dictionary column first",
                K::DATA_TYPE
            ))
        };
        let keys = (0..column.len())
            .map(|row| match column.key(row) {
                None => Ok(None),
                Some(key) => K::Native::from_usize(translated[key]).map(Some).ok_or_else(full),
            })
            .collect::<Result<PrimitiveArray<K>>>()?;
        let values = self.values.clone().unwrap_or_else(|| values.clone());
        Ok(Arc::new(DictionaryArray::new(keys, values)))
    }
}

/// A value as bytes that identify it within its type; none for null.
fn value_bytes(values: &ArrayRef, index: usize, name: &str) -> Result<Option<Vec<u8>>> {
    if values.is_null(index) {
        return Ok(None);
    }
    Ok(Some(match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(index).as_bytes().to_vec(),
        DataType::LargeUtf8 => values.as_string::<i64>().value(index).as_bytes().to_vec(),
        DataType::Utf8View => values.as_string_view().value(index).as_bytes().to_vec(),
        DataType::Binary => values.as_binary::<i32>().value(index).to_vec(),
        DataType::LargeBinary => values.as_binary::<i64>().value(index).to_vec(),
        kind => match kind.primitive_width() {
            Some(width) => {
                let data = values.to_data();
                let start = (data.offset() + index) * width;
                data.buffers()[0].as_slice()[start..start + width].to_vec()
            }
            None => {
                return Err(Error::Schema(format!(
                    "column {name:?}: a dictionary of {kind} can't be written to Arrow IPC; \
                     write Parquet, or cast the column first"
                )));
            }
        },
    }))
}
