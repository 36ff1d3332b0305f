//! Mixtures: of each of several sources its share of the rows, or of a budget of tokens, exact by the
//! largest remainder, in an order that is even at every prefix.
//!
//! ```text
//!  sources ─▶ one schema ─▶ quotas: rows or tokens of each ─▶ uniform draws ─▶ even order ─▶ Sample
//! ```
//!
//! - `options`: what is mixed, and what became of each source;
//! - `quotas`: weights out of shares, quotas out of weights;
//! - `by_tokens`: the rows that fit into quotas of tokens;
//! - `deviation`: how far from its share of the tokens a source is at a prefix.

mod by_tokens;
mod deviation;
mod options;
mod quotas;

use self::by_tokens::{TokenPasses, TokenSources};
use self::deviation::deviations;
pub use self::options::{
    Exhausted, MixtureDrawn, MixtureOptions, MixtureSize, SourceDraw, SourceShares, SourceTokens,
};
use self::quotas::{Sharing, of_rows, weights_of};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::{Mixed, MixedPart, Sample};
use crate::select::{EvenOrder, Selection, window_among};
use crate::source::{NamedSources, joined};

/// How often all rows of a source come, and which of them come once more.
type SourcePasses = (u64, Option<Selection>);

/// What is drawn of each source, in its order.
struct MixtureRows {
    passes: Vec<SourcePasses>,
    tokens: Vec<Option<SourceTokens>>,
    ended: Option<usize>,
}

/// Draws rows of some named sources: of each the rows that a uniform draw of its number, or up to its
/// budget of tokens, gives.
///
/// # Errors
/// [`Error::Argument`] for a source without rows or tokens, for shares that do not sum to 1, and where
/// there are not enough rows or tokens; [`Error::Schema`] and [`Error::Column`] for columns that do not
/// fit together.
pub fn draw(
    ctx: &Context,
    populations: Vec<(String, Population)>,
    seed: u64,
    options: &MixtureOptions,
) -> Result<MixtureDrawn> {
    let names: Vec<String> = populations.iter().map(|(name, _)| name.clone()).collect();
    let rows: Vec<u64> = populations.iter().map(|(_, population)| population.rows()).collect();
    check(&names, &rows, &options.repeat)?;
    let there: Vec<u64> =
        rows.iter().zip(&options.repeat).map(|(rows, times)| rows.saturating_mul(*times)).collect();
    let (weights, wanted) = weights_of(&options.shares, &there)?;
    let shared = Sharing { names: &names, weights: &weights, repeat: &options.repeat };
    let among: Vec<Selection> =
        populations.iter().map(|(_, population)| population.among().clone()).collect();
    let mut inputs = Vec::new();
    let MixtureRows { passes, tokens, ended } = match &options.size {
        MixtureSize::All => {
            let n = there.iter().fold(0, |sum: u64, rows| sum.saturating_add(*rows));
            by_rows(ctx, n, seed, shared, &rows, &among, options.exhausted)?
        }
        &MixtureSize::Rows(n) => by_rows(ctx, n, seed, shared, &rows, &among, options.exhausted)?,
        MixtureSize::Tokens { budget, tokenizer, text } => {
            inputs = tokenizer.inputs();
            let counter = (tokenizer, text.as_deref());
            let size = (*budget, seed);
            let columns = options.columns.as_deref();
            let sources = TokenSources::new(ctx, &populations, shared, size, counter, columns)?;
            by_tokens(ctx, sources, &among, options.exhausted)?
        }
    };
    let populations = populations.into_iter().map(|(name, each)| (name, each.into_source()));
    let (columns, label) = (options.columns.as_deref(), options.label.as_deref());
    let NamedSources { sources, missing } =
        NamedSources::new(populations.collect(), columns, label)?;
    let all = joined(&sources)?.with_inputs(inputs);
    let parts = names.iter().zip(sources).zip(among).zip(passes);
    let parts = parts.map(|(((name, source), among), (whole, rest))| MixedPart {
        name: name.clone(),
        source,
        among,
        whole,
        rest,
    });
    let parts: Vec<MixedPart> = parts.collect();
    let numbers: Vec<u64> = parts.iter().map(MixedPart::len).collect();
    let found = names.into_iter().zip(rows).zip(wanted).zip(numbers).zip(missing).zip(tokens);
    let sources = found.map(|(((((name, rows), wanted), drawn), missing), tokens)| SourceDraw {
        name,
        rows,
        wanted,
        drawn,
        missing,
        tokens,
    });
    let sources = sources.collect();
    let sample = Sample::of_mixed(all, Mixed::new(parts)?, seed);
    Ok(MixtureDrawn { sample, sources, ended })
}

fn check(names: &[String], rows: &[u64], repeat: &[u64]) -> Result<()> {
    if repeat.len() != names.len() || repeat.contains(&0) {
        return Err(Error::Internal("sources without a number of copies".into()));
    }
    if names.is_empty() {
        return Err(Error::Argument("no source was given; name at least one".into()));
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

/// Of each source its number of rows.
fn by_rows(
    ctx: &Context,
    n: u64,
    seed: u64,
    shared: Sharing<'_>,
    rows: &[u64],
    among: &[Selection],
    exhausted: Exhausted,
) -> Result<MixtureRows> {
    if n == 0 {
        return Err(Error::Argument("n is 0; ask for at least one row".into()));
    }
    let quotas = of_rows(n, shared, rows, exhausted)?;
    let passes = among.iter().zip(&quotas.amounts).map(|(among, &n)| -> Result<SourcePasses> {
        let (whole, rest) = (n / among.len(), n % among.len());
        let rest = (rest > 0).then(|| window_among(ctx, among, rest, seed, 0)).transpose()?;
        Ok((whole, rest))
    });
    let passes = passes.collect::<Result<_>>()?;
    Ok(MixtureRows { passes, tokens: vec![None; rows.len()], ended: quotas.ended })
}

/// Of each source the rows that fit into its quota of tokens.
fn by_tokens(
    ctx: &Context,
    mut sources: TokenSources<'_>,
    among: &[Selection],
    exhausted: Exhausted,
) -> Result<MixtureRows> {
    let quotas = sources.quotas(ctx, exhausted)?;
    let mut drawn = sources.passes(&quotas)?;
    let rows = |(among, each): (&Selection, &TokenPasses)| {
        let rest = each.rest.as_ref().map_or(0, Selection::len);
        each.whole.saturating_mul(among.len()).saturating_add(rest)
    };
    let rows: Vec<u64> = among.iter().zip(&drawn).map(rows).collect();
    let lengths = drawn.iter().map(|each| {
        let (all, rest) = &each.lengths;
        let whole = (0..each.whole).flat_map(move |_| all.iter().copied());
        Box::new(whole.chain(rest.iter().copied())) as Box<dyn Iterator<Item = u32>>
    });
    let tokens: Vec<u64> = drawn.iter().map(|each| each.tokens.drawn).collect();
    let off = deviations(ctx, EvenOrder::new(&rows)?, lengths.collect(), &tokens)?;
    drawn.iter_mut().zip(off).for_each(|(each, off)| each.tokens.deviation = off);
    let (passes, tokens) =
        drawn.into_iter().map(|each| ((each.whole, each.rest), Some(each.tokens))).unzip();
    Ok(MixtureRows { passes, tokens, ended: quotas.ended })
}
