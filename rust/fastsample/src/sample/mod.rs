//! `Sample`: a source and the chosen rows of it.

pub(crate) mod draw;
mod grown;
mod kept;
mod mixed;
mod row_ids;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch};
use arrow_schema::SchemaRef;

use self::kept::KeptRows;
pub(crate) use self::mixed::{Mixed, MixedPart};
use crate::columns::default_columns;
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::gather::{Gather, Look, WEIGHT, with_weight};
use crate::select::Selection;
use crate::source::{LineLayout, Object, Projected, Source, with_provenance};
use crate::text::TextColumns;

/// The chosen rows. They are read on demand.
#[derive(Debug, Clone)]
pub struct Sample {
    source: Source,
    selection: Selection,
    /// How often each of them comes, if they were drawn with replacement.
    counts: Option<Arc<[u32]>>,
    /// The ordinals, where the source holds nothing but the sample (a stream that has passed by).
    row_ids: Option<Arc<[u64]>>,
    rows: u64,
    /// Rows of the source that might have been drawn.
    population: u64,
    seed: u64,
    /// One more column, and the schema with it.
    weights: Option<(Float64Array, SchemaRef)>,
    /// The text that the draw went by.
    text: Option<TextColumns>,
    /// The default text of a stream that has passed by.
    passed_by: Option<TextColumns>,
    /// What is drawn of each source of a mixture, in place of the selection.
    mixed: Option<Mixed>,
    /// The rows that are read from an earlier output.
    kept: Option<KeptRows>,
    /// What made the rows, which outputs that have metadata tell.
    provenance: Option<Arc<str>>,
}

impl Sample {
    fn of(source: Source, selection: Selection, seed: u64) -> Self {
        let rows = source.rows();
        Self {
            source,
            selection,
            counts: None,
            row_ids: None,
            rows,
            population: rows,
            seed,
            weights: None,
            text: None,
            passed_by: None,
            mixed: None,
            kept: None,
            provenance: None,
        }
    }

    /// Whether its rows are what a selection takes of a source, wherever they are read from.
    fn is_plain(&self) -> bool {
        self.mixed.is_none()
            && self.weights.is_none()
            && self.row_ids.is_none()
            && self.counts.is_none()
    }

    /// The rows of a mixture, of which `source` has all rows.
    pub(crate) fn of_mixed(source: Source, mixed: Mixed, seed: u64) -> Self {
        Self { mixed: Some(mixed), ..Self::all(source, seed) }
    }

    /// What is drawn of each source of a mixture.
    pub(crate) fn mixed(&self) -> Option<&Mixed> {
        self.mixed.as_ref()
    }

    /// The name, the rows and the rows drawn of each source of a mixture; none of other samples.
    #[must_use]
    pub fn sources(&self) -> Vec<(String, u64, u64)> {
        let parts = self.mixed.iter().flat_map(Mixed::parts);
        parts.map(|part| (part.name.clone(), part.source.rows(), part.len())).collect()
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

    /// This sample, of which outputs tell what made it, as far as their format has metadata.
    #[must_use]
    pub fn with_provenance(self, provenance: &str) -> Self {
        Self { provenance: Some(provenance.into()), ..self }
    }

    /// The schema of an output: `schema`, with the provenance if there is one.
    pub(crate) fn schema_of_output(&self, schema: SchemaRef) -> SchemaRef {
        match &self.provenance {
            Some(provenance) => with_provenance(&schema, provenance),
            None => schema,
        }
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

    /// This sample with the column [`WEIGHT`] of a uniform draw: rows of the population for each row.
    ///
    /// # Errors
    /// [`Error::Column`] where the column is there already.
    pub fn with_uniform_weights(self) -> Result<Self> {
        check_weights(true, self.source.schema())?;
        memory::require_rows::<f64>(self.len(), "the weights")?;
        let weight = self.population as f64 / self.len() as f64;
        let weights = vec![weight; self.len() as usize];
        Ok(self.with_weights(Some(weights)))
    }

    /// Rows in the sample.
    #[must_use]
    pub fn len(&self) -> u64 {
        match (&self.mixed, &self.counts) {
            (Some(mixed), _) => mixed.len(),
            (None, Some(counts)) => counts.iter().map(|&count| u64::from(count)).sum(),
            (None, None) => self.selection.len(),
        }
    }

    /// Rows in the sample, each counted once, if rows were drawn with replacement.
    #[must_use]
    pub fn distinct(&self) -> Option<u64> {
        self.counts.as_ref().map(|_| self.selection.len())
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

    /// Rows of the source that might have been drawn.
    #[must_use]
    pub fn population(&self) -> u64 {
        self.population
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

    /// The objects of stores that the sample is read from; none if some of its source is in memory.
    #[must_use]
    pub fn objects(&self) -> Vec<Arc<dyn Object>> {
        if self.source.is_in_memory() {
            return Vec::new();
        }
        self.source.objects().cloned().collect()
    }

    /// The files of the source that tell what made them, and what they tell.
    #[must_use]
    pub fn provenances(&self) -> Vec<(PathBuf, String)> {
        let told = self.source.provenances();
        told.map(|(path, told)| (path.to_path_buf(), told.to_owned())).collect()
    }

    /// The files that the sample is read from; none if some of its source is in memory.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        if self.source.is_in_memory() {
            return Vec::new();
        }
        self.source.paths().map(std::path::Path::to_path_buf).collect()
    }

    /// All files that no output may replace: those of [`Sample::paths`], and every other that had
    /// a part in the choice (a target, a tokenizer, the source of scores).
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        let kept = self.kept.iter().flat_map(|kept| kept.output().inputs());
        self.source.inputs().into_iter().chain(kept).collect()
    }

    /// The sample with more files that no output may replace.
    #[must_use]
    pub fn with_inputs(self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { source: self.source.with_inputs(inputs), ..self }
    }

    /// The column of weights, if the sample has one.
    #[must_use]
    pub fn weights(&self) -> Option<&Float64Array> {
        self.weights.as_ref().map(|(weights, _)| weights)
    }

    /// How every row can be copied, if all are lines of files with all their columns.
    pub(crate) fn layout(&self) -> Option<&LineLayout> {
        self.source.layout().filter(|_| self.kept.is_none())
    }

    /// As [`Sample::gather`], but the lines as they are in the files, and nothing else. What holds their
    /// texts, as [`TextColumns::of`] takes them, is shown to `see`, on any thread and in any order.
    pub(crate) fn gather_lines(
        &self,
        ctx: &Context,
        text: &TextColumns,
        see: impl Fn(&RecordBatch) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Gather> {
        let rows = self.source.project_text(text, &[])?.with_lines();
        let kept = vec![text.roots().len()];
        let schema = Arc::new(rows.schema().project(&kept).map_err(Error::kernel)?);
        let look = Look { see: Arc::new(see), kept, schema };
        Ok(self.weighted(self.start(ctx, &rows, Some(look))))
    }

    /// The rows, in order, as batches that are read in the background.
    #[must_use]
    pub fn gather(&self, ctx: &Context) -> Gather {
        if let Some(mixed) = &self.mixed {
            return mixed.gather(ctx, self.source.schema());
        }
        if let Some(kept) = &self.kept {
            return kept.gather(ctx, &self.source, &self.selection);
        }
        self.weighted(self.start(ctx, &Projected::from(&self.source), None))
    }

    fn start(&self, ctx: &Context, rows: &Projected, look: Option<Look>) -> Gather {
        Gather::start_repeated(ctx, rows, &self.selection, self.counts.as_ref(), look)
    }

    fn weighted(&self, gather: Gather) -> Gather {
        match &self.weights {
            Some((weights, _)) => gather.with_weights(weights.clone()),
            None => gather,
        }
    }
}

/// Fails where a column of weights is wanted, and one is there already.
pub(crate) fn check_weights(wanted: bool, schema: &SchemaRef) -> Result<()> {
    if wanted && schema.index_of(WEIGHT).is_ok() {
        return Err(Error::Column(format!(
            "the source has a column {WEIGHT:?} already; leave it out, or draw without weights"
        )));
    }
    Ok(())
}
