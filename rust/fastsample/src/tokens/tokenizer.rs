//! `Tokenizer`: a Hugging Face tokenizer, and the chat template that belongs to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chat::ChatTemplate;
use crate::error::{Error, Result};

/// A Hugging Face tokenizer. What its file says of truncation and padding is left out: lengths are
/// those of whole texts.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    special: bool,
    path: Arc<Path>,
    template: Option<Arc<ChatTemplate>>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. With `special`, the tokens that its post-processor puts around a
    /// text count, too.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Read`], or [`Error::Corrupt`] for a file of another kind.
    pub fn open(path: &Path, special: bool) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::read(path, error))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|error| {
            let what = format!(
                "not the tokenizer.json of a Hugging Face tokenizer ({error}); write one with \
                 tokenizer.save_pretrained(folder)"
            );
            Error::corrupt(path, what)
        })?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| Error::corrupt(path, error.to_string()))?;
        Ok(Self { inner: Arc::new(inner), special, path: path.into(), template: None })
    }

    /// With the chat template beside its file, which renders chats before they are counted.
    ///
    /// # Errors
    /// As [`ChatTemplate::open`].
    pub fn with_chat_template(self) -> Result<Self> {
        let template = Some(Arc::new(ChatTemplate::open(self.folder())?));
        Ok(Self { template, ..self })
    }

    /// The template that renders chats, if they are rendered.
    pub(super) fn template(&self) -> Option<&Arc<ChatTemplate>> {
        self.template.as_ref()
    }

    /// Whether there is a chat template beside its file.
    pub(super) fn has_chat_template(&self) -> bool {
        ChatTemplate::exists(self.folder())
    }

    /// The files that it was read from.
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        let template = self.template.as_ref().map(|template| template.path().to_path_buf());
        template.into_iter().chain([self.path.to_path_buf()]).collect()
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Tokens of a text.
    ///
    /// # Errors
    /// [`Error::Argument`] for a text that the tokenizer has no tokens for.
    pub fn count(&self, text: &str) -> Result<u32> {
        self.count_with(text, self.special)
    }

    /// Tokens of a rendered chat, which has all special tokens in it.
    ///
    /// # Errors
    /// As [`Tokenizer::count`].
    pub(super) fn count_rendered(&self, text: &str) -> Result<u32> {
        self.count_with(text, false)
    }

    fn count_with(&self, text: &str, special: bool) -> Result<u32> {
        let encoding = self.inner.encode_fast(text, special).map_err(|error| {
            let start: String = text.chars().take(20).collect();
            Error::Argument(format!("the tokenizer fails on a text that begins {start:?}: {error}"))
        })?;
        Ok(u32::try_from(encoding.len()).unwrap_or(u32::MAX))
    }
}
