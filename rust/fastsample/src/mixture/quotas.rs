//! How much each source gives: weights out of shares, quotas out of weights.

use super::options::{Exhausted, SourceShares};
use crate::error::{Error, Result};
use crate::select::{Allocation, check_sum, in_units};

/// What each source gives, in rows or tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quotas {
    pub(super) amounts: Vec<u64>,
    /// The source that ended the mixture, where less was divided than was asked for.
    pub(super) ended: Option<usize>,
}

impl Quotas {
    /// Divides `all` in proportion to `weights`, whatever the sources have.
    pub(super) fn divide(all: u64, weights: &[u64]) -> Result<Self> {
        Self::within(all, weights, &vec![all; weights.len()])
    }

    /// As [`Quotas::divide`], where a source gives `most` at the most, and the others the rest.
    pub(super) fn within(all: u64, weights: &[u64], most: &[u64]) -> Result<Self> {
        let allocation = Allocation::Weights(weights.to_vec());
        Ok(Self { amounts: allocation.divide(all, most)?.amounts, ended: None })
    }
}

/// The weight of each source in whole numbers, and its share.
pub(super) fn weights_of(shares: &SourceShares, rows: &[u64]) -> Result<(Vec<u64>, Vec<f64>)> {
    match shares {
        SourceShares::Given(shares) => {
            if let Some(share) = shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
                return Err(Error::Argument(format!(
                    "a source has the share {share}; it must be from 0 to 1"
                )));
            }
            if shares.len() != rows.len() {
                return Err(Error::Internal("not as many shares as sources".into()));
            }
            check_sum(shares.iter().copied(), "the sources")?;
            Ok((shares.iter().map(|&share| in_units(share)).collect(), shares.clone()))
        }
        &SourceShares::BySize { temperature } => {
            if temperature.is_nan() || temperature < 1.0 {
                return Err(Error::Argument(format!(
                    "temperature is {temperature}; it must be at least 1"
                )));
            }
            let weights = Allocation::Temperature(temperature).weights(rows);
            let all = weights.iter().map(|&weight| weight as f64).sum::<f64>();
            let shares = weights.iter().map(|&weight| weight as f64 / all).collect();
            Ok((weights, shares))
        }
    }
}

/// Of the sources `short`, which can give `most` at the most, the one that bounds the mixture, and how
/// much can be mixed with it.
fn tightest(
    short: impl Iterator<Item = usize>,
    most: &[u64],
    weights: &[u64],
) -> Option<(usize, u64)> {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let bound = |place: usize| {
        let bound =
            u128::from(most[place]).saturating_mul(total) / u128::from(weights[place].max(1));
        u64::try_from(bound).unwrap_or(u64::MAX)
    };
    short.map(|place| (place, bound(place))).min_by_key(|&(place, bound)| (bound, place))
}

/// The sources that share a mixture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharing<'a> {
    pub(super) names: &'a [String],
    pub(super) weights: &'a [u64],
    /// How often the rows of each are there.
    pub(super) repeat: &'a [u64],
}

impl Sharing<'_> {
    /// What each source can give, of all that it `has`.
    pub(super) fn most(&self, has: &[u64]) -> Vec<u64> {
        has.iter().zip(self.repeat).map(|(has, times)| has.saturating_mul(*times)).collect()
    }
}

/// What is divided among sources: so many rows, or tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divided<'a> {
    pub(super) all: u64,
    /// "rows" or "tokens".
    pub(super) unit: &'static str,
    pub(super) among: Sharing<'a>,
}

impl Divided<'_> {
    /// The quotas where a source that `has` less than its share ends the mixture, or is an error, or
    /// comes again.
    pub(super) fn quotas(&self, has: &[u64], exhausted: Exhausted) -> Result<Quotas> {
        let Self { all, unit, among } = *self;
        let Sharing { names, weights, repeat } = among;
        let quotas = Quotas::divide(all, weights)?;
        let epochs = match exhausted {
            Exhausted::Repeat { max_epochs } => max_epochs.unwrap_or(u64::MAX),
            Exhausted::Fail | Exhausted::Stop | Exhausted::Renormalise => 1,
        };
        let most: Vec<u64> =
            among.most(has).into_iter().map(|most| most.saturating_mul(epochs)).collect();
        let short = (0..has.len()).filter(|&place| quotas.amounts[place] > most[place]);
        let Some((place, bound)) = tightest(short, &most, weights) else { return Ok(quotas) };
        let (name, has, most, lacks) =
            (&names[place], has[place], most[place], quotas.amounts[place]);
        let times = match repeat[place] {
            1 => String::new(),
            times => format!(", which is {most} {unit} with repeat={times}"),
        };
        match exhausted {
            Exhausted::Stop => Ok(Quotas { ended: Some(place), ..Quotas::divide(bound, weights)? }),
            Exhausted::Repeat { .. } => Err(Error::Argument(format!(
                "source {name:?} has {has} {unit}, which is {most} {unit} with \
                 max_epochs={epochs}, but its share of {all} {unit} is {lacks}; ask for at most \
                 {bound} {unit}, raise max_epochs, or lower its share"
            ))),
            Exhausted::Fail | Exhausted::Renormalise => Err(Error::Argument(format!(
                "source {name:?} has {has} {unit}{times}, but its share of {all} {unit} is {lacks}; ask \
                 for at most {bound} {unit}, or let other sources give the rest with \
                 exhausted=\"renormalise\", or repeat its rows with exhausted=\"repeat\", or end \
                 there with exhausted=\"stop\""
            ))),
        }
    }

    /// The quotas where a source gives `most` at the most, and the others give the rest. `amount` is
    /// how the user names what is divided.
    pub(super) fn renormalised(&self, most: &[u64], amount: &str) -> Result<Quotas> {
        let Self { all, unit, among: Sharing { weights, .. } } = *self;
        let there = most.iter().zip(weights).filter(|(_, weight)| **weight > 0);
        let there = there.fold(0_u64, |sum, (&most, _)| sum.saturating_add(most));
        if all > there {
            return Err(Error::Argument(format!(
                "{amount} is {all}, but the sources that have a share have only {there} {unit}; ask \
                 for at most {there}, or repeat rows with repeat= or exhausted=\"repeat\""
            )));
        }
        Quotas::within(all, weights, most)
    }
}

/// The number of rows of each source.
pub(super) fn of_rows(
    n: u64,
    among: Sharing<'_>,
    rows: &[u64],
    exhausted: Exhausted,
) -> Result<Quotas> {
    let divided = Divided { all: n, unit: "rows", among };
    match exhausted {
        Exhausted::Renormalise => divided.renormalised(&among.most(rows), "n"),
        _ => divided.quotas(rows, exhausted),
    }
}
