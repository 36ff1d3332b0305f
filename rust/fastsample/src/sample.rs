//! `Sample`: a source and the chosen rows of it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatchReader};
use arrow_schema::SchemaRef;

use crate::columns::{StreamColumns, default_columns, named_columns};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::gather::{Gather, WEIGHT, with_weight};
use crate::reservoir;
use crate::select::{Selection, window};
use crate::smart::{self, Ranking, Rule, SmartReport};
use crate::source::{Projected, Source, mapped_files};
use crate::text::TextColumns;
use crate::tokens::{self, Goal, Measure, TokenLimits, UniformOrder};

/// The chosen rows. They are read on demand.
#[derive(Debug, Clone)]
pub struct Sample {
    source: Source,
    selection: Selection,
    /// The ordinals, where the source holds nothing but the sample (a stream that has passed by).
    row_ids: Option<Arc<[u64]>>,
    rows: u64,
    seed: u64,
    /// One more column, and the schema with it.
    weights: Option<(Float64Array, SchemaRef)>,
    /// The text that the draw went by.
    text: Option<TextColumns>,
    /// The default text of a stream that has passed by.
    passed_by: Option<TextColumns>,
}

impl Sample {
    /// Draws `n` rows of `source`, every row with the same chance.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= n <= source.rows()`.
    pub fn uniform(ctx: &Context, source: Source, n: u64, seed: u64) -> Result<Self> {
        Self::window(ctx, source, n, seed, 0)
    }

    /// The `n` rows from rank `first` on of the order in which rows of `source` are drawn; behind
    /// the last comes the first again. [`Sample::uniform`] is the window at rank 0.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= n <= source.rows()`.
    pub fn window(ctx: &Context, source: Source, n: u64, seed: u64, first: u64) -> Result<Self> {
        let rows = source.rows();
        check_n(n, rows)?;
        let selection = window(ctx, rows, n, seed, first % rows)?;
        Ok(Self::of(source, selection, seed))
    }

    /// The rows of `source` that `selection` chooses.
    ///
    /// # Errors
    /// [`Error::Argument`] unless it chooses some, among as many rows as the source has.
    pub fn chosen(source: Source, selection: Selection, seed: u64) -> Result<Self> {
        let rows = source.rows();
        check_n(selection.len(), rows)?;
        if selection.rows() != rows {
            return Err(Error::Internal(format!(
                "a selection of {} rows for a source of {rows}",
                selection.rows()
            )));
        }
        Ok(Self::of(source, selection, seed))
    }

    /// Draws `n` rows of `source` by `rule`, after one pass over the text of all rows.
    ///
    /// With `weights` the sample gets one more column, [`WEIGHT`]: 1 / the probability with which
    /// the row was drawn.
    ///
    /// # Errors
    /// As [`Sample::uniform`]; [`Error::Column`] where there is no text to judge rows by, or where
    /// the column of weights is there already; and whatever reading fails with.
    pub fn smart(
        ctx: &Context,
        source: Source,
        n: u64,
        seed: u64,
        rule: &Rule,
        weights: bool,
    ) -> Result<(Self, SmartReport)> {
        let rows = source.rows();
        check_n(n, rows)?;
        check_weights(weights, source.schema())?;
        let choice = smart::draw(ctx, &source, n, seed, rule, weights)?;
        let sample = Self::of(source, choice.selection, seed)
            .with_text(choice.report.text.clone())
            .with_inputs(rule.inputs());
        Ok((sample.with_weights(choice.weights), choice.report))
    }

    /// The rows at `ranks` of a ranking of all rows of `source`.
    ///
    /// # Errors
    /// [`Error::Argument`] if `ranks` is empty or exceeds the ranking.
    pub fn ranked(
        source: Source,
        ranking: &Ranking,
        ranks: Range<u64>,
        seed: u64,
    ) -> Result<(Self, SmartReport)> {
        let (selection, report) = ranking.window(ranks)?;
        let sample = Self::chosen(source, selection, seed)?.with_text(report.text.clone());
        Ok((sample, report))
    }

    /// Draws n rows with a limit of tokens each, or rows until a budget of tokens is used up: in the
    /// order of a uniform draw, or of `ranking`. Returns the tokens and the rows skipped, too.
    ///
    /// # Errors
    /// [`Error::Argument`] when there are not enough, and whatever reading fails with.
    pub fn by_tokens(
        ctx: &Context,
        rows: &Measure,
        ranking: Option<&Ranking>,
        limits: TokenLimits,
        seed: u64,
    ) -> Result<(Self, tokens::TokenDraw, Option<SmartReport>)> {
        let (source, text) = (rows.source().clone(), rows.text().clone());
        if let Goal::Rows(n) = limits.goal {
            check_n(n, source.rows())?;
        } else {
            check_n(1, source.rows())?;
        }
        let Some(ranking) = ranking else {
            let order = UniformOrder { rows: source.rows(), seed };
            let drawn = tokens::draw(ctx, rows, &order, limits)?;
            let selection = Selection::of_ids(&drawn.ids, source.rows())?;
            let sample =
                Self::of(source, selection, seed).with_text(text).with_inputs(rows.inputs());
            return Ok((sample, drawn, None));
        };
        let drawn = tokens::draw(ctx, rows, ranking, limits)?;
        let (selection, report) = ranking.chosen(&drawn.ids, 0..ranking.len())?;
        let sample = Self::of(source, selection, seed).with_text(text).with_inputs(rows.inputs());
        Ok((sample, drawn, Some(report)))
    }

    /// Draws `n` rows of a stream that can be read once. Of `text`, only the names are checked.
    ///
    /// # Errors
    /// As [`Sample::uniform`], and whatever the stream fails with.
    pub fn from_stream(
        ctx: &Context,
        stream: impl RecordBatchReader,
        n: u64,
        seed: u64,
        columns: Option<&[String]>,
        text: Option<&[String]>,
    ) -> Result<Self> {
        check_n(n, u64::MAX)?;
        // Names are checked before the stream is used up.
        let empty = Source::from_batches(stream.schema(), Vec::new(), columns)?;
        let text = text.map(|names| named_columns(&empty, names)).transpose()?;
        let schema = empty.schema().clone();
        let indices: Vec<usize> = schema
            .fields()
            .iter()
            .filter_map(|field| stream.schema().index_of(field.name()).ok())
            .collect();
        // A stream passes by once, and so does the look at what is text of it.
        let mut default = StreamColumns::new(&schema);
        let mut files = None;
        let batches = stream.map(|batch| {
            let batch = batch?.project(&indices)?;
            // The rest of a stream is mapped as its first batch is.
            files.get_or_insert_with(|| mapped_files(std::slice::from_ref(&batch)));
            if text.is_none() {
                default.add(&batch).map_err(Error::into_arrow)?;
            }
            Ok(batch)
        });
        let stream = arrow_array::RecordBatchIterator::new(batches, schema);
        let drawn = reservoir::draw(ctx, stream, usize::try_from(n).unwrap_or(usize::MAX), seed)?;
        check_n(n, drawn.rows)?;
        let source = Source::from_batches(drawn.schema, drawn.batches, None)?;
        let selection = Selection::All { rows: n };
        let sample = Self::of(source, selection, seed);
        let (rows, passed_by) = (drawn.rows, Some(default.finish()));
        let sample = sample.with_inputs(files.unwrap_or_default());
        Ok(Self { row_ids: Some(drawn.row_ids.into()), rows, text, passed_by, ..sample })
    }

    fn of(source: Source, selection: Selection, seed: u64) -> Self {
        let rows = source.rows();
        Self {
            source,
            selection,
            row_ids: None,
            rows,
            seed,
            weights: None,
            text: None,
            passed_by: None,
        }
    }

    /// All rows of `source`, of which there may be none. A shuffle of them depends on `seed`.
    #[must_use]
    pub fn all(source: Source, seed: u64) -> Self {
        let rows = source.rows();
        Self::of(source, Selection::All { rows }, seed)
    }

    /// This sample, of whose source `text` is known to be the text.
    #[must_use]
    pub fn with_text(self, text: TextColumns) -> Self {
        Self { text: Some(text), ..self }
    }

    /// The text that the draw went by; none if it looked at no text.
    #[must_use]
    pub fn known_text(&self) -> Option<&TextColumns> {
        self.text.as_ref()
    }

    /// What is text of a row: what the draw went by, or the default, for which some rows of the
    /// source may have to be read.
    ///
    /// # Errors
    /// When reading fails, or the call is cancelled.
    pub fn text(&self, ctx: &Context) -> Result<TextColumns> {
        let known = self.text.as_ref().or(self.passed_by.as_ref());
        known.cloned().map_or_else(|| default_columns(ctx, &self.source), Ok)
    }

    fn with_weights(self, weights: Option<Vec<f64>>) -> Self {
        let schema = with_weight(self.source.schema());
        Self { weights: weights.map(|weights| (weights.into(), schema)), ..self }
    }

    /// This sample with the column [`WEIGHT`] of a uniform draw: rows in the source for each row.
    ///
    /// # Errors
    /// [`Error::Column`] where the column is there already.
    pub fn with_uniform_weights(self) -> Result<Self> {
        check_weights(true, self.source.schema())?;
        let weight = self.rows as f64 / self.len() as f64;
        let weights = vec![weight; self.len() as usize];
        Ok(self.with_weights(Some(weights)))
    }

    /// Rows in the sample.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.selection.len()
    }

    /// Whether the sample has no rows: all rows of an empty source.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows in the source.
    #[must_use]
    pub fn source_rows(&self) -> u64 {
        self.rows
    }

    /// The seed of the draw.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The columns of the sample, with all metadata.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.weights.as_ref().map_or_else(|| self.source.schema(), |(_, schema)| schema)
    }

    /// The files that the sample is read from.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.source.paths().map(std::path::Path::to_path_buf).collect()
    }

    /// All files that no output may replace: those of [`Sample::paths`], and every other that had
    /// a part in the choice (a target, a tokenizer, the source of scores).
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        self.source.inputs()
    }

    /// The sample with more files that no output may replace.
    #[must_use]
    pub fn with_inputs(self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { source: self.source.with_inputs(inputs), ..self }
    }

    /// The ordinals of the chosen rows, ascending.
    #[must_use]
    pub fn row_ids(&self) -> Vec<u64> {
        if let Some(ids) = &self.row_ids {
            return ids.to_vec();
        }
        let mut ids = Vec::with_capacity(self.len() as usize);
        self.selection.extend_ids(0..self.rows, &mut ids);
        ids
    }

    /// The column of weights, if the sample has one.
    #[must_use]
    pub fn weights(&self) -> Option<&Float64Array> {
        self.weights.as_ref().map(|(weights, _)| weights)
    }

    /// The rows, in order, as batches that are read in the background.
    #[must_use]
    pub fn gather(&self, ctx: &Context) -> Gather {
        let gather = Gather::start(ctx, &Projected::from(&self.source), &self.selection);
        match &self.weights {
            Some((weights, _)) => gather.with_weights(weights.clone()),
            None => gather,
        }
    }
}

fn check_weights(wanted: bool, schema: &SchemaRef) -> Result<()> {
    if wanted && schema.index_of(WEIGHT).is_ok() {
        return Err(Error::Column(format!(
            "the source has a column {WEIGHT:?} already; leave it out, or draw without weights"
        )));
    }
    Ok(())
}

fn check_n(n: u64, rows: u64) -> Result<()> {
    if n == 0 {
        return Err(Error::Argument("n is 0; ask for at least one row".into()));
    }
    if rows == 0 {
        return Err(Error::Argument(
            "the source has 0 rows, so none can be drawn; check that the right files are named"
                .into(),
        ));
    }
    if n > rows {
        return Err(Error::Argument(format!(
            "n is {n}, but the source has only {rows} rows; ask for at most {rows}"
        )));
    }
    Ok(())
}
