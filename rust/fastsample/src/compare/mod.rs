//! `compare`: a sample against its source, with significance tests of each difference.
//!
//! ```text
//!  source ─▶ profile (one pass, mergeable) ─┐            ┌─▶ distances, each with the limit
//!                                           ├─▶ compare ─┤   of its sampling error
//!  sample ─▶ profile (one pass, mergeable) ─┘            └─▶ held-out texts predicted, n-grams
//! ```
//!
//! - [`grams`]: n-grams in tables of fixed size, their divergence, a model made of them;
//! - [`profile`](mod@profile): everything that is kept of a data set;
//! - `held_out`: what the texts set aside tell; `signature`: near-duplicates;
//! - [`stats`]: whether a distance is larger than chance explains;
//! - [`chance`]: the same for n-grams, by a permutation test.
//!
//! Rows whose hash of content is small are set aside in *both* data sets and counted in neither, so
//! that no copy of a text that is to be predicted is learnt. The rows of a random sample as large as
//! the one that is judged are counted apart in the same pass.

pub mod chance;
mod columns;
pub mod grams;
mod held_out;
pub mod profile;
mod signature;
pub mod stats;

use std::collections::BTreeMap;

pub use self::columns::CompareOptions;
use self::columns::{find_values, text_of, within};
pub use self::held_out::Represented;
use self::held_out::{bits, represented};
use self::profile::{HELD_OUT, Profile, ProfileOptions, profile};
use self::stats::{Distance, Size};
use crate::columns::named_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::uniform;
use crate::sketch::Lengths;
use crate::source::Source;
use crate::text::TextColumns;

/// The probability that a random sample is called biased, over all tests together (Bonferroni).
pub const FALSE_ALARMS: f64 = 0.01;

/// The random sample with which the given one is compared. No user's draw has this seed.
const RANDOM_SEED: u64 = 0x7261_6e64_6f6d_2121;

/// Share of rows that may be set aside at most.
const HELD_SHARE: f64 = 0.1;

/// Rows of the source whose n-grams are counted, at random by content; those of the sample that are
/// among them count, too. Forty million characters fill the tables; counting costs ten
/// times what the rest of the pass does.
const COUNTED_ROWS: f64 = 200_000.0;

/// What was found.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The text that was compared.
    pub text: TextColumns,
    /// Facts of the source.
    pub source: Profile,
    /// Facts of the sample.
    pub sample: Profile,
    /// Whether both have the same rows, in any order.
    pub identical: bool,
    /// Share of the sample's rows that the source has.
    pub contained: f64,
    /// Distance of the lengths' distributions, and the length at which it is largest.
    pub length: (Distance, u64),
    /// Distance of the shares of the `by` column's values.
    pub values: Option<Distance>,
    /// Distance of the n-grams by class.
    pub grams: Distance,
    /// Divergence of all n-grams from the source's: of the sample, of a random sample.
    pub divergence: (f64, f64),
    /// Share of the source's n-gram occurrences whose n-gram occurs: in the sample, in a random one.
    pub coverage: (f64, f64),
    /// Share of the source's distinct trigrams that the sample has.
    pub types: f64,
    /// Share of repeated rows that a random sample would have.
    pub repeated_expected: f64,
    /// Bits a character of the held-out texts: by the sample, by a random sample, and the standard
    /// error of the difference. None without held-out text.
    pub bits: Option<(f64, f64, f64)>,
    /// Texts held out, and their characters.
    pub held_out: (usize, usize),
    /// N-grams that the sample has more of than the source.
    pub over: Vec<Represented>,
    /// N-grams that the sample has less of.
    pub under: Vec<Represented>,
    /// Share of the n-gram table in use.
    pub load: f64,
}

/// Compares `sample` with `source`, reading each of them once.
///
/// # Errors
/// [`Error::Argument`] for data without rows; [`Error::Column`] where there is no such column, or
/// no text; and whatever reading fails with.
///
/// # Examples
/// ```
/// use fastsample::compare::{CompareOptions, compare};
/// use fastsample::{Context, Source};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
/// # let column: ArrayRef = Arc::new(StringArray::from(texts));
/// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
/// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let options = CompareOptions { max_chars: 512, ..CompareOptions::default() };
/// let found = compare(&Context::new(None), &source, &source, &options)?;
/// assert!(found.identical && !found.length.0.is_bias());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(
    ctx: &Context,
    source: &Source,
    sample: &Source,
    options: &CompareOptions,
) -> Result<Comparison> {
    for (name, side) in [("source", source), ("sample", sample)] {
        if side.rows() == 0 {
            return Err(Error::Argument(format!(
                "the {name} has no rows; there is nothing to compare"
            )));
        }
    }
    let text = text_of(ctx, source, options)?;
    // Both must have the same text, so that leaves stand side by side.
    let of_sample =
        named_columns(sample, &text.paths()).map_err(|error| within("sample", error))?;
    let (n, rows) = (sample.rows(), source.rows());
    let random = uniform(ctx, rows, n.min(rows), RANDOM_SEED)?;
    let held = (HELD_OUT as f64 / rows as f64).min(HELD_SHARE);
    let counted = (COUNTED_ROWS / rows as f64).min(1.0);
    let plan = |side: &Source, text: TextColumns, whose: &str| {
        Ok::<_, Error>(ProfileOptions {
            text,
            by: options.by.as_ref().map(|by| find_values(side, by, whose)).transpose()?,
            max_chars: options.max_chars,
            held_below: (held * u64::MAX as f64) as u64,
            counted_below: (counted * u64::MAX as f64) as u64,
            random: None,
        })
    };
    // Both schemas are looked at before the long reading starts.
    let (source_plan, sample_plan) =
        (plan(source, text.clone(), "source")?, plan(sample, of_sample, "sample")?);
    let source_plan = ProfileOptions { random: Some(random), ..source_plan };
    let source = profile(ctx, source, &source_plan)?;
    let sample = profile(ctx, sample, &sample_plan)?;
    judge(ctx, text, source, sample, options.by.is_some())
}

fn judge(
    ctx: &Context,
    text: TextColumns,
    source: Profile,
    sample: Profile,
    by: bool,
) -> Result<Comparison> {
    let (rows, n) = (source.texts.rows.rows, sample.texts.rows.rows);
    let (_, contained) = sample.texts.copies.found_in(&source.texts.copies);
    let size =
        Size { sample: n as f64, source: rows as f64, contained: contained > 0.999 && n <= rows };
    let counted = Size {
        sample: sample.groups.rows().max(1) as f64,
        source: source.groups.rows().max(1) as f64,
        ..size
    };
    let alpha = FALSE_ALARMS / if by { 3.0 } else { 2.0 };
    let (distance, at) = source.texts.rows.kolmogorov_smirnov(&sample.texts.rows);
    let mut whole = source.drawn.clone();
    if let Some(rest) = &source.rest {
        whole.merge(rest);
    }
    let fraction = (n as f64 / rows as f64).min(1.0);
    let held: Vec<&str> = source.held_out.values().map(String::as_str).collect();
    let (over, under) = represented(&whole, &sample, &source);
    let counts: Vec<(u64, u64)> = joined(&source.values, &sample.values).collect();
    Ok(Comparison {
        identical: n == rows && source.fingerprint == sample.fingerprint,
        contained,
        length: (stats::kolmogorov_smirnov(distance, size, alpha), at),
        values: by.then(|| stats::shares(&counts, size, alpha)),
        grams: chance::grams(ctx, &source.groups, &sample.groups, counted, alpha)?,
        divergence: (sample.drawn.divergence(&whole), source.drawn.divergence(&whole)),
        coverage: (whole.covered_by(&sample.drawn), whole.covered_by(&source.drawn)),
        types: source.types.found_in(&sample.types).0,
        repeated_expected: source.texts.copies.repeated_in_sample(fraction),
        bits: bits(&held, &sample.drawn, &source.drawn),
        held_out: (held.len(), held.iter().map(|text| text.chars().count()).sum()),
        over,
        under,
        load: whole.load(),
        text,
        source,
        sample,
    })
}

/// The counts of every value that either side has.
fn joined<'a>(
    source: &'a BTreeMap<String, u64>,
    sample: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = (u64, u64)> + 'a {
    let both = source.iter().map(|(value, &a)| (a, sample.get(value).copied().unwrap_or(0)));
    let new = sample.iter().filter(|(value, _)| !source.contains_key(*value));
    both.chain(new.map(|(_, &b)| (0, b)))
}

impl Comparison {
    /// The lengths of each text column: source, sample.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Lengths, &Lengths)> {
        let sides = self.source.texts.columns.iter().zip(&self.sample.texts.columns);
        self.text.leaves().iter().zip(sides).map(|(leaf, (a, b))| (leaf.path(), a, b))
    }

    /// The counts of each value of the `by` column: source, sample.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        let values = self.source.values.keys().chain(
            self.sample.values.keys().filter(|value| !self.source.values.contains_key(*value)),
        );
        let of = |side: &Profile, value: &str| side.values.get(value).copied().unwrap_or(0);
        values.map(move |value| (value.as_str(), of(&self.source, value), of(&self.sample, value)))
    }
}
