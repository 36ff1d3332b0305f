//! One dictionary a column for a whole IPC file.
//!
//! The file format allows a dictionary to grow from batch to batch, but not to be replaced. Rows
//! from different fragments come with different dictionaries, so keys are translated into one
//! that grows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, downcast_dictionary_array,
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat;

use crate::error::{Error, Result};

/// The growing dictionaries of a schema's columns.
pub(super) struct Dictionaries {
    columns: Vec<(usize, String, Growing)>,
}

#[derive(Default)]
struct Growing {
    keys: HashMap<Option<Vec<u8>>, usize>,
    values: Option<ArrayRef>,
}

impl Dictionaries {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let fields = schema.fields().iter().enumerate();
        let columns = fields
            .filter(|(_, field)| matches!(field.data_type(), DataType::Dictionary(..)))
            .map(|(index, field)| (index, field.name().clone(), Growing::default()))
            .collect();
        Self { columns }
    }

    /// The same rows, with keys into the dictionaries of the file.
    pub(super) fn unify(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        for (index, name, growing) in &mut self.columns {
            let column: &dyn Array = batch.column(*index).as_ref();
            columns[*index] = downcast_dictionary_array!(
                column => growing.translate(column, name)?,
                _ => continue
            );
        }
        RecordBatch::try_new(batch.schema(), columns).map_err(Error::kernel)
    }
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
