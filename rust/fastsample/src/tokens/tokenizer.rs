//! `Tokenizer`: a Hugging Face tokenizer, and the chat template that belongs to it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenizers::utils::padding::PaddingDirection;
use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{Encoding, PaddingParams, PostProcessor, PostProcessorWrapper};

use crate::chat::{ChatTemplate, RenderedChat, settings, special_token};
use crate::error::{Error, Result};

/// A Hugging Face tokenizer. What its file says of truncation and padding is left out: texts are
/// whole, unless they are cut by [`Tokenizer::cut_to`].
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    special: bool,
    path: Arc<Path>,
    template: Option<Arc<ChatTemplate>>,
    /// What its file says of padding, and at which side it cuts.
    padding: Option<PaddingParams>,
    direction: TruncationDirection,
    /// The most tokens of a text for [`Tokenizer::ids`], without those around it, if texts are cut.
    room: Option<usize>,
}

/// How the batches of a tokenizer are padded, as its files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadToken {
    /// The token that fills up; none if the tokenizer names none.
    pub id: Option<u32>,
    /// Whether it comes before the texts.
    pub is_left: bool,
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
        let padding = inner.get_padding().cloned();
        let direction = inner.get_truncation().map(|told| told.direction).unwrap_or_default();
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| Error::corrupt(path, error.to_string()))?;
        let (inner, path) = (Arc::new(inner), path.into());
        Ok(Self { inner, special, path, template: None, padding, direction, room: None })
    }

    /// With the chat template beside its file, which renders chats before they are counted.
    ///
    /// # Errors
    /// As [`ChatTemplate::open`].
    pub fn with_chat_template(self) -> Result<Self> {
        let template = Some(Arc::new(ChatTemplate::open(self.folder())?));
        Ok(Self { template, ..self })
    }

    /// One whose ids are those of each text cut to `max_tokens` tokens, special ones included, as `transformers` does
    /// with `truncation=True, max_length=max_tokens`: at the side that the tokenizer's files say.
    ///
    /// # Errors
    /// [`Error::Argument`] if the special tokens alone are more; as [`Tokenizer::pad_token`].
    pub fn cut_to(self, max_tokens: u32) -> Result<Self> {
        let added = self.inner.get_post_processor().map_or(0, |found| found.added_tokens(false));
        let special = if self.special && self.template.is_none() { added } else { 0 };
        if (max_tokens as usize) < special {
            return Err(Error::Argument(format!(
                "max_tokens is {max_tokens}, but the tokenizer adds {special} special tokens to \
                 each text; raise max_tokens, or leave them out with special_tokens=False"
            )));
        }
        let direction = match settings(self.folder())?.get("truncation_side") {
            Some(side) if side == "left" => TruncationDirection::Left,
            Some(_) => TruncationDirection::Right,
            None => self.direction,
        };
        Ok(Self { direction, room: Some(max_tokens as usize - special), ..self })
    }

    /// How batches are padded: by `pad_token` and `padding_side` in `tokenizer_config.json`, or what
    /// `tokenizer.json` says of padding.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Corrupt`] for files that are not what their names say.
    pub fn pad_token(&self) -> Result<PadToken> {
        let settings = settings(self.folder())?;
        let told = self.padding.as_ref();
        let token = special_token(&settings, "pad_token");
        let token = token.or_else(|| Some(told?.pad_token.as_str()));
        let is_left = match settings.get("padding_side") {
            Some(side) => side == "left",
            None => told.is_some_and(|told| matches!(told.direction, PaddingDirection::Left)),
        };
        Ok(PadToken { id: token.and_then(|token| self.inner.token_to_id(token)), is_left })
    }

    /// Whether each of its ids is less than 65,536.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.inner.get_vocab(true).into_values().all(|id| u16::try_from(id).is_ok())
    }

    /// The template that renders chats, if they are rendered.
    pub(super) fn template(&self) -> Option<&Arc<ChatTemplate>> {
        self.template.as_ref()
    }

    /// Whether there is a chat template beside its file.
    pub(super) fn has_chat_template(&self) -> bool {
        ChatTemplate::exists(self.folder())
    }

    /// Whether the tokens that its post-processor adds count, too.
    pub(super) fn has_special(&self) -> bool {
        self.special
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
        Ok(count_of(&self.encode(text, self.special)?))
    }

    /// Tokens of a rendered chat, which has all special tokens in it.
    ///
    /// # Errors
    /// As [`Tokenizer::count`].
    pub(super) fn count_rendered(&self, text: &str) -> Result<u32> {
        Ok(count_of(&self.encode(text, false)?))
    }

    /// The ids of the tokens of a text.
    ///
    /// # Errors
    /// As [`Tokenizer::count`].
    pub(super) fn ids(&self, text: &str) -> Result<CutIds> {
        self.cut_ids(text, self.special)
    }

    /// The ids of the tokens of a rendered chat.
    ///
    /// # Errors
    /// As [`Tokenizer::count`].
    pub(super) fn ids_rendered(&self, text: &str) -> Result<CutIds> {
        self.cut_ids(text, false)
    }

    /// The ids of the tokens of a rendered chat, and which of them are of its answers: those that overlap
    /// one, as in `transformers`.
    ///
    /// # Errors
    /// As [`Tokenizer::count`].
    pub(super) fn ids_answered(&self, chat: &RenderedChat, bare: &Bare) -> Result<CutIds> {
        let encoding = bare.0.encode_char_offsets(chat.text.as_str(), false);
        let encoding = encoding.map_err(|error| failed(&chat.text, &error))?;
        // Spaces of tokens are trimmed behind the cut, which must happen once, to those that are left.
        let (encoding, cut) = self.cut(&chat.text, encoding, false)?;
        let answers = overlapping(encoding.get_offsets(), &chat.answers);
        Ok(CutIds { ids: encoding.get_ids().to_vec(), cut, answers })
    }

    /// The tokenizer without its post-processor.
    pub(super) fn bare(&self) -> Bare {
        let mut bare = (*self.inner).clone();
        bare.with_post_processor(None::<PostProcessorWrapper>);
        Bare(bare)
    }

    /// The text is encoded whole, so that it is known what is cut off: the encoder of a tokenizer that
    /// truncates stops when it has enough.
    fn cut_ids(&self, text: &str, special: bool) -> Result<CutIds> {
        if self.room.is_none() {
            let ids = self.encode(text, special)?.get_ids().to_vec();
            return Ok(CutIds { ids, ..CutIds::default() });
        }
        let (encoding, cut) = self.cut(text, self.encode(text, false)?, special)?;
        Ok(CutIds { ids: encoding.get_ids().to_vec(), cut, answers: Vec::new() })
    }

    /// Cuts the tokens of a text to the room that there is, and puts special ones around them. Also
    /// returns how many were cut off.
    fn cut(&self, text: &str, mut encoding: Encoding, special: bool) -> Result<(Encoding, u32)> {
        let room = self.room.unwrap_or(usize::MAX);
        let cut = u32::try_from(encoding.len().saturating_sub(room)).unwrap_or(u32::MAX);
        encoding.truncate(room, 0, self.direction);
        encoding.take_overflowing();
        let encoding = self.inner.post_process(encoding, None, special);
        Ok((encoding.map_err(|error| failed(text, &error))?, cut))
    }

    fn encode(&self, text: &str, special: bool) -> Result<Encoding> {
        self.inner.encode_fast(text, special).map_err(|error| failed(text, &error))
    }
}

fn failed(text: &str, error: &tokenizers::Error) -> Error {
    let start: String = text.chars().take(20).collect();
    Error::Argument(format!("the tokenizer fails on a text that begins {start:?}: {error}"))
}

/// The ids of the tokens of a text, which may have been cut.
#[derive(Debug, Default)]
pub(super) struct CutIds {
    pub(super) ids: Vec<u32>,
    /// Tokens of the text that were cut off.
    pub(super) cut: u32,
    /// Where runs of tokens of answers begin and end, one after the other, if they were asked for.
    pub(super) answers: Vec<u32>,
}

/// A tokenizer that only cuts texts into tokens.
#[derive(Debug)]
pub(super) struct Bare(tokenizers::Tokenizer);

/// The runs of tokens that overlap some ranges of characters: where each begins and ends. Tokens and
/// ranges are in order.
fn overlapping(tokens: &[(usize, usize)], ranges: &[Range<usize>]) -> Vec<u32> {
    let mut ranges = ranges.iter().peekable();
    let (mut bounds, mut is_within) = (Vec::new(), false);
    let mut put = |place: usize, is_answer: bool| {
        if is_answer != is_within {
            bounds.push(u32::try_from(place).unwrap_or(u32::MAX));
            is_within = is_answer;
        }
    };
    for (place, &(start, end)) in tokens.iter().enumerate() {
        while ranges.next_if(|range| range.end <= start).is_some() {}
        put(place, ranges.peek().is_some_and(|range| end > range.start));
    }
    put(tokens.len(), false);
    bounds
}

fn count_of(encoding: &Encoding) -> u32 {
    u32::try_from(encoding.len()).unwrap_or(u32::MAX)
}
