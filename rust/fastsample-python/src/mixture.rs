//! Mixtures: of each of several sources its share.

use fastsample::draw::Weighting;
use fastsample::mixture::{
    self, Exhausted, MixtureOptions, MixtureSize, SourceShares, SourceTokens,
};
use fastsample::{Error, Population};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::draw::Weight;
use crate::errors::BindingResult;
use crate::report;
use crate::rule::Rule;
use crate::run::run;
use crate::sample::Sample;
use crate::source::Source;
use crate::tokens::Tokenizer;

/// A source of a mixture, as (name, rows, share wanted, rows drawn, columns that it lacks, tokens, what
/// a rule found).
type SourceFound<'py> =
    (String, u64, f64, u64, Vec<String>, Option<TokensFound>, Option<Bound<'py, PyDict>>);

/// Its tokens, as (quota, drawn, deviation, columns counted, notes).
type TokensFound = (u64, u64, u64, Vec<String>, Vec<String>);

/// How much is mixed, as the keywords of the Python function say.
fn size_of(
    n: Option<u64>,
    budget: Option<u64>,
    tokenizer: Option<&Tokenizer>,
    text: Option<Vec<String>>,
) -> Result<MixtureSize, Error> {
    match (n, budget, tokenizer) {
        (None, None, _) => Ok(MixtureSize::All),
        (Some(n), None, _) => Ok(MixtureSize::Rows(n)),
        (None, Some(budget), Some(tokenizer)) => {
            Ok(MixtureSize::Tokens { budget, tokenizer: tokenizer.core(), text })
        }
        (None, Some(_), None) => {
            Err(Error::Argument("budget_tokens needs a tokenizer; pass tokenizer=".into()))
        }
        (Some(_), Some(_), _) => Err(Error::Argument("pass n or budget_tokens".into())),
    }
}

/// Draws rows of some named sources. Returns the sample, what became of each source, and the number of
/// the source that ended the mixture early, if one did.
#[pyfunction]
#[pyo3(signature = (
    sources, seed, *, n, budget_tokens, tokenizer, text, shares, repeat, temperature, weights, rule,
    epoch, exhausted, max_epochs, columns, source_column, threads, progress
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_mixture<'py>(
    py: Python<'py>,
    sources: Vec<(String, Bound<'py, Source>)>,
    seed: u64,
    n: Option<u64>,
    budget_tokens: Option<u64>,
    tokenizer: Option<&Tokenizer>,
    text: Option<Vec<String>>,
    shares: Option<Vec<f64>>,
    repeat: Vec<u64>,
    temperature: f64,
    weights: Vec<Option<Weight>>,
    rule: Option<&Rule>,
    epoch: u64,
    exhausted: &str,
    max_epochs: Option<u64>,
    columns: Option<Vec<String>>,
    source_column: Option<String>,
    threads: Option<usize>,
    progress: Option<&Bound<'py, PyAny>>,
) -> BindingResult<(Sample, Vec<SourceFound<'py>>, Option<usize>)> {
    let exhausted = match exhausted {
        "error" => Exhausted::Fail,
        "stop" => Exhausted::Stop,
        "renormalise" => Exhausted::Renormalise,
        "repeat" => Exhausted::Repeat { max_epochs },
        other => return Err(Error::Argument(format!("exhausted is {other:?}")).into()),
    };
    let by_size = SourceShares::BySize { temperature };
    let shares = shares.map_or(by_size, SourceShares::Given);
    let size = size_of(n, budget_tokens, tokenizer, text)?;
    let rule = rule.map(Rule::core);
    let weighting = weights
        .into_iter()
        .map(|column| Weighting { column: column.map(Into::into), rule: rule.cloned() });
    let options = MixtureOptions {
        size,
        shares,
        repeat,
        weighting: weighting.collect(),
        epoch,
        exhausted,
        columns,
        label: source_column,
    };
    let open = |(name, source): (String, Bound<'_, Source>)| {
        Ok((name, source.get().drawable(py, threads, progress)?))
    };
    let named =
        sources.into_iter().map(open).collect::<BindingResult<Vec<(String, Population)>>>()?;
    let drawn = run(py, threads, progress, move |ctx| mixture::draw(ctx, named, seed, &options))?;
    let found = drawn.sources.into_iter().map(|source| -> PyResult<SourceFound<'py>> {
        let tokens = source.tokens.map(tokens_found);
        let smart = source.smart.map(|found| report::smart(py, found)).transpose()?;
        Ok((source.name, source.rows, source.wanted, source.drawn, source.missing, tokens, smart))
    });
    let found = found.collect::<PyResult<_>>()?;
    Ok((Sample::new(drawn.sample, threads), found, drawn.ended))
}

fn tokens_found(tokens: SourceTokens) -> TokensFound {
    (tokens.quota, tokens.drawn, tokens.deviation, tokens.text, tokens.notes)
}
