//! `Measure`: tokens of rows, of their texts one by one or of their chats as a template renders them.

use std::ops::Range;
use std::path::PathBuf;

use arrow_array::RecordBatch;

use super::Tokenizer;
use super::chats::Chats;
use crate::chat::{RenderedChat, STACK_BYTES};
use crate::columns::text_columns;
use crate::error::{Error, Result};
use crate::exec::threads::spawn_within;
use crate::exec::{Context, map, memory, panicked};
use crate::gather::Gather;
use crate::select::Selection;
use crate::source::Source;
use crate::text::{TextColumns, Turn};

/// Rows counted by one task: some milliseconds of work.
const ROWS_PER_TASK: usize = 64;

/// Ordinals looked at together for the row of an error.
const ORDINALS: u64 = 1 << 20;

/// Rows that can be measured.
#[derive(Debug, Clone)]
pub struct Measure {
    source: Source,
    pub(super) tokenizer: Tokenizer,
    pub(super) counted: Counted,
}

/// What of a row is counted.
#[derive(Debug, Clone)]
pub(super) enum Counted {
    /// Each text by itself.
    Texts(TextColumns),
    /// Chats, each rendered into one text.
    Chats(Chats),
}

/// Says that a chat is counted text by text where the tokenizer has a chat template for it.
#[must_use]
pub fn one_by_one(source: &Source, text: &TextColumns, tokenizer: &Tokenizer) -> Option<String> {
    let fields = text.roots().iter().map(|&root| source.schema().field(root));
    let chat = fields.into_iter().find(|field| Turn::of(field).is_some());
    let name = chat.filter(|_| tokenizer.has_chat_template())?.name();
    Some(format!(
        "tokens of {name} are those of its texts, one by one; chat_template=True \
         (--chat-template) counts what the tokenizer's chat template makes of each chat"
    ))
}

impl Measure {
    /// Measures the text columns named, or those of the default, each text by itself; a row has the
    /// tokens of all. A null is the empty text. A tokenizer with its chat template measures chats
    /// instead: those named, or all there are.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that is not there, holds no text, or is no chat.
    pub fn new(
        ctx: &Context,
        source: Source,
        text: Option<&[String]>,
        tokenizer: Tokenizer,
    ) -> Result<Self> {
        let counted = match tokenizer.template() {
            Some(template) => Counted::Chats(Chats::new(&source, text, template.clone())?),
            None => Counted::Texts(text_columns(ctx, &source, text, "count tokens of")?),
        };
        Ok(Self { source, tokenizer, counted })
    }

    /// The same chats, which are asked where their answers lie.
    pub(super) fn answered(self) -> Result<Self> {
        match self.counted {
            Counted::Chats(chats) => Ok(Self { counted: Counted::Chats(chats.answered()), ..self }),
            Counted::Texts(_) => {
                Err(Error::Argument("only chats have answers; pass chat_template".into()))
            }
        }
    }

    /// The rows.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The text that is measured.
    #[must_use]
    pub fn text(&self) -> &TextColumns {
        match &self.counted {
            Counted::Texts(text) => text,
            Counted::Chats(chats) => chats.text(),
        }
    }

    /// What was chosen for the user, a sentence each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        match &self.counted {
            Counted::Chats(chats) => chats.notes(&self.source),
            Counted::Texts(text) => {
                one_by_one(&self.source, text, &self.tokenizer).into_iter().collect()
            }
        }
    }

    /// The files of the tokenizer, which no output may replace.
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        self.tokenizer.inputs()
    }

    /// Tokens of each of the rows selected, in their order.
    ///
    /// # Errors
    /// As [`Tokenizer::count`]; [`Error::Argument`] for a chat that the template refuses; and
    /// whatever reading fails with.
    pub fn lengths(&self, ctx: &Context, selection: &Selection) -> Result<Vec<u32>> {
        memory::require_rows::<u32>(selection.len(), "the numbers of tokens")?;
        match &self.counted {
            Counted::Texts(text) => self.of_texts(ctx, selection, text),
            Counted::Chats(chats) => self.of_chats(ctx, selection, chats, |texts| {
                sum(texts.iter().map(|chat| self.tokenizer.count_rendered(&chat.text)))
            }),
        }
    }

    /// The rendered chats of each of the rows selected, one after the other.
    ///
    /// # Errors
    /// As [`Measure::lengths`]; [`Error::Argument`] without a chat template.
    pub fn rendered(&self, ctx: &Context, selection: &Selection) -> Result<Vec<String>> {
        match &self.counted {
            Counted::Texts(_) => {
                Err(Error::Argument("texts are rendered with chat_template".into()))
            }
            Counted::Chats(chats) => {
                let text = |texts: Vec<RenderedChat>| texts.into_iter().map(|chat| chat.text);
                self.of_chats(ctx, selection, chats, |texts| Ok(text(texts).collect()))
            }
        }
    }

    fn of_texts(
        &self,
        ctx: &Context,
        selection: &Selection,
        text: &TextColumns,
    ) -> Result<Vec<u32>> {
        let mut lengths = Vec::with_capacity(selection.len() as usize);
        for batch in Gather::start(ctx, &self.source.project_text(text, &[])?, selection) {
            let batch = batch?;
            let texts = text.of(&batch)?;
            lengths.extend(each_row(ctx, batch.num_rows(), |rows| {
                let count = |row| sum(texts.of_row(row).map(|text| self.tokenizer.count(text)));
                rows.map(|row| ctx.check().and_then(|()| count(row))).collect()
            })?);
        }
        Ok(lengths)
    }

    fn of_chats<T: Send>(
        &self,
        ctx: &Context,
        selection: &Selection,
        chats: &Chats,
        each: impl Fn(Vec<RenderedChat>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut found = Vec::with_capacity(selection.len() as usize);
        for batch in Gather::start(ctx, &chats.project(&self.source)?, selection) {
            let before = found.len() as u64;
            found.extend(self.of_batch(ctx, selection, chats, &batch?, before, &each)?);
        }
        Ok(found)
    }

    /// What `each` makes of the rendered chats of a batch, before which there are `before` rows of
    /// the selection.
    pub(super) fn of_batch<T: Send>(
        &self,
        ctx: &Context,
        selection: &Selection,
        chats: &Chats,
        batch: &RecordBatch,
        before: u64,
        each: &(impl Fn(Vec<RenderedChat>) -> Result<T> + Sync),
    ) -> Result<Vec<T>> {
        let render = |row: usize| {
            ctx.check()?;
            let refused = |what: String| self.refused(chats, selection, before + row as u64, &what);
            each(chats.of_row(batch, row).map_err(refused)?)
        };
        let render = |rows: Range<usize>| rows.map(render).collect();
        each_row(ctx, batch.num_rows(), |rows| on_deep_stack(|| render(rows)))
    }

    /// The error of the row of this rank in a selection.
    fn refused(&self, chats: &Chats, selection: &Selection, rank: u64, what: &str) -> Error {
        let (mut ids, mut start, mut left) = (Vec::new(), 0, rank as usize);
        let id = loop {
            ids.clear();
            let end = self.source.rows().min(start + ORDINALS);
            selection.extend_ids(start..end, &mut ids);
            match ids.get(left) {
                Some(id) => break *id,
                None if end == self.source.rows() => break rank,
                None => (start, left) = (end, left - ids.len()),
            }
        };
        Error::Argument(format!(
            "{}: the chat template fails on row {id} (counted from 0), {what}; mend the row or the \
             template, leave such rows out with where, or leave out chat_template",
            chats.template().path().display()
        ))
    }
}

/// What `each` makes of the rows of a batch, in order, on all cores.
pub(super) fn each_row<T: Send>(
    ctx: &Context,
    rows: usize,
    each: impl Fn(Range<usize>) -> Result<Vec<T>> + Sync,
) -> Result<Vec<T>> {
    let tasks = map(ctx, rows.div_ceil(ROWS_PER_TASK), |task| {
        let range = task * ROWS_PER_TASK..rows.min((task + 1) * ROWS_PER_TASK);
        ctx.compute(|| each(range))
    })?;
    Ok(tasks.into_iter().flatten().collect())
}

/// Runs `work` on a thread with a stack that templates need.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = spawn_within(scope, builder, work);
        let thread = thread.map_err(|error| Error::no_thread(&error))?;
        thread.join().map_err(|panic| panicked(&*panic))?
    })
}

pub(super) fn sum(mut counts: impl Iterator<Item = Result<u32>>) -> Result<u32> {
    counts.try_fold(0_u32, |sum, count| Ok(sum.saturating_add(count?)))
}

/// Tokens of every row of a source, in order.
///
/// # Errors
/// As [`Measure::new`] and [`Measure::lengths`].
pub fn lengths(
    ctx: &Context,
    source: &Source,
    text: Option<&[String]>,
    tokenizer: Tokenizer,
) -> Result<Vec<u32>> {
    let all = Selection::All { rows: source.rows() };
    Measure::new(ctx, source.clone(), text, tokenizer)?.lengths(ctx, &all)
}
