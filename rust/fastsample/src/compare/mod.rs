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
//! - [`stats`]: whether a distance is larger than chance explains;
//! - [`chance`]: the same for n-grams, by a permutation test.
//!
//! Rows whose hash of content is small are set aside in *both* data sets and counted in neither, so
//! that no copy of a text that is to be predicted is learnt. The rows of a random sample as large as
//! the one that is judged are counted apart in the same pass.

pub mod chance;
pub mod grams;
pub mod profile;
pub mod stats;

use std::collections::{BTreeMap, HashMap};

use arrow_schema::DataType;

use self::grams::{Gram, Grams};
use self::profile::{HELD_OUT, Profile, ProfileOptions, profile};
use self::stats::{Distance, Size};
use crate::columns::{named_columns, text_columns};
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

/// Prior strengths of the n-gram model that are tried.
const PRIORS: [f64; 6] = [0.3, 1.0, 4.0, 16.0, 64.0, 256.0];

/// N-grams listed in each direction.
const LISTED: usize = 20;

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// Text columns; the default of [`crate::text`] but `by` if none.
    pub text: Option<Vec<String>>,
    /// A column whose values' shares are compared.
    pub by: Option<String>,
    /// Characters (all text columns together) at which training cuts a row off.
    pub max_chars: usize,
}

/// An n-gram that one of the two has more of.
#[derive(Debug, Clone, PartialEq)]
pub struct Represented {
    /// The n-gram.
    pub text: String,
    /// Occurrences per million characters of the source.
    pub source: f64,
    /// Occurrences per million characters of the sample.
    pub sample: f64,
}

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

/// Bits a character under both models, each with the prior that suits it best.
fn bits(texts: &[&str], sample: &Grams, random: &Grams) -> Option<(f64, f64, f64)> {
    let chars: Vec<f64> = texts.iter().map(|text| text.chars().count() as f64).collect();
    let all: f64 = chars.iter().sum();
    if all == 0.0 || sample.total == 0 || random.total == 0 {
        return None;
    }
    let best = |model: &Grams| {
        let by_text: Vec<_> = texts.iter().map(|text| model.bits(text, PRIORS)).collect();
        let by_prior = (0..PRIORS.len()).map(|i| by_text.iter().map(|bits| bits[i]).collect());
        by_prior.min_by(|a: &Vec<f64>, b: &Vec<f64>| {
            a.iter().sum::<f64>().total_cmp(&b.iter().sum::<f64>())
        })
    };
    let (ours, theirs) = (best(sample)?, best(random)?);
    let total = |bits: &[f64]| bits.iter().sum::<f64>() / all;
    let (a, b) = (total(&ours), total(&theirs));
    // A ratio estimator: texts are the units, characters their sizes.
    let squares = ours.iter().zip(&theirs).zip(&chars).map(|((x, y), chars)| {
        let off = x - y - (a - b) * chars;
        off * off
    });
    Some((a, b, squares.sum::<f64>().sqrt() / all))
}

/// The n-grams that differ most between sample and source, by how surprising that is.
///
/// The tables have no texts; those of the rows set aside lead to the cells.
fn represented(
    whole: &Grams,
    sample: &Profile,
    source: &Profile,
) -> (Vec<Represented>, Vec<Represented>) {
    const LEAST: u32 = 20;
    let mut seen: HashMap<u64, (Gram, u32)> = HashMap::new();
    for text in source.held_out.values().chain(sample.held_out.values()) {
        for gram in grams::grams(text).filter(|gram| gram.context > 0) {
            seen.entry(gram.hash()).or_insert((gram, 0)).1 += 1;
        }
    }
    if whole.total == 0 || sample.drawn.total == 0 {
        return (Vec::new(), Vec::new());
    }
    let (all, drawn) = (whole.total as f64, sample.drawn.total as f64);
    let mut scored: Vec<(f64, u64, Represented)> = seen
        .into_iter()
        .filter_map(|(hash, (gram, _))| {
            let (a, b) = (f64::from(whole.count(gram)), f64::from(sample.drawn.count(gram)));
            let text = gram.text();
            if a.max(b) < f64::from(LEAST) || text.chars().any(char::is_control) {
                return None;
            }
            let (p, q) = (a / all, b / drawn);
            let score = (q.sqrt() - p.sqrt()) * drawn.sqrt() * 2.0;
            Some((score, hash, Represented { text, source: p * 1e6, sample: q * 1e6 }))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let over = scored.iter().take(LISTED).filter(|each| each.0 > 0.0).map(|each| each.2.clone());
    let under = scored.iter().rev().take(LISTED).filter(|each| each.0 < 0.0);
    (over.collect(), under.map(|each| each.2.clone()).collect())
}

/// The text to compare by, in the source.
fn text_of(ctx: &Context, source: &Source, options: &CompareOptions) -> Result<TextColumns> {
    let found = text_columns(ctx, source, options.text.as_deref(), "compare by");
    let found = found.map_err(|error| within("source", error))?;
    match &options.by {
        Some(by) if options.text.is_none() && found.paths().contains(by) => {
            let others: Vec<String> = found.paths().into_iter().filter(|path| path != by).collect();
            if others.is_empty() { Ok(found) } else { named_columns(source, &others) }
        }
        _ => Ok(found),
    }
}

fn within(side: &str, error: Error) -> Error {
    match error {
        Error::Column(what) if side == "sample" => Error::Column(format!(
            "in the sample, {what}; source and sample must share the columns that are compared"
        )),
        Error::Column(what) => Error::Column(format!("in the {side}, {what}")),
        other => other,
    }
}

fn find_values(side: &Source, name: &str, whose: &str) -> Result<usize> {
    let index = find(side, name, whose)?;
    let kind = side.schema().field(index).data_type();
    if arrow_cast::can_cast_types(kind, &DataType::Utf8View) {
        return Ok(index);
    }
    Err(Error::Column(format!(
        "column {name:?} of the {whose} is {kind}, whose values cannot be told apart as text; \
         choose a column of text, numbers or dates"
    )))
}

fn find(side: &Source, name: &str, whose: &str) -> Result<usize> {
    side.schema().index_of(name).map_err(|_| {
        Error::Column(format!(
            "the {whose} has no column {name:?}; its columns are {}; \
             source and sample must share the columns that are compared",
            described(side)
        ))
    })
}

fn described(side: &Source) -> String {
    let fields = side.schema().fields().iter();
    fields.map(|f| format!("{} ({})", f.name(), f.data_type())).collect::<Vec<_>>().join(", ")
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
