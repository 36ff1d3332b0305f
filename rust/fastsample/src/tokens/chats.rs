//! The chats of rows, rendered by the chat template of a tokenizer.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::chat::{ChatTemplate, JinjaValue, RenderedChat, TOOLS, may_hold_tools, messages, tools};
use crate::columns::named_columns;
use crate::error::{Error, Result};
use crate::source::{Projected, Source};
use crate::text::{TextColumns, Turn};

/// Chat columns of a source, and a template.
///
/// Invariants: at least one column; the turns are those of the roots of `text`, in their order.
#[derive(Debug, Clone)]
pub(super) struct Chats {
    text: TextColumns,
    turns: Vec<(String, Turn)>,
    /// The column of functions, if there is one and the template shows them.
    tools: Option<usize>,
    template: Arc<ChatTemplate>,
    /// Whether it is asked where the answers lie.
    is_answered: bool,
}

impl Chats {
    /// The columns that are named, which have to be chats, or all that are.
    pub(super) fn new(
        source: &Source,
        named: Option<&[String]>,
        template: Arc<ChatTemplate>,
    ) -> Result<Self> {
        let schema = source.schema();
        let text = if let Some(names) = named {
            named_columns(source, names)?
        } else {
            let chats = schema.fields().iter().filter(|field| Turn::of(field).is_some());
            let all: Vec<String> = chats.map(|field| field.name().clone()).collect();
            if all.is_empty() {
                let fields = schema.fields().iter();
                let fields =
                    fields.map(|field| format!("{} ({})", field.name(), field.data_type()));
                return Err(Error::Column(format!(
                    "there is no chat for the chat template: no column is a list of structs with \
                     a role and a content; the columns are {}; leave out chat_template to count \
                     texts one by one",
                    fields.collect::<Vec<_>>().join(", ")
                )));
            }
            named_columns(source, &all)?
        };
        let turn = |&root: &usize| {
            let field = schema.field(root);
            let turn = Turn::of(field).ok_or_else(|| {
                Error::Column(format!(
                    "text column {:?} is no chat for the chat template, but {}; name lists of \
                     structs with a role and a content, or leave out chat_template",
                    field.name(),
                    field.data_type()
                ))
            })?;
            Ok((field.name().clone(), turn))
        };
        let turns = text.roots().iter().map(turn).collect::<Result<_>>()?;
        let tools = schema.index_of(TOOLS).ok().filter(|_| template.has_tools());
        Ok(Self { text, turns, tools, template, is_answered: false })
    }

    /// The same chats, which are asked where their answers lie.
    pub(super) fn answered(self) -> Self {
        Self { is_answered: true, ..self }
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().map(|(name, _)| name.as_str())
    }

    /// The texts of the chats.
    pub(super) fn text(&self) -> &TextColumns {
        &self.text
    }

    pub(super) fn template(&self) -> &ChatTemplate {
        &self.template
    }

    /// What is read: the chat columns, whole, and functions behind them.
    pub(super) fn project(&self, source: &Source) -> Result<Projected> {
        let tools = self.tools_in(source);
        source.project(&self.text.roots().iter().copied().chain(tools).collect::<Vec<_>>())
    }

    /// The column of functions, if it may hold some.
    fn tools_in(&self, source: &Source) -> Option<usize> {
        self.tools.filter(|&index| may_hold_tools(source.schema().field(index)))
    }

    /// The rendered chats of a row. A chat that is null, or has no message, has no text.
    ///
    /// # Errors
    /// The column, and what is wrong with it.
    pub(super) fn of_row(
        &self,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<Vec<RenderedChat>, String> {
        let mut texts = Vec::with_capacity(self.turns.len());
        let functions = match batch.columns().get(self.turns.len()) {
            Some(column) => {
                tools(column, row).map_err(|fail| format!("column {TOOLS:?}: {fail}"))?
            }
            None => JinjaValue::None,
        };
        for ((name, turn), column) in self.turns.iter().zip(batch.columns()) {
            let of_column = |fail| format!("column {name:?}: {fail}");
            if let Some(messages) = messages(column, turn, row).map_err(of_column)? {
                let rendered = if self.is_answered {
                    self.template.render_answers(&messages, &functions)
                } else {
                    let text = self.template.render(messages, functions.clone());
                    text.map(|text| RenderedChat { text, answers: Vec::new() })
                };
                texts.push(rendered.map_err(of_column)?);
            }
        }
        Ok(texts)
    }

    /// What was chosen for the user, a sentence each.
    pub(super) fn notes(&self, source: &Source) -> Vec<String> {
        let path = self.template.path().display();
        let mut notes = vec![format!(
            "tokens are those of {}, rendered with the chat template of {path}; other columns are \
             not counted",
            self.names().collect::<Vec<_>>().join(", ")
        )];
        for (&root, (name, turn)) in self.text.roots().iter().zip(&self.turns) {
            if let Some((speaker, text)) = turn.renames(source.schema().field(root)) {
                notes.push(format!(
                    "in {name}, {speaker} is the role (human is user, gpt is assistant), and \
                     {text} the content"
                ));
            }
        }
        if let Some(index) = self.tools {
            let kind = source.schema().field(index).data_type();
            notes.push(match self.tools_in(source) {
                Some(_) => format!("the chat template is given the functions in {TOOLS}"),
                None => format!(
                    "the chat template is given no functions: {TOOLS} is {kind}, neither a list \
                     nor JSON text"
                ),
            });
        }
        if self.template.has_date() {
            notes.push("the date that the chat template asks for is always 26 Jul 2024".into());
        }
        notes
    }
}
