//! `ChatTemplate`: the messages of a chat as the text that a model is trained on.

use std::path::{Path, PathBuf};

use super::config::{self, TemplateFile};
use super::jinja::{Fail, JinjaValue, Rendered, Template};
use crate::error::{Error, Result};

/// The chat template of a tokenizer.
#[derive(Debug)]
pub struct ChatTemplate {
    template: Template,
    tokens: Vec<(&'static str, String)>,
    path: PathBuf,
    has_date: bool,
    has_tools: bool,
}

impl ChatTemplate {
    /// Reads the template from the folder of a tokenizer: `chat_template.jinja`, or
    /// `tokenizer_config.json`.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is none; [`Error::Corrupt`] for one that is no Jinja.
    pub fn open(folder: &Path) -> Result<Self> {
        let Some(written) = config::read(folder)? else {
            return Err(Error::Argument(format!(
                "{}: the tokenizer has no chat template, neither as chat_template.jinja nor in \
                 tokenizer_config.json; set tokenizer.chat_template and save it with \
                 tokenizer.save_pretrained(folder), or leave out chat_template",
                folder.display()
            )));
        };
        Self::new(written)
    }

    /// Whether the folder of a tokenizer has a template.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        config::exists(folder)
    }

    pub(super) fn new(TemplateFile { source, path, tokens }: TemplateFile) -> Result<Self> {
        let template = Template::parse(&source).map_err(|fail| {
            let what = format!(
                "the chat template can't be used: {fail}; leave out chat_template, or save the \
                 tokenizer with another template"
            );
            Error::corrupt(&path, what)
        })?;
        let has_date = source.contains("strftime_now");
        let has_tools = source.contains("tools");
        Ok(Self { template, tokens, path, has_date, has_tools })
    }

    /// The file that it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it may ask for the date, which is always the same one.
    #[must_use]
    pub fn has_date(&self) -> bool {
        self.has_date
    }

    /// Whether it may show functions to the model.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        self.has_tools
    }

    /// The text of a chat, as `apply_chat_template(messages, tools=tools, tokenize=False)` makes it.
    ///
    /// # Errors
    /// What is wrong, without the file and the row.
    pub(crate) fn render(&self, messages: JinjaValue, tools: JinjaValue) -> Result<String, Fail> {
        Ok(self.rendered(messages, tools, false)?.text)
    }

    /// Whether it says with `generation` blocks what the model is to write.
    pub(super) fn has_generation(&self) -> bool {
        self.template.has_generation()
    }

    /// What the template makes of a chat, with or without what begins an answer behind it.
    pub(super) fn rendered(
        &self,
        messages: JinjaValue,
        tools: JinjaValue,
        is_prompt: bool,
    ) -> Result<Rendered, Fail> {
        let fixed = [
            ("messages", messages),
            ("tools", tools),
            ("documents", JinjaValue::None),
            ("add_generation_prompt", JinjaValue::Bool(is_prompt)),
        ];
        let tokens =
            self.tokens.iter().map(|(name, token)| (*name, JinjaValue::text(token.as_str())));
        let variables = fixed.into_iter().chain(tokens);
        self.template.render(variables.map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

#[cfg(test)]
impl ChatTemplate {
    /// A template of a test.
    pub(super) fn of(source: &str) -> Result<Self> {
        let tokens = vec![("bos_token", "<s>".to_owned()), ("eos_token", "</s>".to_owned())];
        Self::new(TemplateFile {
            source: source.to_owned(),
            path: PathBuf::from("t.jinja"),
            tokens,
        })
    }
}
