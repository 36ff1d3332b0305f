//! Entry points of smart draws: n rows by weight or by entropy.

use super::features::Features;
use super::kinds::KindsFound;
use super::options::{Judging, Rule};
use super::pipeline::KnownRows;
use super::priority::{Choice, Priorities};
use super::report::SmartReport;
use super::terms::weight::Terms;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::{Selection, Strata};
use crate::text::TextColumns;

/// Draws `n` rows of a population; `with_weights` asks for the inverse inclusion probabilities too.
///
/// # Errors
/// [`Error::Column`] for text columns that do not exist or are no text, [`Error::Argument`] for
/// strengths out of range, and whatever reading fails with.
pub fn draw(ctx: &Context, by: &Judging, n: u64, with_weights: bool) -> Result<Choice> {
    match by.rule {
        Rule::Entropy { .. } if with_weights => {
            return Err(Error::Argument(
                "the entropy rule draws nothing at random, so its rows have no weights".into(),
            ));
        }
        Rule::Weighted(smart) if by.factors.is_none() && Terms::new(smart)?.all_off() => {
            let choice = Priorities::new(ctx, by)?.draw(ctx, n, false)?;
            let weight = by.among.len() as f64 / n as f64;
            let weights = with_weights.then(|| vec![weight; n as usize]);
            return Ok(Choice { weights, ..choice });
        }
        _ => {}
    }
    Priorities::new(ctx, by)?.draw(ctx, n, with_weights)
}

/// Draws of each stratum its amount: the rows of a window, as [`Strata::draw_window`] does.
///
/// # Errors
/// As [`draw`].
pub fn draw_strata(
    ctx: &Context,
    by: &Judging,
    strata: &Strata,
    amounts: &[u64],
    window: u64,
) -> Result<Choice> {
    Priorities::new(ctx, by)?.draw_strata(ctx, strata, amounts, window)
}

/// The weights of all rows of a source by a rule, times other weights if there are some.
#[derive(Debug)]
pub struct RuleWeights(Priorities);

impl RuleWeights {
    /// Judges all rows.
    ///
    /// # Errors
    /// As [`draw`].
    pub fn new(ctx: &Context, by: &Judging) -> Result<Self> {
        Priorities::new(ctx, by).map(Self)
    }

    /// The weight of a row, of which only ratios count: 0 for one that is too short.
    #[must_use]
    pub fn of(&self, row: u64) -> u32 {
        self.0.weight(row as usize)
    }

    /// The same where one of rows of equal texts stands for all: 0 for the others, and for rows that
    /// may not be drawn.
    #[must_use]
    pub fn alone(&self, row: u64) -> u32 {
        self.0.weight_alone(row as usize)
    }

    /// What was found, of which `drawn` are drawn.
    #[must_use]
    pub fn report(self, drawn: &Selection) -> SmartReport {
        self.0.found(drawn)
    }
}

/// Draws `n` of the rows that `features` describe, made of `text`.
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
    text: TextColumns,
) -> Result<Choice> {
    let all = Selection::All { rows: features.len() as u64 };
    described(ctx, features, &all, seed, terms, text)?.draw(ctx, n, with_weights)
}

/// As [`choose`], of the rows `among` those that the features describe, without weights.
///
/// # Errors
/// [`Error::Cancelled`].
pub(crate) fn choose_among(
    ctx: &Context,
    features: Features,
    among: &Selection,
    n: u64,
    seed: u64,
    terms: &Terms,
    text: TextColumns,
) -> Result<Choice> {
    described(ctx, features, among, seed, terms, text)?.draw(ctx, n, false)
}

fn described(
    ctx: &Context,
    features: Features,
    among: &Selection,
    seed: u64,
    terms: &Terms,
    text: TextColumns,
) -> Result<Priorities> {
    let mut rows = features;
    let copies = rows.compare(ctx)?;
    let known = KnownRows { rows, copies, kinds: KindsFound::default(), kept: None };
    let mut found = Priorities::by_weight(ctx, known, seed, terms, text, among)?;
    found.tell_copies(among);
    Ok(found)
}
