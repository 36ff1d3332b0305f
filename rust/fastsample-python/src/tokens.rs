//! Tokenizers, and token counts.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{LargeStringArray, UInt32Array};
use arrow_schema::{DataType, Field};
use fastsample::select::Selection;
use fastsample::tokens::{
    Measure, Tokenizer as CoreTokenizer, Unit, column_lengths as core_lengths, one_by_one,
};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;

use crate::errors::BindingResult;
use crate::reserve::detached;
use crate::run::run;
use crate::source::Source;
use crate::text::described;

/// A Hugging Face tokenizer, read from its `tokenizer.json`.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Tokenizer(CoreTokenizer);

impl Tokenizer {
    pub(crate) fn core(&self) -> CoreTokenizer {
        self.0.clone()
    }
}

#[pymethods]
impl Tokenizer {
    #[new]
    #[pyo3(signature = (path, *, special_tokens, chat_template))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        special_tokens: bool,
        chat_template: bool,
    ) -> BindingResult<Self> {
        let tokenizer = detached(py, || {
            let tokenizer = CoreTokenizer::open(&path, special_tokens)?;
            if chat_template { tokenizer.with_chat_template() } else { Ok(tokenizer) }
        })?;
        Ok(Self(tokenizer))
    }

    /// Tokens of each row: an Arrow array of uint32; the columns that are counted, and what was chosen
    /// for the user.
    #[pyo3(signature = (source, *, text, threads, progress))]
    fn lengths(
        &self,
        py: Python<'_>,
        source: &Bound<'_, Source>,
        text: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> BindingResult<(PyArray, Vec<String>, Vec<String>)> {
        let source = source.get().in_memory(py, threads, progress)?;
        let tokenizer = self.0.clone();
        let (lengths, text, notes) = run(py, threads, progress, move |ctx| {
            let all = Selection::All { rows: source.rows() };
            let rows = Measure::new(ctx, source, text.as_deref(), tokenizer)?;
            Ok((rows.lengths(ctx, &all)?, rows.text().paths(), rows.notes()))
        })?;
        let field = Field::new("tokens", DataType::UInt32, false);
        Ok((PyArray::new(Arc::new(UInt32Array::from(lengths)), Arc::new(field)), text, notes))
    }

    /// The chats of each row as the chat template renders them: an Arrow array of strings.
    #[pyo3(signature = (source, *, text, threads))]
    fn rendered(
        &self,
        py: Python<'_>,
        source: &Bound<'_, Source>,
        text: Option<Vec<String>>,
        threads: Option<usize>,
    ) -> BindingResult<PyArray> {
        let source = source.get().in_memory(py, threads, None)?;
        let tokenizer = self.0.clone();
        let texts = run(py, threads, None, move |ctx| {
            let all = Selection::All { rows: source.rows() };
            Measure::new(ctx, source, text.as_deref(), tokenizer)?.rendered(ctx, &all)
        })?;
        let field = Field::new("text", DataType::LargeUtf8, false);
        Ok(PyArray::new(Arc::new(LargeStringArray::from(texts)), Arc::new(field)))
    }
}

/// The text columns, strings that are not among them, the lengths, and what was chosen for the user.
type ColumnLengths = (Vec<String>, Vec<(String, String)>, Vec<PyArray>, Vec<String>);

/// Lengths of each text column: for each an Arrow array of uint32. See `column_lengths` in Rust.
#[pyfunction]
#[pyo3(signature = (source, *, text, tokenizer, threads, progress))]
pub(crate) fn column_lengths(
    py: Python<'_>,
    source: &Source,
    text: Option<Vec<String>>,
    tokenizer: Option<&Tokenizer>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<ColumnLengths> {
    let source = source.rereadable()?.clone();
    let unit = tokenizer.map_or(Unit::Characters, |tokenizer| Unit::Tokens(tokenizer.0.clone()));
    let (text, found, note) = run(py, threads, progress, move |ctx| {
        let (text, found) = core_lengths(ctx, &source, text.as_deref(), &unit)?;
        let note = match &unit {
            Unit::Characters => None,
            Unit::Tokens(tokenizer) => one_by_one(&source, &text, tokenizer),
        };
        Ok((text, found, note))
    })?;
    let (paths, left_out) = described(&text);
    let array = |(path, lengths): (&String, Vec<u32>)| {
        let field = Field::new(path, DataType::UInt32, false);
        PyArray::new(Arc::new(UInt32Array::from(lengths)), Arc::new(field))
    };
    let lengths = paths.iter().zip(found).map(array).collect();
    Ok((paths, left_out, lengths, note.into_iter().collect()))
}
