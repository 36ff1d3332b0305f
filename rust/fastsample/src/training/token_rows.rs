//! `TokenRows`: the token ids of rows where they lie, mapped from a file or in memory.

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};

use crate::error::{Error, Result};
use crate::exec::memory;
use crate::gather::Picker;
use crate::tokens::{ANSWERS, INPUT_IDS, LABELS};

/// Rows of token ids, picked by position.
///
/// Invariants: the columns are `input_ids`, and perhaps `labels`: lists of 16-bit or 32-bit ids; or
/// `input_ids` and `answers`, lists of 32-bit bounds.
#[derive(Debug, Clone)]
pub struct TokenRows {
    rows: Picker,
    has_labels: bool,
    has_answers: bool,
}

/// The ids of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenIds<'a> {
    /// Of 16 bits.
    Narrow(&'a [u16]),
    /// Of 32 bits.
    Wide(&'a [u32]),
}

impl TokenIds<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Narrow(ids) => ids.len(),
            Self::Wide(ids) => ids.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes them to `out`, which is as long.
    pub(super) fn copy_to(&self, out: &mut [i64]) {
        match self {
            Self::Narrow(ids) => out.iter_mut().zip(*ids).for_each(|(out, &id)| *out = id.into()),
            Self::Wide(ids) => out.iter_mut().zip(*ids).for_each(|(out, &id)| *out = id.into()),
        }
    }
}

impl TokenRows {
    /// The rows of `batches`, numbered through.
    ///
    /// # Errors
    /// [`Error::Schema`] for other columns than token ids.
    pub fn new(schema: &Schema, batches: Vec<RecordBatch>) -> Result<Self> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let is_list = |kind: &DataType| match kind {
            DataType::List(item) => {
                matches!(item.data_type(), DataType::UInt16 | DataType::UInt32)
            }
            _ => false,
        };
        let are_lists = schema.fields().iter().all(|field| is_list(field.data_type()));
        let has_labels = names == [INPUT_IDS, LABELS];
        let has_answers = names == [INPUT_IDS, ANSWERS];
        if !are_lists || !(has_labels || has_answers || names == [INPUT_IDS]) {
            return Err(Error::Schema(format!(
                "these are no rows of token ids: the columns are {}; Sample.cache(tokenizer=...) \
                 writes such rows",
                names.join(", ")
            )));
        }
        Ok(Self { rows: Picker::new(batches.into()), has_labels, has_answers })
    }

    /// Rows in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there is a second sequence.
    #[must_use]
    pub fn has_labels(&self) -> bool {
        self.has_labels
    }

    /// Whether it is known which tokens are of answers, and only those are learned.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.has_answers
    }

    /// Where runs of tokens of answers begin and end, of a row of which only those are learned.
    ///
    /// # Errors
    /// As [`TokenRows::ids`].
    pub(super) fn answers(&self, position: usize) -> Result<Option<&[u32]>> {
        if !self.has_answers {
            return Ok(None);
        }
        let length = self.ids(0, position)?.len();
        let TokenIds::Wide(bounds) = self.ids(1, position)? else { return Err(damaged()) };
        let is_sound = bounds.len().is_multiple_of(2)
            && bounds.is_sorted()
            && bounds.last().is_none_or(|&end| end as usize <= length);
        if is_sound { Ok(Some(bounds)) } else { Err(damaged()) }
    }

    /// The tokens of each row in one of its sequences, from the offsets alone.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Invalid`] for offsets that are damaged.
    pub fn lengths(&self, sequence: usize) -> Result<Vec<u32>> {
        memory::require_rows::<u32>(self.len() as u64, "the lengths")?;
        let mut lengths = Vec::with_capacity(self.len());
        for batch in self.rows.batches() {
            let offsets = batch.column(sequence).as_list::<i32>().value_offsets();
            for pair in offsets.windows(2) {
                let length = pair[1].checked_sub(pair[0]);
                lengths.push(length.and_then(|l| u32::try_from(l).ok()).ok_or_else(damaged)?);
            }
        }
        Ok(lengths)
    }

    /// The ids of a row in one of its sequences, where they lie.
    ///
    /// # Errors
    /// [`Error::Argument`] for a position that does not exist; [`Error::Invalid`] for offsets that are
    /// damaged: the rows may be mapped from a file that anyone can have written.
    pub fn ids(&self, sequence: usize, position: usize) -> Result<TokenIds<'_>> {
        let (batch, row) = self.rows.place(position)?;
        let lists = self.rows.batches()[batch].column(sequence).as_list::<i32>();
        let offset =
            |row: usize| usize::try_from(lists.value_offsets()[row]).map_err(|_| damaged());
        let range = offset(row)?..offset(row + 1)?;
        let values = lists.values();
        let ids = match values.data_type() {
            DataType::UInt16 => {
                values.as_primitive::<UInt16Type>().values().get(range).map(TokenIds::Narrow)
            }
            _ => values.as_primitive::<UInt32Type>().values().get(range).map(TokenIds::Wide),
        };
        ids.ok_or_else(damaged)
    }
}

fn damaged() -> Error {
    Error::Invalid("damaged offsets of token ids; remove the file and cache the rows again".into())
}
