//! Token counts by a Hugging Face tokenizer, and draws with a limit or a budget of tokens.
//!
//! ```text
//!  tokenizer.json ─▶ Tokenizer ─┐
//!                               ▼
//!  chosen rows ─▶ gather ─▶ lengths: tokens of each row, on all cores
//!                               ▲
//!  an order of all rows ─▶ draw ┘  rows one after the other, until there are enough
//! ```

pub mod draw;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::draw::{Goal, Order, TokenDraw, TokenLimits, UniformOrder, draw};
use crate::columns::text_columns;
use crate::error::{Error, Result};
use crate::exec::{Context, fold, memory};
use crate::gather::Gather;
use crate::select::Selection;
use crate::source::Source;
use crate::text::{RowTexts, TextColumns};

/// Rows counted by one task: some milliseconds of work.
const ROWS_PER_TASK: usize = 64;

/// A Hugging Face tokenizer. What its file says of truncation and padding is left out: lengths are
/// those of whole texts.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    special: bool,
    path: Arc<Path>,
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
        Ok(Self { inner: Arc::new(inner), special, path: path.into() })
    }

    /// Tokens of a text.
    ///
    /// # Errors
    /// [`Error::Argument`] for a text that the tokenizer has no tokens for.
    pub fn count(&self, text: &str) -> Result<u32> {
        let encoding = self.inner.encode_fast(text, self.special).map_err(|error| {
            let start: String = text.chars().take(20).collect();
            Error::Argument(format!("the tokenizer fails on a text that begins {start:?}: {error}"))
        })?;
        Ok(u32::try_from(encoding.len()).unwrap_or(u32::MAX))
    }
}

/// Rows that can be measured.
#[derive(Debug, Clone)]
pub struct Measure {
    source: Source,
    text: TextColumns,
    tokenizer: Tokenizer,
}

impl Measure {
    /// Measures the text columns named, or those of the default, each text by itself; a row has the
    /// tokens of all. A null is the empty text.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that is not there or holds no text.
    pub fn new(
        ctx: &Context,
        source: Source,
        text: Option<&[String]>,
        tokenizer: Tokenizer,
    ) -> Result<Self> {
        let text = text_columns(ctx, &source, text, "count tokens of")?;
        Ok(Self { source, text, tokenizer })
    }

    /// The rows.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The text that is measured.
    #[must_use]
    pub fn text(&self) -> &TextColumns {
        &self.text
    }

    /// The file of the tokenizer, which no output may replace.
    pub(crate) fn inputs(&self) -> [PathBuf; 1] {
        [self.tokenizer.path.to_path_buf()]
    }

    /// Tokens of each of the rows selected, in their order.
    ///
    /// # Errors
    /// As [`Tokenizer::count`], and whatever reading fails with.
    pub fn lengths(&self, ctx: &Context, selection: &Selection) -> Result<Vec<u32>> {
        memory::require_rows::<u32>(selection.len(), "the numbers of tokens")?;
        let gather = Gather::start(ctx, &self.source.project_text(&self.text, &[])?, selection);
        let mut lengths = Vec::with_capacity(selection.len() as usize);
        for batch in gather {
            let batch = batch?;
            let texts = self.text.of(&batch)?;
            let rows = batch.num_rows();
            let mut counted = fold(
                ctx,
                rows.div_ceil(ROWS_PER_TASK),
                Vec::new,
                |counted, task| {
                    let range = task * ROWS_PER_TASK..rows.min((task + 1) * ROWS_PER_TASK);
                    counted.push((task, ctx.compute(|| self.count(ctx, &texts, range))?));
                    Ok(())
                },
                |counted: &mut Vec<(usize, Vec<u32>)>, mut other| counted.append(&mut other),
            )?;
            counted.sort_unstable_by_key(|(task, _)| *task);
            lengths.extend(counted.into_iter().flat_map(|(_, lengths)| lengths));
        }
        Ok(lengths)
    }

    fn count(&self, ctx: &Context, texts: &RowTexts<'_>, rows: Range<usize>) -> Result<Vec<u32>> {
        let count = |row: usize| {
            ctx.check()?;
            texts
                .of_row(row)
                .try_fold(0_u32, |sum, text| Ok(sum.saturating_add(self.tokenizer.count(text)?)))
        };
        rows.map(count).collect()
    }
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
