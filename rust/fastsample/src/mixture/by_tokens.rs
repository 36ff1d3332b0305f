//! Mixtures by tokens: of each source the rows of a uniform draw that fit into its quota of tokens.
//!
//! ```text
//! quotas of the budget by the largest remainder
//! each source: its rows in the order of the draw, while their tokens fit into its quota
//! a source that has fewer tokens in all: the draw fails, or ends there, or the others give the rest
//! (quotas again), or its rows come again: quota / tokens whole passes, and a draw of the remainder
//! ```
//!
//! Only the rows drawn are counted, of sources that run out all rows, and none twice.

use super::options::{Exhausted, SourceTokens};
use super::quotas::{Divided, Quotas, Sharing};
use crate::columns::named_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::select::Selection;
use crate::source::{NamedSources, Source};
use crate::tokens::{Measure, TokenPrefix, Tokenizer, UniformOrder};

/// The sources of a mixture by tokens, as far as they are counted.
pub(super) struct TokenSources<'a> {
    among: Sharing<'a>,
    budget: u64,
    /// None for a source without a share, which is not looked at.
    counted: Vec<Option<TokenPrefix>>,
}

/// What a source gives: passes over all rows, and the first rows of the draw once more.
pub(super) struct TokenPasses {
    pub(super) whole: u64,
    pub(super) rest: Option<Selection>,
    /// The tokens of the rows in the order in which they come: of a whole pass, of the rest.
    pub(super) lengths: (Vec<u32>, Vec<u32>),
    pub(super) tokens: SourceTokens,
}

impl<'a> TokenSources<'a> {
    pub(super) fn new(
        ctx: &Context,
        populations: &[(String, Population)],
        among: Sharing<'a>,
        (budget, seed): (u64, u64),
        (tokenizer, text): (&Tokenizer, Option<&[String]>),
        columns: Option<&[String]>,
    ) -> Result<Self> {
        let with_share = populations.iter().zip(among.weights);
        let with_share = with_share.map(|(source, weight)| (*weight > 0).then_some(source));
        let kept = |given: Option<&(String, Population)>| {
            given.map(|(name, given)| kept_of(name, given.source(), columns)).transpose()
        };
        let sources = with_share.map(kept).collect::<Result<Vec<_>>>()?;
        check_text(&sources.iter().flatten(), text)?;
        let counted = populations.iter().zip(sources).map(|((name, population), source)| {
            let Some(source) = source else { return Ok(None) };
            let text = text.map(|names| named_in(&source, names));
            let rows = Measure::new(ctx, source, text.as_deref(), tokenizer.clone());
            let order = UniformOrder { among: population.among().clone(), seed };
            Ok(Some(TokenPrefix::new(rows.map_err(|error| of_source(name, error))?, order)))
        });
        let counted = counted.collect::<Result<_>>()?;
        Ok(Self { among, budget, counted })
    }

    fn divided(&self) -> Divided<'a> {
        Divided { all: self.budget, unit: "tokens", among: self.among }
    }

    /// The quotas of tokens, after what `exhausted` says of sources that have fewer.
    pub(super) fn quotas(&mut self, ctx: &Context, exhausted: Exhausted) -> Result<Quotas> {
        let quotas = Quotas::divide(self.budget, self.among.weights)?;
        self.count(ctx, &quotas)?;
        if exhausted == Exhausted::Renormalise {
            return self.renormalised(ctx, quotas);
        }
        // A source that was not counted to its end has enough.
        let total = |prefix: &Option<TokenPrefix>| total_of(prefix.as_ref()).unwrap_or(u64::MAX);
        let totals: Vec<u64> = self.counted.iter().map(total).collect();
        let quotas = self.divided().quotas(&totals, exhausted)?;
        if quotas.ended.is_some() {
            self.count(ctx, &quotas)?;
        }
        Ok(quotas)
    }

    /// Sources that run out give all they have, until none runs out any more.
    fn renormalised(&mut self, ctx: &Context, mut quotas: Quotas) -> Result<Quotas> {
        let mut most = vec![self.budget; self.counted.len()];
        loop {
            let mut is_done = true;
            for (place, prefix) in self.counted.iter().enumerate() {
                let has = total_of(prefix.as_ref())
                    .map(|has| has.saturating_mul(self.among.repeat[place]))
                    .filter(|&has| has <= quotas.amounts[place]);
                if let Some(has) = has.filter(|&has| has < most[place]) {
                    (most[place], is_done) = (has, false);
                }
            }
            if is_done {
                return Ok(quotas);
            }
            quotas = self.divided().renormalised(&most, "budget_tokens")?;
            self.count(ctx, &quotas)?;
        }
    }

    /// Counts the rows of each source as far as its quota. Sources without tokens are refused: no
    /// number of passes would give some.
    fn count(&mut self, ctx: &Context, quotas: &Quotas) -> Result<()> {
        for (place, prefix) in self.counted.iter_mut().enumerate() {
            let Some(prefix) = prefix else { continue };
            let name = &self.among.names[place];
            prefix.count(ctx, quotas.amounts[place]).map_err(|error| of_source(name, error))?;
            if prefix.total() == Some(0) {
                return Err(Error::Argument(format!(
                    "source {name:?} has no tokens in {}; name other columns with text_columns, or \
                     leave the source out",
                    prefix.measure().text().paths().join(", ")
                )));
            }
        }
        Ok(())
    }

    /// What each source gives of its quota.
    pub(super) fn passes(&self, quotas: &Quotas) -> Result<Vec<TokenPasses>> {
        let each = self.counted.iter().zip(&quotas.amounts).enumerate();
        each.map(|(place, (prefix, &quota))| self.passes_of(place, prefix.as_ref(), quota))
            .collect()
    }

    fn passes_of(
        &self,
        place: usize,
        prefix: Option<&TokenPrefix>,
        quota: u64,
    ) -> Result<TokenPasses> {
        let Some(prefix) = prefix else { return Ok(TokenPasses::none()) };
        let rows = prefix.measure();
        let total = prefix.total().filter(|&total| total <= quota);
        let (whole, left) = total.map_or((0, quota), |total| (quota / total, quota % total));
        // Rows without tokens would fit into nothing, too.
        let (count, drawn) = if whole > 0 && left == 0 { (0, 0) } else { prefix.within(left) };
        if whole == 0 && count == 0 {
            let (name, budget) = (&self.among.names[place], self.budget);
            return Err(Error::Argument(format!(
                "source {name:?}: the first row of its draw has {} tokens, but its share of {budget} \
                 tokens is {quota}; ask for more tokens, or leave the source out",
                prefix.first().unwrap_or_default()
            )));
        }
        let ids = prefix.ids(count);
        let rest = (count > 0).then(|| Selection::of_ids(ids, rows.source().rows())).transpose()?;
        let all = total.map_or(0, |_| prefix.counted());
        Ok(TokenPasses {
            whole,
            rest,
            lengths: (prefix.lengths_in_source(all), prefix.lengths_in_source(count)),
            tokens: SourceTokens {
                quota,
                drawn: whole * total.unwrap_or_default() + drawn,
                deviation: 0,
                text: rows.text().paths(),
                notes: rows.notes(),
            },
        })
    }
}

impl TokenPasses {
    /// Of a source without a share.
    fn none() -> Self {
        let tokens =
            SourceTokens { quota: 0, drawn: 0, deviation: 0, text: Vec::new(), notes: Vec::new() };
        Self { whole: 0, rest: None, lengths: (Vec::new(), Vec::new()), tokens }
    }
}

/// The tokens of all rows of a source, if all were counted.
fn total_of(prefix: Option<&TokenPrefix>) -> Option<u64> {
    prefix.and_then(TokenPrefix::total)
}

/// A source with those of its columns that are kept: what is not kept is not counted.
fn kept_of(name: &str, source: &Source, columns: Option<&[String]>) -> Result<Source> {
    let Some(columns) = columns else { return Ok(source.clone()) };
    let has = |column: &&String| source.schema().index_of(column).is_ok();
    let own: Vec<String> = columns.iter().filter(has).cloned().collect();
    if own.is_empty() {
        return Err(Error::Column(format!(
            "source {name:?} has none of the columns that are kept, so it has no tokens; keep a \
             text column of it, or leave the source out"
        )));
    }
    let named = NamedSources::new(vec![(name.to_owned(), source.clone())], Some(&own), None)?;
    let mut kept = named.sources.into_iter();
    kept.next().ok_or_else(|| Error::Internal("a source without itself".into()))
}

/// Fails for a text column that no source has.
fn check_text<'a>(
    sources: &(impl Iterator<Item = &'a Source> + Clone),
    text: Option<&[String]>,
) -> Result<()> {
    let is_there = |name: &String| sources.clone().any(|source| has_text(source, name));
    match text.unwrap_or_default().iter().find(|name| !is_there(name)) {
        Some(name) => Err(Error::Column(format!(
            "there is no text column {name:?} in any source; check the name"
        ))),
        None => Ok(()),
    }
}

/// Those of the text columns `names` that a source has; all of them if it has none, which is an error
/// wherever they are looked for.
fn named_in(source: &Source, names: &[String]) -> Vec<String> {
    let found: Vec<String> = names.iter().filter(|name| has_text(source, name)).cloned().collect();
    if found.is_empty() { names.to_vec() } else { found }
}

fn has_text(source: &Source, name: &String) -> bool {
    named_columns(source, std::slice::from_ref(name)).is_ok()
}

/// The error of a source, with its name.
fn of_source(name: &str, error: Error) -> Error {
    match error {
        Error::Argument(what) => Error::Argument(format!("source {name:?}: {what}")),
        Error::Column(what) => Error::Column(format!("source {name:?}: {what}")),
        other => other,
    }
}
