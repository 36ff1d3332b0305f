//! `Sequences`: the ids of the tokens of rows, as columns of lists.
//!
//! ```text
//!  one text column, or one chat    ─▶ input_ids
//!  a prompt and a response         ─▶ input_ids, labels    each a sequence of its own
//! ```
//!
//! Where only answers of a chat are learned, `answers` has for each row where runs of their tokens begin and
//! end.
//!
//! Ids have 16 bits if all of the tokenizer fit, else 32. Where sequences are cut, each has one more column: the
//! tokens of each row that were cut off, as `input_ids_cut`. What the ids are is written in the metadata of
//! the schema, so that whoever opens them later needs no tokenizer.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, RecordBatch, UInt16Array, UInt32Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::json;

use super::measure::{Counted, each_row};
use super::tokenizer::{Bare, CutIds};
use super::{Measure, Tokenizer};
use crate::chat::RenderedChat;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::gather::Gather;
use crate::select::Selection;
use crate::text::TextColumns;

/// The sequence that a model reads.
pub const INPUT_IDS: &str = "input_ids";

/// The sequence that a model of two sequences learns to write.
pub const LABELS: &str = "labels";

/// Where runs of tokens of answers begin and end, one after the other.
pub const ANSWERS: &str = "answers";

/// The key of the schema's metadata under which is said what the ids are.
pub const SEQUENCES_KEY: &str = "fastsample.tokens";

/// What the name of a column of tokens that were cut off ends in.
const CUT: &str = "_cut";

/// Version of the layout, and that of files with answers.
const LAYOUT: u32 = 2;
const LAYOUT_ANSWERS: u32 = 3;

/// Ids that 32-bit offsets can hold in a batch.
const MOST_IDS: usize = i32::MAX as usize;

/// The token ids of the rows of a source: a sequence of one column, or of each of two.
#[derive(Debug)]
pub struct Sequences {
    rows: Measure,
    /// For each sequence the place of its leaf; of a chat the only one.
    leaves: Vec<usize>,
    is_narrow: bool,
    is_cut: bool,
    /// What finds the tokens of answers, if only those are learned.
    bare: Option<Bare>,
    schema: SchemaRef,
}

impl Sequences {
    /// The sequences of the text that `rows` measures: `is_chosen` says that somebody named its columns in
    /// the order of the sequences.
    ///
    /// # Errors
    /// [`Error::Column`] for text that is no sequence, or more than two; as [`Tokenizer::pad_token`].
    pub fn new(rows: Measure, is_chosen: bool, max_tokens: Option<u32>) -> Result<Self> {
        Self::made(rows, is_chosen, max_tokens, None)
    }

    /// The sequence of a chat, of which only the answers are learned.
    ///
    /// # Errors
    /// As [`Sequences::new`]; [`Error::Argument`] for text that is no chat.
    pub fn of_answers(rows: Measure, max_tokens: Option<u32>) -> Result<Self> {
        let bare = Some(rows.tokenizer.bare());
        Self::made(rows.answered()?, false, max_tokens, bare)
    }

    fn made(
        rows: Measure,
        is_chosen: bool,
        max_tokens: Option<u32>,
        bare: Option<Bare>,
    ) -> Result<Self> {
        let (leaves, names) = match &rows.counted {
            Counted::Chats(chats) => (vec![0], only_chat(chats.names())?),
            Counted::Texts(text) => {
                let leaves = leaves_of(text, is_chosen)?;
                let paths = text.paths();
                let names = leaves.iter().map(|&leaf| paths[leaf].clone()).collect();
                (leaves, names)
            }
        };
        let is_narrow = rows.tokenizer.is_narrow();
        let schema = schema(&rows.tokenizer, &names, is_narrow, max_tokens, bare.is_some())?;
        Ok(Self { rows, leaves, is_narrow, is_cut: max_tokens.is_some(), bare, schema })
    }

    /// What is measured.
    #[must_use]
    pub fn measure(&self) -> &Measure {
        &self.rows
    }

    /// The columns: a list of ids for each sequence; behind them the tokens cut off, if any may be.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The ids of all rows, in their order, in batches: tokenized on all cores, in bounded memory.
    ///
    /// # Errors
    /// When reading cannot begin. The batches fail as [`Measure::lengths`].
    pub fn batches<'a>(
        &'a self,
        ctx: &'a Context,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
        let source = self.rows.source();
        let all = Selection::All { rows: source.rows() };
        let read = match &self.rows.counted {
            Counted::Texts(text) => source.project_text(text, &[])?,
            Counted::Chats(chats) => chats.project(source)?,
        };
        let mut before = 0;
        Ok(Gather::start(ctx, &read, &all).map(move |batch| {
            let batch = batch?;
            let columns = self.columns(ctx, &all, &batch, before)?;
            before += batch.num_rows() as u64;
            RecordBatch::try_new(self.schema.clone(), columns).map_err(Error::kernel)
        }))
    }

    fn columns(
        &self,
        ctx: &Context,
        all: &Selection,
        batch: &RecordBatch,
        before: u64,
    ) -> Result<Vec<ArrayRef>> {
        let tokenizer = &self.rows.tokenizer;
        match &self.rows.counted {
            Counted::Chats(chats) => {
                let ids = |texts: Vec<RenderedChat>| match (texts.first(), &self.bare) {
                    (Some(chat), Some(bare)) => tokenizer.ids_answered(chat, bare),
                    (Some(chat), None) => tokenizer.ids_rendered(&chat.text),
                    (None, _) => Ok(CutIds::default()),
                };
                let ids = self.rows.of_batch(ctx, all, chats, batch, before, &ids)?;
                self.arrays(&[ids], before)
            }
            Counted::Texts(text) => {
                let texts = text.of(batch)?;
                let sequence = |&leaf: &usize| {
                    let ids = |row| {
                        ctx.check()?;
                        tokenizer.ids(texts.of_leaf(leaf, row).next().unwrap_or_default())
                    };
                    each_row(ctx, batch.num_rows(), |rows| rows.map(ids).collect())
                };
                let sequences = self.leaves.iter().map(sequence).collect::<Result<Vec<_>>>()?;
                self.arrays(&sequences, before)
            }
        }
    }

    /// The columns of the schema for some rows: of each sequence those of its texts.
    fn arrays(&self, sequences: &[Vec<CutIds>], before: u64) -> Result<Vec<ArrayRef>> {
        let lists = sequences.iter().map(|rows| self.lists(rows, before));
        let mut arrays = lists.collect::<Result<Vec<_>>>()?;
        if self.bare.is_some() {
            let answers = sequences.iter().map(|rows| answers(rows));
            arrays.extend(answers.collect::<Result<Vec<_>>>()?);
        }
        if self.is_cut {
            let cut = |rows: &Vec<CutIds>| -> ArrayRef {
                Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.cut)))
            };
            arrays.extend(sequences.iter().map(cut));
        }
        Ok(arrays)
    }

    /// A list of ids for each row.
    fn lists(&self, rows: &[CutIds], before: u64) -> Result<ArrayRef> {
        if rows.iter().map(|row| row.ids.len()).sum::<usize>() > MOST_IDS {
            return Err(Error::Argument(format!(
                "rows {before} to {} (counted from 0) have more than {MOST_IDS} tokens together; cut \
                 them with max_tokens",
                before + rows.len() as u64 - 1
            )));
        }
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.ids.len()));
        let ids = rows.iter().flat_map(|row| &row.ids).copied();
        let values: ArrayRef = if self.is_narrow {
            let ids: Option<Vec<u16>> = ids.map(|id| u16::try_from(id).ok()).collect();
            let beyond = || {
                Error::corrupt(
                    self.rows.tokenizer.path(),
                    "it gives an id that is not in its vocabulary; save it again with \
                     tokenizer.save_pretrained(folder)",
                )
            };
            Arc::new(UInt16Array::new(ScalarBuffer::from(ids.ok_or_else(beyond)?), None))
        } else {
            Arc::new(UInt32Array::new(ids.collect(), None))
        };
        let item = item(self.is_narrow);
        Ok(Arc::new(ListArray::try_new(item, offsets, values, None).map_err(Error::kernel)?))
    }
}

/// For each row where runs of tokens of answers begin and end.
fn answers(rows: &[CutIds]) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.answers.len()));
    let bounds = UInt32Array::from_iter_values(rows.iter().flat_map(|row| &row.answers).copied());
    let lists = ListArray::try_new(item(false), offsets, Arc::new(bounds), None);
    Ok(Arc::new(lists.map_err(Error::kernel)?))
}

/// The name of the only chat of a row.
fn only_chat<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>> {
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.len() == 1 {
        return Ok(names);
    }
    Err(Error::Column(format!(
        "the chats {} are several sequences of a row; name one: text_columns=[{:?}]",
        names.join(", "),
        names[0]
    )))
}

/// The leaf of each sequence.
fn leaves_of(text: &TextColumns, is_chosen: bool) -> Result<Vec<usize>> {
    if let Some(leaf) = text.leaves().iter().find(|leaf| leaf.is_repeated()) {
        return Err(Error::Column(format!(
            "text column {} holds several texts a row, which are no sequence; chat_template=True \
             makes one of a chat, or name columns with one text a row: text_columns=[...]",
            leaf.path()
        )));
    }
    match text.len() {
        1 => Ok(vec![0]),
        2 if is_chosen => Ok(vec![0, 1]),
        2 if let Some(order) = text.prompt_and_response() => Ok(order.to_vec()),
        _ => Err(Error::Column(format!(
            "the text columns {} are not one sequence, nor a prompt and a response; name the column \
             to read, and the one to write if there is one: text_columns=[\"prompt\", \"response\"]",
            text.paths().join(", ")
        ))),
    }
}

fn item(is_narrow: bool) -> Arc<Field> {
    let kind = if is_narrow { DataType::UInt16 } else { DataType::UInt32 };
    Arc::new(Field::new_list_field(kind, false))
}

/// The columns of `names`, and what they are.
fn schema(
    tokenizer: &Tokenizer,
    names: &[String],
    is_narrow: bool,
    max_tokens: Option<u32>,
    is_answered: bool,
) -> Result<SchemaRef> {
    let list = |(name, _): (&str, _)| Field::new(name, DataType::List(item(is_narrow)), false);
    let sequences = [INPUT_IDS, LABELS].into_iter().zip(names);
    let mut fields: Vec<Field> = sequences.clone().map(list).collect();
    if is_answered {
        fields.push(Field::new(ANSWERS, DataType::List(item(false)), false));
    }
    if max_tokens.is_some() {
        let cut = |(name, _)| Field::new(format!("{name}{CUT}"), DataType::UInt32, false);
        fields.extend(sequences.clone().map(cut));
    }
    let pad = tokenizer.pad_token()?;
    let told = json!({
        "layout": if is_answered { LAYOUT_ANSWERS } else { LAYOUT },
        "columns": sequences.collect::<std::collections::BTreeMap<_, _>>(),
        "tokenizer": tokenizer.path().display().to_string(),
        "max_tokens": max_tokens,
        "special_tokens": tokenizer.has_special(),
        "chat_template": tokenizer.template().is_some(),
        "pad_id": pad.id,
        "padding_side": if pad.is_left { "left" } else { "right" },
    });
    let told = [(SEQUENCES_KEY.to_owned(), told.to_string())].into();
    Ok(Arc::new(Schema::new_with_metadata(fields, told)))
}
