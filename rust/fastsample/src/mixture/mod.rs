//! Mixtures: of each of several sources its share of the rows, exact by the largest remainder, in an
//! order that is even at every prefix.
//!
//! ```text
//!  sources ─▶ one schema ─▶ allocation: rows of each ─▶ uniform draws ─▶ even order ─▶ Sample
//! ```

mod temperature;

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::{Mixed, MixedPart, Sample};
use crate::select::{Allocation, check_sum, in_units, window_among};
use crate::source::{NamedSources, joined};

/// What is mixed, and how.
#[derive(Debug, Clone)]
pub struct MixtureOptions {
    /// How much of each source.
    pub shares: SourceShares,
    /// What is done where a source has fewer rows than its share.
    pub exhausted: Exhausted,
    /// The columns kept; those of all sources if none are named.
    pub columns: Option<Vec<String>>,
    /// The column that names the source of a row, if there is to be one.
    pub label: Option<String>,
}

/// How much of each source.
#[derive(Debug, Clone)]
pub enum SourceShares {
    /// These shares, which sum to 1.
    Given(Vec<f64>),
    /// In proportion to the rows to the power of 1 / T, where T is at least 1.
    BySize {
        /// T.
        temperature: f64,
    },
}

/// What is done where a source has fewer rows than its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The draw fails.
    Fail,
    /// It gives all its rows, and the others give the rest in proportion to their shares.
    Renormalise,
    /// Its rows come again: in whole passes, and then a draw of them.
    Repeat {
        /// How often a row may come.
        max_epochs: Option<u64>,
    },
}

/// What became of a source.
#[derive(Debug, Clone)]
pub struct SourceDraw {
    /// Its name.
    pub name: String,
    /// Rows that may be drawn.
    pub rows: u64,
    /// Its share, as it was asked for.
    pub wanted: f64,
    /// Rows drawn, in all passes.
    pub drawn: u64,
    /// Columns of others that it lacks.
    pub missing: Vec<String>,
}

/// Draws `n` rows of some named sources: of each the rows that a uniform draw of its number gives.
///
/// # Errors
/// [`Error::Argument`] for a source without rows, for shares that do not sum to 1, and where there are
/// not enough rows; [`Error::Schema`] and [`Error::Column`] for columns that do not fit together.
pub fn draw(
    ctx: &Context,
    populations: Vec<(String, Population)>,
    n: u64,
    seed: u64,
    options: &MixtureOptions,
) -> Result<(Sample, Vec<SourceDraw>)> {
    let names: Vec<String> = populations.iter().map(|(name, _)| name.clone()).collect();
    let rows: Vec<u64> = populations.iter().map(|(_, population)| population.rows()).collect();
    check(&names, &rows, n)?;
    let (weights, wanted) = weights_of(&options.shares, &rows)?;
    let numbers = numbers_of(n, &names, &rows, &weights, options.exhausted)?;
    let (populations, among): (Vec<_>, Vec<_>) = populations
        .into_iter()
        .map(|(name, population)| {
            let among = population.among().clone();
            ((name, population.into_source()), among)
        })
        .unzip();
    let (columns, label) = (options.columns.as_deref(), options.label.as_deref());
    let NamedSources { sources, missing } = NamedSources::new(populations, columns, label)?;
    let all = joined(&sources)?;
    let mut parts = Vec::new();
    for (((name, source), among), &n) in names.iter().zip(sources).zip(among).zip(&numbers) {
        let (whole, rest) = (n / among.len(), n % among.len());
        let rest = (rest > 0).then(|| window_among(ctx, &among, rest, seed, 0)).transpose()?;
        parts.push(MixedPart { name: name.clone(), source, among, whole, rest });
    }
    let drawn = names.into_iter().zip(rows).zip(wanted).zip(numbers).zip(missing);
    let report = drawn.map(|((((name, rows), wanted), drawn), missing)| SourceDraw {
        name,
        rows,
        wanted,
        drawn,
        missing,
    });
    let report = report.collect();
    Ok((Sample::of_mixed(all, Mixed::new(parts)?, seed), report))
}

fn check(names: &[String], rows: &[u64], n: u64) -> Result<()> {
    if names.is_empty() {
        return Err(Error::Argument("no source was given; name at least one".into()));
    }
    if n == 0 {
        return Err(Error::Argument("n is 0; ask for at least one row".into()));
    }
    for (index, (name, rows)) in names.iter().zip(rows).enumerate() {
        if *rows == 0 {
            return Err(Error::Argument(format!(
                "source {name:?} has 0 rows; check that the right files are named, or leave it out"
            )));
        }
        if names[..index].contains(name) {
            return Err(Error::Argument(format!("source {name:?} is named twice")));
        }
    }
    Ok(())
}

/// The weight of each source in whole numbers, and its share.
fn weights_of(shares: &SourceShares, rows: &[u64]) -> Result<(Vec<u64>, Vec<f64>)> {
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
            let is_plain = temperature <= 1.0;
            let weights =
                if is_plain { rows.to_vec() } else { temperature::weights(rows, temperature) };
            let all = weights.iter().map(|&weight| weight as f64).sum::<f64>();
            let shares = weights.iter().map(|&weight| weight as f64 / all).collect();
            Ok((weights, shares))
        }
    }
}

/// The number of rows of each source.
fn numbers_of(
    n: u64,
    names: &[String],
    rows: &[u64],
    weights: &[u64],
    exhausted: Exhausted,
) -> Result<Vec<u64>> {
    let allocation = Allocation::Weights(weights.to_vec());
    let there = rows.iter().zip(weights).filter(|(_, weight)| **weight > 0);
    let there = there.fold(0_u64, |all, (&rows, _)| all.saturating_add(rows));
    if exhausted == Exhausted::Renormalise {
        if n > there {
            return Err(Error::Argument(format!(
                "n is {n}, but the sources that have a share have only {there} rows; ask for at \
                 most {there}, or repeat rows with exhausted=\"repeat\""
            )));
        }
        return Ok(allocation.divide(n, rows)?.amounts);
    }
    let numbers = allocation.divide(n, &vec![n; rows.len()])?.amounts;
    let epochs = match exhausted {
        Exhausted::Repeat { max_epochs } => max_epochs.unwrap_or(u64::MAX),
        Exhausted::Fail | Exhausted::Renormalise => 1,
    };
    let most = |place: usize| rows[place].saturating_mul(epochs);
    // The source that bounds n most, as weight / rows is largest.
    let short = (0..rows.len()).filter(|&place| numbers[place] > most(place)).max_by(|&a, &b| {
        let key = |one: usize, other: usize| u128::from(weights[one]) * u128::from(rows[other]);
        key(a, b).cmp(&key(b, a)).then(b.cmp(&a))
    });
    let Some(place) = short else { return Ok(numbers) };
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let bound = u128::from(most(place)) * total / u128::from(weights[place]);
    let (name, has, lacks) = (&names[place], rows[place], numbers[place]);
    if exhausted != Exhausted::Fail {
        return Err(Error::Argument(format!(
            "source {name:?} has {has} rows, which is {} rows with max_epochs={epochs}, but its share \
             of {n} rows is {lacks}; ask for at most {bound} rows, raise max_epochs, or lower its share",
            most(place)
        )));
    }
    Err(Error::Argument(format!(
        "source {name:?} has {has} rows, but its share of {n} rows is {lacks}; ask for at most \
         {bound} rows, or let other sources give the rest with exhausted=\"renormalise\", or repeat \
         its rows with exhausted=\"repeat\""
    )))
}
