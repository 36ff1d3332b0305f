//! Columns of texts of JSON on the way: strings, and lists and structs of them.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, FieldRef, Fields};

use crate::error::{Error, Result};

/// Bytes of texts for which room is made before they come.
const ROOM: usize = 4 << 20;

/// The values of a column.
#[derive(Debug)]
pub(super) enum JsonValues {
    Texts(StringBuilder),
    Objects(JsonObjects),
    Lists(Box<JsonLists>),
}

/// Objects, the lines themselves among them.
#[derive(Debug)]
pub(super) struct JsonObjects {
    fields: Fields,
    pub(super) columns: Vec<JsonValues>,
    /// The places of the fields, by name.
    sorted: Vec<usize>,
    pub(super) nulls: NullBufferBuilder,
    pub(super) len: usize,
}

#[derive(Debug)]
pub(super) struct JsonLists {
    item: FieldRef,
    pub(super) items: JsonValues,
    /// Where the items of each list begin, and where those of the last one end.
    pub(super) offsets: Vec<i32>,
    pub(super) nulls: NullBufferBuilder,
}

impl JsonValues {
    fn new(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Utf8 => Self::Texts(StringBuilder::new()),
            DataType::Struct(fields) => Self::Objects(JsonObjects::new(fields)?),
            DataType::List(item) => {
                let items = Self::new(item.data_type())?;
                let (item, nulls) = (item.clone(), NullBufferBuilder::new(0));
                Self::Lists(Box::new(JsonLists { item, items, offsets: vec![0], nulls }))
            }
            _ => return None,
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Objects(structs) => structs.len,
            Self::Lists(lists) => lists.offsets.len() - 1,
        }
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Self::Texts(texts) => texts.append_null(),
            Self::Objects(structs) => {
                structs.columns.iter_mut().for_each(Self::append_null);
                structs.nulls.append_null();
                structs.len += 1;
            }
            Self::Lists(lists) => {
                lists.offsets.extend(lists.offsets.last().copied());
                lists.nulls.append_null();
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Texts(texts) => {
                let found = texts.finish();
                // The next batch is about as large, unless it had one long line.
                let room = found.value_data().len().min(ROOM);
                *texts = StringBuilder::with_capacity(found.len(), room);
                Arc::new(found)
            }
            Self::Objects(objects) => {
                let len = objects.len;
                let (columns, nulls) = (objects.finish_columns()?, objects.nulls.finish());
                let fields = objects.fields.clone();
                let found = StructArray::try_new_with_length(fields, columns, nulls, len);
                Arc::new(found.map_err(Error::kernel)?)
            }
            Self::Lists(lists) => {
                let offsets = std::mem::replace(&mut lists.offsets, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let (items, nulls) = (lists.items.finish()?, lists.nulls.finish());
                let found = ListArray::try_new(lists.item.clone(), offsets, items, nulls);
                Arc::new(found.map_err(Error::kernel)?)
            }
        })
    }
}

impl JsonObjects {
    pub(super) fn new(fields: &Fields) -> Option<Self> {
        let columns = fields.iter().map(|field| JsonValues::new(field.data_type()));
        let columns = columns.collect::<Option<Vec<_>>>()?;
        let mut sorted: Vec<usize> = (0..fields.len()).collect();
        sorted.sort_unstable_by_key(|&place| fields[place].name());
        Some(Self {
            fields: fields.clone(),
            columns,
            sorted,
            nulls: NullBufferBuilder::new(0),
            len: 0,
        })
    }

    /// The columns, which are empty from now on.
    pub(super) fn finish_columns(&mut self) -> Result<Vec<ArrayRef>> {
        self.len = 0;
        self.columns.iter_mut().map(JsonValues::finish).collect()
    }

    /// The place of a field, which most likely is `guess`.
    pub(super) fn place(&self, name: &[u8], guess: usize) -> Option<usize> {
        let of = |place: usize| self.fields[place].name().as_bytes();
        if guess < self.fields.len() && of(guess) == name {
            return Some(guess);
        }
        let found = self.sorted.binary_search_by(|&place| of(place).cmp(name)).ok()?;
        Some(self.sorted[found])
    }
}
