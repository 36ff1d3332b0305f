//! Decontamination: a population without the rows that share text with some sources, such as the
//! benchmarks that a model is to be measured by.
//!
//! ```text
//!  sources ─▶ their texts ─▶ runs of letters ┐
//!                     population ─▶ texts ─▶ has one of them? ─▶ population of the others, report
//! ```
//!
//! A row is left out if one of its texts has a run of n letters with a text of a source in common, or
//! is a whole text of it that is shorter, but not below n / 2. Compared are letters and digits in
//! lower case, as GPT-4's authors did, with runs of 50 (*GPT-4 Technical Report*, 2023,
//! appendix C); those of GPT-3 took 8 to 13 words (Brown et al., 2020, appendix C). A Chinese
//! character counts as four letters, so that 13 of them make a run of 50.

mod letters;
mod runs;
mod texts;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_buffer::BooleanBufferBuilder;

use self::letters::Letters;
use self::texts::{BenchmarkTexts, SharedStretch};
use crate::columns::{default_columns, text_columns};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::population::Population;
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::source::{Object, Source};
use crate::text::TextColumns;

/// Examples of each source: those that share the longest stretches.
const EXAMPLES: usize = 3;

/// Characters of an example.
const EXAMPLE_CHARS: usize = 200;

/// The range of the length of a run.
const LEAST: u32 = 8;
const MOST: u32 = 10_000;

/// What was left out.
#[derive(Debug, Clone)]
pub struct Excluded {
    /// The length of a run in letters.
    pub letters: u32,
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows that were left out.
    pub left_out: u64,
    /// The text columns that were looked at.
    pub text: Vec<String>,
    /// What was found in each source.
    pub sources: Vec<ExcludedBy>,
}

/// What was left out because of one source.
#[derive(Debug, Clone)]
pub struct ExcludedBy {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its text columns.
    pub text: Vec<String>,
    /// Its texts that are too short to be compared.
    pub too_short: u64,
    /// Rows that share text with it.
    pub left_out: u64,
    /// Those that share most.
    pub examples: Vec<Example>,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its ordinal.
    pub row: u64,
    /// The length of the longest stretch that it shares, in letters.
    pub letters: u64,
    /// The beginning of that stretch.
    pub text: String,
}

/// Texts of sources, such as benchmarks, that rows may not share: read once, for any number of
/// populations.
pub struct Benchmarks {
    letters: u32,
    texts: BenchmarkTexts,
    sources: Vec<ExcludedBy>,
    inputs: Vec<PathBuf>,
    objects: Vec<Arc<dyn Object>>,
}

impl Benchmarks {
    /// The objects of stores that were read.
    #[must_use]
    pub fn objects(&self) -> &[Arc<dyn Object>] {
        &self.objects
    }

    /// Reads the texts of `sources`, of which rows may not share runs of so many letters.
    ///
    /// # Errors
    /// [`Error::Argument`] for a source without rows and a length out of range; [`Error::Column`]
    /// where there is no text; and whatever reading fails with.
    pub fn read(ctx: &Context, sources: &[(String, Source)], letters: u32) -> Result<Self> {
        if !(LEAST..=MOST).contains(&letters) {
            return Err(Error::Argument(format!(
                "exclude_letters is {letters}; it must be from {LEAST} to {MOST}"
            )));
        }
        let mut texts = BenchmarkTexts::new(letters);
        let mut found = Vec::new();
        for (number, (name, source)) in (0..).zip(sources) {
            found.push(read(ctx, &mut texts, number, name, source)?);
        }
        texts.finish()?;
        let inputs = sources.iter().flat_map(|(_, source)| source.inputs()).collect();
        let objects = sources.iter().flat_map(|(_, source)| source.objects().cloned()).collect();
        Ok(Self { letters, texts, sources: found, inputs, objects })
    }

    /// The rows of `population` that share no text with any of the sources. Its texts are the columns
    /// that `text` names; those of the default if it names none.
    ///
    /// # Errors
    /// [`Error::Column`] where there is no text to compare; and whatever reading fails with.
    pub fn without(
        &self,
        ctx: &Context,
        population: Population,
        text: Option<&[String]>,
    ) -> Result<(Population, Excluded)> {
        let letters = self.letters;
        let text = text_columns(ctx, population.source(), text, "compare with exclude")?;
        let mut sources = self.sources.clone();
        let found = look(ctx, &population, &text, &self.texts, sources.len())?;
        for (source, found) in sources.iter_mut().zip(found.sources) {
            (source.left_out, source.examples) = (found.left_out, found.examples);
        }
        let report = Excluded {
            letters,
            rows: population.rows(),
            left_out: found.rows.len() as u64,
            text: text.paths(),
            sources,
        };
        let others = others(population.source().rows(), &found.rows)?;
        let what = format!("share no run of {letters} letters with exclude");
        let population = population.only(&others, &what)?.with_inputs(self.inputs.clone());
        Ok((population, report))
    }
}

/// Reads the texts of a source, which are few, into `texts`.
fn read(
    ctx: &Context,
    texts: &mut BenchmarkTexts,
    number: u32,
    name: &str,
    source: &Source,
) -> Result<ExcludedBy> {
    if source.rows() == 0 {
        return Err(Error::Argument(format!(
            "exclude: {name} has 0 rows; check that the right file is named, or leave it out"
        )));
    }
    let text = default_columns(ctx, source)?;
    if text.is_empty() {
        return Err(Error::Column(format!(
            "exclude: {name} has no text to compare rows with; check that the right file is named"
        )));
    }
    ctx.begin(source.rows());
    let projected = source.project_text(&text, &[])?;
    let found = scan::in_order(ctx, &projected, |_, batch| Ok(batch.clone()))?;
    let (mut letters, mut too_short) = (Letters::default(), 0);
    for batch in found {
        ctx.check()?;
        let rows = text.of(&batch)?;
        for one in (0..rows.rows()).flat_map(|row| rows.of_row(row)) {
            letters.read(one);
            too_short += u64::from(!texts.add(&letters, number)?);
        }
    }
    Ok(ExcludedBy {
        name: name.to_owned(),
        rows: source.rows(),
        text: text.paths(),
        too_short,
        left_out: 0,
        examples: Vec::new(),
    })
}

/// The rows that were found, and what of each source.
struct ExcludedRows {
    rows: Vec<u64>,
    sources: Vec<ExcludedOf>,
}

#[derive(Clone, Default)]
struct ExcludedOf {
    left_out: u64,
    examples: Vec<Example>,
}

impl ExcludedOf {
    /// Keeps the examples that share most, ties by row.
    fn add(&mut self, examples: impl IntoIterator<Item = Example>) {
        self.examples.extend(examples);
        self.examples.sort_by_key(|example| (std::cmp::Reverse(example.letters), example.row));
        self.examples.truncate(EXAMPLES);
    }

    fn is_example(&self, letters: u64) -> bool {
        self.examples.len() < EXAMPLES
            || self.examples.last().is_some_and(|last| last.letters <= letters)
    }
}

/// Looks at the texts of all rows that may be drawn.
fn look(
    ctx: &Context,
    population: &Population,
    text: &TextColumns,
    texts: &BenchmarkTexts,
    sources: usize,
) -> Result<ExcludedRows> {
    let among = population.among();
    ctx.begin(population.source().rows());
    let mut found = scan(
        ctx,
        &population.source().project_text(text, &[])?,
        scan::all,
        || {
            (
                ExcludedRows { rows: Vec::new(), sources: vec![ExcludedOf::default(); sources] },
                Letters::default(),
            )
        },
        |(found, letters), first, batch| {
            let rows = text.of(batch)?;
            for row in 0..rows.rows() {
                let ordinal = first + row as u64;
                if among.has(ordinal) {
                    found.look(ordinal, rows.of_row(row), texts, letters);
                }
            }
            Ok(())
        },
        |(found, _), (more, _)| found.merge(more),
    )?;
    found.0.rows.sort_unstable();
    Ok(found.0)
}

impl ExcludedRows {
    fn look<'t>(
        &mut self,
        ordinal: u64,
        row: impl Iterator<Item = &'t str>,
        texts: &BenchmarkTexts,
        letters: &mut Letters,
    ) {
        let mut longest: Vec<Option<SharedStretch>> = vec![None; self.sources.len()];
        let mut shown = Vec::new();
        for one in row {
            letters.read(one);
            for source in texts.look(letters, &mut longest) {
                let Some(shared) = &longest[source] else { continue };
                let (range, length) = (shared.letters.clone(), shared.length);
                if self.sources[source].is_example(length) {
                    let text = letters.excerpt(one, range.start, range.end);
                    let text = text.chars().take(EXAMPLE_CHARS).collect();
                    shown.retain(|(known, _)| *known != source);
                    shown.push((source, Example { row: ordinal, letters: length, text }));
                }
            }
        }
        if longest.iter().any(Option::is_some) {
            self.rows.push(ordinal);
        }
        for (source, _) in self.sources.iter_mut().zip(&longest).filter(|(_, one)| one.is_some()) {
            source.left_out += 1;
        }
        shown.into_iter().for_each(|(source, example)| self.sources[source].add([example]));
    }

    fn merge(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        for (source, other) in self.sources.iter_mut().zip(other.sources) {
            source.left_out += other.left_out;
            source.add(other.examples);
        }
    }
}

/// All rows but those of `left_out`.
fn others(rows: u64, left_out: &[u64]) -> Result<Selection> {
    memory::require(rows as usize / 8, || format!("a bit for each of {rows} rows"))?;
    let mut bits = BooleanBufferBuilder::new(rows as usize);
    bits.append_n(rows as usize, true);
    left_out.iter().for_each(|&row| bits.set_bit(row as usize, false));
    Ok(Selection::of_bits(bits.finish()))
}
