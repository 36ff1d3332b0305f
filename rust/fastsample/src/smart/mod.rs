//! Weighing rows by what they add, and drawing by weight.
//!
//! ```text
//!  source ─▶ pilot: a small part, its shingles counted ─┐ (for commonness and target only)
//!     │                                                  ▼
//!     └────▶ survey: one pass, Features a row ─▶ weigh: product of terms ─▶ draw: bottom-n of u / weight
//!             shingle, minhash, repetition        duplicates   1.5 / near-duplicates, or what is its own
//!                                                 commonness   1 / mean count of shingles elsewhere
//!                                                 length       square root, up to a limit
//!                                                 repetition   twice distinct / all shingles
//!                                                 target       share in the target / in the source
//! ```
//!
//! Every term is an integer function of a row's text and of counts over all rows, so that no order
//! of threads and no vector width can change a bit. Rows fall into three classes, and a lower one
//! is touched only when the one before is used up: rows with a weight, rows of weight 0 (too
//! short), copies of other rows.
//!
//! The pilot's counts and the survey can be made of parts of a source, on different machines,
//! serialised, and merged in any order: [`survey::grams`], [`survey::Survey`].

pub mod commonness;
mod decode;
pub mod draw;
pub mod duplicates;
pub mod entropy;
pub mod features;
pub mod fixed;
pub mod grams;
mod judge;
pub mod length;
pub mod minhash;
pub mod near;
pub mod own;
mod rank;
pub mod repetition;
mod report;
mod score;
pub mod shingle;
pub mod survey;
pub mod target;
pub mod weigh;

use self::commonness::Commonness;
use self::features::Features;
use self::grams::Grams;
use self::judge::Judged;
pub use self::rank::Ranking;
pub use self::report::{QUANTILES, SmartReport};
pub use self::score::score;
use self::survey::{Part, Survey};
use self::target::Likeness;
use self::weigh::{Term, Terms};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::select::{Selection, uniform};
use crate::source::{Source, is_text};
use crate::text;

/// Strengths of the terms; 0 switches a term off, 1 is the formula of its module.
#[derive(Debug, Clone)]
pub struct Smart {
    /// Text columns to look at; every top-level text column if none.
    pub text: Option<Vec<String>>,
    /// Exponent of 1.5 / (number of near-duplicates). Above 0, equal rows are never drawn twice
    /// while others are left.
    pub duplicates: f64,
    /// Exponent of 1 / (geometric mean of the counts of its shingles in other rows).
    pub commonness: f64,
    /// Exponent of the length factor. Above 0, rows shorter than `min_chars` come last.
    pub length: f64,
    /// Exponent of twice the share of distinct shingles.
    pub repetition: f64,
    /// Characters (of all text columns) below which a row is too short to teach.
    pub min_chars: u32,
    /// Characters beyond which training cuts a row off.
    pub max_chars: u32,
    /// Rows like these are wanted.
    pub target: Option<Target>,
}

/// What the rows drawn should be like.
#[derive(Debug, Clone)]
pub struct Target {
    /// Rows of the kind that is wanted.
    pub source: Source,
    /// Exponent of the importance ratio.
    pub strength: f64,
    /// Ratios beyond 2^clip and below 2^-clip count as that.
    pub clip: f64,
}

impl Default for Smart {
    fn default() -> Self {
        Self {
            text: None,
            duplicates: 1.0,
            commonness: 0.3,
            length: 0.125,
            repetition: 0.5,
            min_chars: 10,
            max_chars: 512,
            target: None,
        }
    }
}

/// How rows are to be chosen.
#[derive(Debug, Clone)]
pub enum Rule {
    /// By weight.
    Weighted(Smart),
    /// The rows of highest character entropy (of the first text column).
    Entropy {
        /// Text columns to look at; every top-level text column if none.
        text: Option<Vec<String>>,
    },
}

/// The rows that a smart draw chose.
#[derive(Debug)]
pub struct Choice {
    /// The rows.
    pub selection: Selection,
    /// 1 / the probability with which each was drawn, ascending by row, if it was asked for.
    pub weights: Option<Vec<f64>>,
    /// What was found.
    pub report: SmartReport,
}

/// Draws `n` rows by `rule`; `with_weights` asks for the inverse inclusion probabilities too.
///
/// # Errors
/// [`Error::Column`] for text columns that do not exist or are no text, [`Error::Argument`] for
/// strengths out of range, and whatever reading fails with.
pub fn draw(
    ctx: &Context,
    source: &Source,
    n: u64,
    seed: u64,
    rule: &Rule,
    with_weights: bool,
) -> Result<Choice> {
    match rule {
        Rule::Entropy { .. } if with_weights => {
            return Err(Error::Argument(
                "the entropy rule draws nothing at random, so its rows have no weights".into(),
            ));
        }
        Rule::Weighted(smart) if Terms::new(smart)?.all_off() => {
            return alike(ctx, source, n, seed, smart, with_weights);
        }
        _ => {}
    }
    let all = Selection::All { rows: source.rows() };
    Judged::new(ctx, source, seed, rule, &all)?.draw(ctx, n, with_weights)
}

/// The uniform draw, which needs no look at any row.
fn alike(
    ctx: &Context,
    source: &Source,
    n: u64,
    seed: u64,
    smart: &Smart,
    with_weights: bool,
) -> Result<Choice> {
    let text = text::names(source, &text::columns(source, smart.text.as_deref())?);
    let (rows, selection) = (source.rows(), uniform(ctx, source.rows(), n, seed)?);
    let weights = with_weights.then(|| vec![rows as f64 / n as f64; n as usize]);
    let report = SmartReport { text, effective_rows: rows as f64, ..SmartReport::default() };
    Ok(Choice { selection, weights, report })
}

/// Draws `n` of the rows that `features` describe, made of the columns `text`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn choose(
    ctx: &Context,
    features: Features,
    n: u64,
    seed: u64,
    terms: &Terms,
    with_weights: bool,
    text: Vec<String>,
) -> Result<Choice> {
    let all = Selection::All { rows: features.len() as u64 };
    Judged::by_weight(ctx, features, seed, terms, text, &all)?.draw(ctx, n, with_weights)
}

/// The features of all rows that the terms need: the pilot, if one is needed, then the survey.
fn features(
    ctx: &Context,
    source: &Source,
    columns: &[usize],
    smart: &Smart,
    terms: &Terms,
) -> Result<Features> {
    if source.rows() > u64::from(u32::MAX) {
        return Err(Error::Argument(format!(
            "the source has {} rows; smart sampling takes at most {} at once",
            source.rows(),
            u32::MAX
        )));
    }
    let part = Part { source, columns, first: 0 };
    let needs_pilot = terms.has(Term::Commonness) || terms.has(Term::Target);
    let mut pilot = Selection::All { rows: source.rows() };
    let (mut commonness, mut likeness) = (None, None);
    if needs_pilot {
        pilot = grams::pilot(ctx, source.rows())?;
        let counts = survey::grams(ctx, part, &pilot)?.into_counts();
        if let Some(target) = &smart.target
            && terms.has(Term::Target)
        {
            let judged = text::names(source, columns);
            let target = target_grams(ctx, &target.source, &judged, smart.text.is_some())?;
            likeness = Some(Likeness::new(target.into_counts().iter(), counts.iter()));
        }
        commonness = terms.has(Term::Commonness).then(|| Commonness::new(counts.iter()));
    }
    let survey = Survey::of(ctx, part, &pilot, commonness.as_ref(), likeness.as_ref())?;
    Ok(survey.into_features())
}

/// The shingles of a target: of its columns of the names that are judged, or of all its text if it
/// has none of those. A column that a user has `named` must be text there as well.
fn target_grams(ctx: &Context, target: &Source, judged: &[String], named: bool) -> Result<Grams> {
    let schema = target.schema();
    let is_meant = |index: usize| named || is_text(schema.field(index).data_type());
    let known = |name: &&String| schema.index_of(name).is_ok_and(is_meant);
    let known: Vec<String> = judged.iter().filter(known).cloned().collect();
    let named = (!known.is_empty()).then_some(known.as_slice());
    let columns = text::columns(target, named).map_err(|error| match error {
        Error::Column(what) => Error::Column(format!("in the target, {what}")),
        other => other,
    })?;
    if target.rows() == 0 {
        return Err(Error::Argument("the target has no rows; name one that has some".into()));
    }
    let part = Part { source: target, columns: &columns, first: 0 };
    survey::grams(ctx, part, &grams::pilot(ctx, target.rows())?)
}
