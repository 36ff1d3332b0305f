//! Mixtures: of each of several sources its share of the rows, or of a budget of tokens, exact by the
//! largest remainder, in an order that is even at every prefix.
//!
//! ```text
//!  sources ─▶ order of each: chance, weights, a rule ─▶ quotas: rows or tokens of each ─▶ even order
//!          ─▶ one schema ─▶ Sample
//! ```
//!
//! - `options`: what is mixed, and what became of each source;
//! - `sources`: the rows of each source in the order of its draw;
//! - `quotas`: weights out of shares, quotas out of weights;
//! - `by_tokens`: the rows that fit into quotas of tokens;
//! - `deviation`: how far from its share of the tokens a source is at a prefix.

mod by_tokens;
mod deviation;
mod options;
mod quotas;
mod sources;

use self::by_tokens::{TokenPasses, TokenSources};
use self::deviation::deviations;
pub use self::options::{
    Exhausted, MixtureDrawn, MixtureOptions, MixtureSize, SourceDraw, SourceShares, SourceTokens,
};
use self::quotas::{Sharing, of_rows, weights_of};
use self::sources::{check_text, of_source, ordered, read_sources};
use crate::draw::DrawOrder;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::sample::{Mixed, MixedPart, Sample};
use crate::select::{Amount, EvenOrder, Selection};
use crate::smart::{Rule, SmartReport};
use crate::source::{NamedSources, joined};

/// How often all rows of a source come, and which of them come once more.
type SourcePasses = (u64, Option<Selection>);

/// What is drawn of each source, in its order.
struct MixtureRows {
    passes: Vec<SourcePasses>,
    tokens: Vec<Option<SourceTokens>>,
    smart: Vec<Option<SmartReport>>,
    ended: Option<usize>,
}

/// Draws rows of some named sources: of each the rows that a draw of its number, or up to its budget of
/// tokens, gives by its weights.
///
/// # Errors
/// [`Error::Argument`] for a source without rows or tokens, for shares that do not sum to 1, and where
/// there are not enough rows or tokens; [`Error::Schema`] and [`Error::Column`] for columns that do not
/// fit together; and as [`crate::draw::draw()`].
pub fn draw(
    ctx: &Context,
    populations: Vec<(String, Population)>,
    seed: u64,
    options: &MixtureOptions,
) -> Result<MixtureDrawn> {
    let names: Vec<String> = populations.iter().map(|(name, _)| name.clone()).collect();
    check(&populations, &options.repeat)?;
    let sources = populations.iter();
    let sources = sources.map(|(name, population)| (name.clone(), population.source().clone()));
    let (columns, label) = (options.columns.as_deref(), options.label.as_deref());
    // Columns that do not fit together, and shares that make no sense, are told before a row is read.
    let NamedSources { sources, missing } = NamedSources::new(sources.collect(), columns, label)?;
    weights_of(&options.shares, &vec![1; names.len()])?;
    let rules = || options.weighting.iter().filter_map(|weighting| weighting.rule.as_ref());
    let mut inputs: Vec<_> = rules().flat_map(Rule::inputs).collect();
    let reads_text = rules().next().is_some() || options.size.counts_tokens();
    let read = if reads_text { read_sources(&populations, options)? } else { Vec::new() };
    for rule in rules() {
        check_text(&read, rule.text())?;
    }
    let orders = ordered(ctx, populations, &read, seed, options)?;
    let rows: Vec<u64> = orders.iter().map(|order| order.population().rows()).collect();
    let there: Vec<u64> =
        rows.iter().zip(&options.repeat).map(|(rows, times)| rows.saturating_mul(*times)).collect();
    let (weights, wanted) = weights_of(&options.shares, &there)?;
    let shared = Sharing { names: &names, weights: &weights, repeat: &options.repeat };
    let among: Vec<Selection> =
        orders.iter().map(|order| order.population().among().clone()).collect();
    let MixtureRows { passes, tokens, smart, ended } = match &options.size {
        MixtureSize::All => {
            let n = there.iter().fold(0, |sum: u64, rows| sum.saturating_add(*rows));
            by_rows(ctx, n, shared, &orders, options)?
        }
        &MixtureSize::Rows(n) => by_rows(ctx, n, shared, &orders, options)?,
        MixtureSize::Tokens { budget, tokenizer, text } => {
            inputs.extend(tokenizer.inputs());
            let counter = (tokenizer, text.as_deref());
            let sources = TokenSources::new(ctx, (orders, read), shared, *budget, counter)?;
            by_tokens(ctx, sources, &among, options)?
        }
    };
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
    let found = names.into_iter().zip(rows).zip(wanted).zip(numbers).zip(missing);
    let found = found.zip(tokens).zip(smart);
    let sources = found.map(|((((((name, rows), wanted), drawn), missing), tokens), smart)| {
        SourceDraw { name, rows, wanted, drawn, missing, tokens, smart }
    });
    let sources = sources.collect();
    let sample = Sample::of_mixed(all, Mixed::new(parts)?, seed);
    Ok(MixtureDrawn { sample, sources, ended })
}

fn check(populations: &[(String, Population)], repeat: &[u64]) -> Result<()> {
    if repeat.len() != populations.len() || repeat.contains(&0) {
        return Err(Error::Internal("sources without a number of copies".into()));
    }
    if populations.is_empty() {
        return Err(Error::Argument("no source was given; name at least one".into()));
    }
    for (index, (name, population)) in populations.iter().enumerate() {
        if population.source().rows() == 0 {
            return Err(Error::Argument(format!(
                "source {name:?} has 0 rows; check that the right files are named, or leave it out"
            )));
        }
        population.count(Amount::Rows(1)).map_err(|error| of_source(name, error))?;
        if populations[..index].iter().any(|(other, _)| other == name) {
            return Err(Error::Argument(format!("source {name:?} is named twice")));
        }
    }
    Ok(())
}

/// Of each source its number of rows.
fn by_rows(
    ctx: &Context,
    n: u64,
    shared: Sharing<'_>,
    orders: &[DrawOrder],
    options: &MixtureOptions,
) -> Result<MixtureRows> {
    if n == 0 {
        return Err(Error::Argument("n is 0; ask for at least one row".into()));
    }
    let rows: Vec<u64> = orders.iter().map(|order| order.population().rows()).collect();
    let quotas = of_rows(n, shared, &rows, options.exhausted)?;
    let each = orders.iter().zip(&rows).zip(&quotas.amounts).zip(shared.names);
    let each = each.map(|(((order, &rows), &n), name)| -> Result<_> {
        let (whole, rest) = (n / rows, n % rows);
        let first = options.epoch.saturating_mul(rest);
        let window = || order.window(ctx, first, rest).map_err(|error| of_source(name, error));
        let (drawn, found) = (rest > 0).then(window).transpose()?.unzip();
        let found = if whole > 0 { order.found()? } else { found.flatten() };
        Ok(((whole, drawn), found))
    });
    let (passes, smart) = each.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    Ok(MixtureRows { passes, tokens: vec![None; rows.len()], smart, ended: quotas.ended })
}

/// Of each source the rows that fit into its quota of tokens.
fn by_tokens(
    ctx: &Context,
    mut sources: TokenSources<'_>,
    among: &[Selection],
    options: &MixtureOptions,
) -> Result<MixtureRows> {
    let quotas = sources.quotas(ctx, options.exhausted)?;
    let mut drawn = sources.passes(ctx, &quotas, options.epoch)?;
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
    let mut found =
        MixtureRows { passes: vec![], tokens: vec![], smart: vec![], ended: quotas.ended };
    for each in drawn {
        found.passes.push((each.whole, each.rest));
        found.tokens.push(Some(each.tokens));
        found.smart.push(each.smart);
    }
    Ok(found)
}
