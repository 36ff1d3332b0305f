//! Samples of the chosen rows: uniform, by rank, from a stream, from a selection.

use std::collections::HashMap;
use std::ops::Range;

use arrow_array::RecordBatchReader;
use arrow_buffer::BooleanBuffer;

use super::{Sample, check_weights};
use crate::columns::{StreamColumns, named_columns};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::reservoir;
use crate::select::{Amount, Repeats, Selection, window_among};
use crate::smart::{Ranking, SmartReport};
use crate::source::{Source, mapped_files};

impl Sample {
    /// Draws rows of a population, every row with the same chance.
    ///
    /// # Errors
    /// As [`Population::count`].
    ///
    /// # Examples
    /// A smaller sample of the same seed is a part of a larger one.
    ///
    /// ```
    /// use fastsample::{Amount, Context, Population, Sample, Source};
    /// # use std::sync::Arc;
    /// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
    /// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
    /// # let column: ArrayRef = Arc::new(StringArray::from(texts));
    /// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
    /// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
    ///
    /// let ctx = Context::new(None);
    /// let population = Population::from(source);
    /// let ten = Sample::uniform(&ctx, population.clone(), Amount::Rows(10), 42)?.row_ids()?;
    /// let tenth = Sample::uniform(&ctx, population, Amount::Fraction(0.1), 42)?.row_ids()?;
    /// assert_eq!((ten.len(), tenth.len()), (10, 100));
    /// assert!(ten.iter().all(|id| tenth.contains(id)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn uniform(
        ctx: &Context,
        population: Population,
        amount: Amount,
        seed: u64,
    ) -> Result<Self> {
        Self::window(ctx, population, amount, seed, 0)
    }

    /// The rows from rank `first` on of the order in which rows of a population are drawn; behind
    /// the last comes the first again. [`Sample::uniform`] is the window at rank 0.
    ///
    /// # Errors
    /// As [`Population::count`].
    pub fn window(
        ctx: &Context,
        population: Population,
        amount: Amount,
        seed: u64,
        first: u64,
    ) -> Result<Self> {
        let (rows, n) = (population.rows(), population.count(amount)?);
        let selection = window_among(ctx, population.among(), n, seed, first % rows)?;
        Ok(Self { population: rows, ..Self::of(population.into_source(), selection, seed) })
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

    /// Rows that a draw from a larger source takes of `source`, which may be none.
    pub(crate) fn of_part(source: Source, selection: Selection, seed: u64) -> Self {
        Self::of(source, selection, seed)
    }

    /// The rows of this sample and of others of the same source; none of them has weights.
    ///
    /// # Errors
    /// [`Error::Internal`] for samples of other sources, mixtures and streams.
    pub fn joined(&self, others: &[&Self]) -> Result<Self> {
        let plain =
            |sample: &Self| sample.is_plain() && sample.kept.is_none() && sample.rows == self.rows;
        if !plain(self) || !others.iter().all(|other| plain(other)) {
            return Err(Error::Internal("samples that can't be joined".into()));
        }
        let any = |row: usize| {
            let has = |sample: &Self| sample.selection.has(row as u64);
            has(self) || others.iter().any(|other| has(other))
        };
        let bits = BooleanBuffer::collect_bool(self.rows as usize, any);
        Ok(Self { selection: Selection::of_bits(bits), ..self.clone() })
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
        Ok((Self { population: ranking.len(), ..sample }, report))
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
        let whole = stream.schema();
        let fields = whole.fields().iter().enumerate();
        let places: HashMap<&str, usize> =
            fields.map(|(place, field)| (field.name().as_str(), place)).collect();
        let kept = schema.fields().iter();
        let indices: Vec<usize> =
            kept.filter_map(|field| places.get(field.name().as_str()).copied()).collect();
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
        let row_ids = Some(drawn.row_ids.into());
        Ok(Self { row_ids, rows, population: rows, text, passed_by, ..sample })
    }

    /// The rows of a population that were drawn with replacement, with a column of weights if there
    /// are some: one for each row, as often as it was drawn.
    pub(crate) fn of_repeats(
        population: Population,
        repeats: Repeats,
        seed: u64,
        weights: Option<Vec<f64>>,
    ) -> Result<Self> {
        let Repeats { selection, counts } = repeats;
        let sample = Self::of_population(population, selection, seed, weights)?;
        Ok(Self { counts: Some(counts.into()), ..sample })
    }

    /// The rows of a population that `selection` chooses, with a column of weights if there are some.
    pub(crate) fn of_population(
        population: Population,
        selection: Selection,
        seed: u64,
        weights: Option<Vec<f64>>,
    ) -> Result<Self> {
        check_weights(weights.is_some(), population.source().schema())?;
        let rows = population.rows();
        let sample = Self::of(population.into_source(), selection, seed);
        Ok(Self { population: rows, ..sample }.with_weights(weights))
    }
}

/// Fails unless `n` of `rows` rows can be drawn.
pub(crate) fn check_n(n: u64, rows: u64) -> Result<()> {
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
