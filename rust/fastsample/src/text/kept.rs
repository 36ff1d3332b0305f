//! Leaf projection: what of a nested column is read for its texts.
//!
//! ```text
//!  messages: list<struct<id, role, content>>     texts: messages[].content
//!  kept:     list<struct<content>>               steps: items, field 2 ─▶ items, field 0
//! ```
//!
//! Lists, their nulls and their numbers of items stay, so texts and hashes of rows do, too. A map
//! stays whole: Parquet has no map without keys.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, GenericListViewArray, OffsetSizeTrait,
    StructArray,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef};

use super::leaf::{Step, items};

/// What is kept of a column, or of what lies in it.
///
/// Invariants: fields are ascending, and at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it.
    Whole,
    /// All items of a list, and this of each.
    Items(Box<Kept>),
    /// Some fields of a struct, by index.
    Fields(Vec<(usize, Kept)>),
}

impl Kept {
    /// What some paths lead to.
    pub(super) fn of(paths: &[&[Step]]) -> Self {
        let rest: Option<Vec<(Step, &[Step])>> = paths
            .iter()
            .map(|path| path.split_first().map(|(first, rest)| (*first, rest)))
            .collect();
        let Some(rest) = rest else { return Self::Whole };
        let behind = |step: Step| -> Vec<&[Step]> {
            rest.iter().filter(|(first, _)| *first == step).map(|(_, rest)| *rest).collect()
        };
        let mut fields = Vec::new();
        for (first, _) in &rest {
            match first {
                Step::Entries => return Self::Whole,
                Step::Items => {
                    return match Self::of(&behind(Step::Items)) {
                        Self::Whole => Self::Whole,
                        kept => Self::Items(Box::new(kept)),
                    };
                }
                Step::Field(index) => fields.push(*index),
            }
        }
        fields.sort_unstable();
        fields.dedup();
        let kept = |index: usize| (index, Self::of(&behind(Step::Field(index))));
        Self::Fields(fields.into_iter().map(kept).collect())
    }

    /// A path, within what is kept.
    pub(super) fn steps(&self, path: &[Step]) -> Vec<Step> {
        let (mut kept, mut steps) = (self, Vec::with_capacity(path.len()));
        for step in path {
            match (kept, step) {
                (Self::Items(item), _) => {
                    steps.push(*step);
                    kept = item;
                }
                (Self::Fields(fields), Step::Field(index)) => {
                    let place = fields.iter().position(|(field, _)| field == index).unwrap_or(0);
                    steps.push(Step::Field(place));
                    kept = &fields[place].1;
                }
                (Self::Whole | Self::Fields(_), _) => steps.push(*step),
            }
        }
        steps
    }

    /// The type of what is kept.
    pub(crate) fn data_type(&self, kind: &DataType) -> DataType {
        match (self, kind) {
            (Self::Items(kept), DataType::List(item)) => DataType::List(kept.field(item)),
            (Self::Items(kept), DataType::LargeList(item)) => DataType::LargeList(kept.field(item)),
            (Self::Items(kept), DataType::ListView(item)) => DataType::ListView(kept.field(item)),
            (Self::Items(kept), DataType::LargeListView(item)) => {
                DataType::LargeListView(kept.field(item))
            }
            (Self::Items(kept), DataType::FixedSizeList(item, size)) => {
                DataType::FixedSizeList(kept.field(item), *size)
            }
            (Self::Fields(kept), DataType::Struct(fields)) => {
                let kept =
                    kept.iter().filter_map(|(index, kept)| Some((fields.get(*index)?, kept)));
                DataType::Struct(kept.map(|(field, kept)| kept.field(field)).collect())
            }
            // Nulls without a type, or all of it.
            _ => kind.clone(),
        }
    }

    /// A field with the type of what is kept. It may be null: what is declared is not always so.
    fn field(&self, field: &Field) -> FieldRef {
        let kind = self.data_type(field.data_type());
        Arc::new(field.clone().with_data_type(kind).with_nullable(true))
    }

    /// What is kept of an array. No value is copied.
    pub(crate) fn array(&self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        Ok(match (self, array.data_type()) {
            (Self::Items(kept), DataType::List(_)) => Arc::new(kept.list(array.as_list::<i32>())?),
            (Self::Items(kept), DataType::LargeList(_)) => {
                Arc::new(kept.list(array.as_list::<i64>())?)
            }
            (Self::Items(kept), DataType::ListView(_)) => {
                Arc::new(kept.view(array.as_list_view::<i32>())?)
            }
            (Self::Items(kept), DataType::LargeListView(_)) => {
                Arc::new(kept.view(array.as_list_view::<i64>())?)
            }
            (Self::Items(kept), DataType::FixedSizeList(item, size)) => {
                let list = array.as_fixed_size_list();
                let (values, nulls) = (kept.array(list.values())?, list.nulls().cloned());
                Arc::new(FixedSizeListArray::try_new(kept.field(item), *size, values, nulls)?)
            }
            (Self::Fields(kept), DataType::Struct(fields)) => {
                let array = array.as_struct();
                let found = kept.iter().filter(|(index, _)| *index < fields.len());
                let (fields, columns): (Vec<FieldRef>, Vec<ArrayRef>) = found
                    .map(|(index, kept)| {
                        let column = kept.array(array.column(*index))?;
                        Ok((kept.field(&fields[*index]), column))
                    })
                    .collect::<Result<Vec<_>, ArrowError>>()?
                    .into_iter()
                    .unzip();
                let (rows, nulls) = (array.len(), array.nulls().cloned());
                Arc::new(StructArray::try_new_with_length(fields.into(), columns, nulls, rows)?)
            }
            _ => array.clone(),
        })
    }

    fn list<O: OffsetSizeTrait>(
        &self,
        list: &GenericListArray<O>,
    ) -> Result<GenericListArray<O>, ArrowError> {
        let values = self.array(list.values())?;
        let item = Field::new_list_field(values.data_type().clone(), true);
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        GenericListArray::try_new(Arc::new(item), offsets, values, nulls)
    }

    fn view<O: OffsetSizeTrait>(
        &self,
        list: &GenericListViewArray<O>,
    ) -> Result<GenericListViewArray<O>, ArrowError> {
        let values = self.array(list.values())?;
        let item = Field::new_list_field(values.data_type().clone(), true);
        let (offsets, sizes) = (list.offsets().clone(), list.sizes().clone());
        GenericListViewArray::try_new(Arc::new(item), offsets, sizes, values, list.nulls().cloned())
    }

    /// Whether each leaf of a type is kept, from the first to the last: of every type, not only
    /// strings.
    pub(crate) fn leaves(&self, kind: &DataType) -> Vec<bool> {
        let mut leaves = Vec::new();
        mark(Some(self), kind, &mut leaves);
        leaves
    }
}

fn mark(kept: Option<&Kept>, kind: &DataType, leaves: &mut Vec<bool>) {
    if let Some(item) = items(kind) {
        let kept = kept.map(|kept| if let Kept::Items(item) = kept { item } else { kept });
        mark(kept, item.data_type(), leaves);
    } else if let DataType::Struct(fields) = kind {
        for (index, field) in fields.iter().enumerate() {
            let kept = kept.and_then(|kept| match kept {
                Kept::Fields(fields) => {
                    fields.iter().find(|(field, _)| *field == index).map(|(_, kept)| kept)
                }
                whole => Some(whole),
            });
            mark(kept, field.data_type(), leaves);
        }
    } else {
        leaves.push(kept.is_some());
    }
}
