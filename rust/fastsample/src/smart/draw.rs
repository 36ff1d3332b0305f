//! Entry points of smart draws: n rows by weight or by entropy.

use super::features::Features;
use super::kinds::KindsFound;
use super::options::Rule;
use super::priority::{Choice, Priorities};
use super::terms::weight::Terms;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::select::{Selection, Strata};
use crate::text::TextColumns;

/// Draws `n` rows of a population by `rule`; `with_weights` asks for the inverse inclusion
/// probabilities too. Weights are computed among all rows of the source.
///
/// # Errors
/// [`Error::Column`] for text columns that do not exist or are no text, [`Error::Argument`] for
/// strengths out of range, and whatever reading fails with.
pub fn draw(
    ctx: &Context,
    population: &Population,
    n: u64,
    seed: u64,
    rule: &Rule,
    with_weights: bool,
) -> Result<Choice> {
    let (source, among) = (population.source(), population.among());
    match rule {
        Rule::Entropy { .. } if with_weights => {
            return Err(Error::Argument(
                "the entropy rule draws nothing at random, so its rows have no weights".into(),
            ));
        }
        Rule::Weighted(smart) if Terms::new(smart)?.all_off() => {
            let choice = Priorities::new(ctx, source, seed, rule, among)?.draw(ctx, n, false)?;
            let weight = population.rows() as f64 / n as f64;
            let weights = with_weights.then(|| vec![weight; n as usize]);
            return Ok(Choice { weights, ..choice });
        }
        _ => {}
    }
    Priorities::new(ctx, source, seed, rule, among)?.draw(ctx, n, with_weights)
}

/// Draws rows by `rule`, of each stratum its amount. Weights are computed among all rows of the
/// source.
///
/// # Errors
/// As [`draw`].
pub fn draw_strata(
    ctx: &Context,
    population: &Population,
    strata: &Strata,
    amounts: &[u64],
    seed: u64,
    rule: &Rule,
) -> Result<Choice> {
    let (source, among) = (population.source(), population.among());
    Priorities::new(ctx, source, seed, rule, among)?.draw_strata(ctx, strata, amounts)
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
    Priorities::by_weight(ctx, features, KindsFound::default(), seed, terms, text, &all)?.draw(
        ctx,
        n,
        with_weights,
    )
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
    let found = KindsFound::default();
    Priorities::by_weight(ctx, features, found, seed, terms, text, among)?.draw(ctx, n, false)
}
