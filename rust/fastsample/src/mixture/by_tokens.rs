//! Mixtures by tokens: of each source the rows of its draw that fit into its quota of tokens.
//!
//! ```text
//! quotas of the budget by the largest remainder
//! each source: its rows in the order of the draw, while their tokens fit into its quota
//! a source that has fewer tokens in all: the draw fails, or ends there, or the others give the rest
//! (quotas again), or its rows come again: quota / tokens whole passes, and a draw of the remainder
//! ```
//!
//! Only the rows drawn are counted, of sources that run out all rows, and none twice.

use std::ops::Range;

use super::options::{Exhausted, SourceTokens};
use super::quotas::{Divided, Quotas, Sharing};
use super::sources::{check_text, named_in, of_source};
use crate::draw::DrawOrder;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::Selection;
use crate::smart::SmartReport;
use crate::source::Source;
use crate::tokens::{Goal, Measure, TokenLimits, TokenPrefix, Tokenizer};

/// The sources of a mixture by tokens, as far as they are counted.
pub(super) struct TokenSources<'a> {
    among: Sharing<'a>,
    budget: u64,
    /// None for a source without a share, which is not looked at.
    counted: Vec<Option<TokenPrefix<DrawOrder>>>,
}

/// What a source gives: passes over all rows, and the first rows of the draw once more.
pub(super) struct TokenPasses {
    pub(super) whole: u64,
    pub(super) rest: Option<Selection>,
    /// The tokens of the rows in the order in which they come: of a whole pass, of the rest.
    pub(super) lengths: (Vec<u32>, Vec<u32>),
    pub(super) tokens: SourceTokens,
    /// What a rule found.
    pub(super) smart: Option<SmartReport>,
}

impl<'a> TokenSources<'a> {
    pub(super) fn new(
        ctx: &Context,
        (orders, read): (Vec<DrawOrder>, Vec<Option<Source>>),
        among: Sharing<'a>,
        budget: u64,
        (tokenizer, text): (&Tokenizer, Option<&[String]>),
    ) -> Result<Self> {
        check_text(&read, text)?;
        let counted = among.names.iter().zip(orders).zip(read);
        let counted = counted.map(|((name, order), source)| {
            let Some(source) = source else { return Ok(None) };
            let text = text.map(|names| named_in(&source, names));
            let rows = Measure::new(ctx, source, text.as_deref(), tokenizer.clone());
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
        let total =
            |prefix: &Option<TokenPrefix<DrawOrder>>| total_of(prefix.as_ref()).unwrap_or(u64::MAX);
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

    /// What each source gives of its quota, in an epoch.
    pub(super) fn passes(
        &mut self,
        ctx: &Context,
        quotas: &Quotas,
        epoch: u64,
    ) -> Result<Vec<TokenPasses>> {
        let (among, budget) = (self.among, self.budget);
        let each = self.counted.iter_mut().zip(&quotas.amounts).zip(among.names);
        let each = each.map(|((prefix, &quota), name)| {
            let Some(prefix) = prefix else { return Ok(TokenPasses::none()) };
            let share = SourceShare { name, budget, quota };
            share.passes(ctx, prefix, epoch)
        });
        each.collect()
    }
}

/// What a source is asked for.
#[derive(Debug, Clone, Copy)]
struct SourceShare<'a> {
    name: &'a str,
    budget: u64,
    quota: u64,
}

impl SourceShare<'_> {
    fn passes(
        self,
        ctx: &Context,
        prefix: &mut TokenPrefix<DrawOrder>,
        epoch: u64,
    ) -> Result<TokenPasses> {
        let Self { quota, .. } = self;
        let total = prefix.total().filter(|&total| total <= quota);
        let (whole, left) = total.map_or((0, quota), |total| (quota / total, quota % total));
        // Rows without tokens would fit into nothing, too.
        let (places, drawn) =
            if whole > 0 && left == 0 { (0..0, 0) } else { self.window(ctx, prefix, left, epoch)? };
        if whole == 0 && places.is_empty() {
            return Err(self.too_little(prefix.first().unwrap_or_default()));
        }
        let ids = prefix.ids(places.clone());
        let (rest, smart) =
            (!ids.is_empty()).then(|| prefix.order().chosen(ids)).transpose()?.unzip();
        let smart = if whole > 0 { prefix.order().found()? } else { smart.flatten() };
        let all = 0..total.map_or(0, |_| prefix.counted());
        let rows = prefix.measure();
        Ok(TokenPasses {
            whole,
            rest,
            lengths: (prefix.lengths_in_source(all), prefix.lengths_in_source(places)),
            tokens: SourceTokens {
                quota,
                drawn: whole * total.unwrap_or_default() + drawn,
                deviation: 0,
                text: rows.text().paths(),
                notes: rows.notes(),
            },
            smart,
        })
    }

    /// The places of the rows of an epoch, of `left` tokens at the most, and the tokens that they have.
    fn window(
        self,
        ctx: &Context,
        prefix: &mut TokenPrefix<DrawOrder>,
        left: u64,
        epoch: u64,
    ) -> Result<(Range<usize>, u64)> {
        let (first, mut drawn) = prefix.within(left);
        let mut places = 0..first;
        if first == 0 {
            return Ok((places, 0));
        }
        let limits = TokenLimits { goal: Goal::Tokens(left), max_tokens: None };
        for number in 1..=epoch {
            let next = prefix.window(ctx, limits, places.end);
            let next = next.map_err(|error| of_source(self.name, error))?;
            let Some((rows, end)) = next else {
                return Err(Error::Argument(format!(
                    "source {:?}: epoch {number} is behind its last row: there are {number} epochs of \
                     {left} tokens",
                    self.name
                )));
            };
            (places, drawn) = (places.end..end, rows.tokens);
        }
        Ok((places, drawn))
    }

    fn too_little(self, tokens: u32) -> Error {
        let Self { name, budget, quota } = self;
        Error::Argument(format!(
            "source {name:?}: the first row of its draw has {tokens} tokens, but its share of {budget} \
             tokens is {quota}; ask for more tokens, or leave the source out"
        ))
    }
}

impl TokenPasses {
    /// Of a source without a share.
    fn none() -> Self {
        let tokens =
            SourceTokens { quota: 0, drawn: 0, deviation: 0, text: Vec::new(), notes: Vec::new() };
        Self { whole: 0, rest: None, lengths: (Vec::new(), Vec::new()), tokens, smart: None }
    }
}

/// The tokens of all rows of a source, if all were counted.
fn total_of(prefix: Option<&TokenPrefix<DrawOrder>>) -> Option<u64> {
    prefix.and_then(TokenPrefix::total)
}
