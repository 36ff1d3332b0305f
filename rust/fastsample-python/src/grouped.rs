//! Draws of whole groups.

use fastsample::grouped::{self, GroupedOptions, WholeGroups};
use fastsample::tokens::Measure;
use fastsample::{Amount as CoreAmount, Sample as CoreSample};
use pyo3::prelude::*;

use crate::draw::named;
use crate::errors::BindingResult;
use crate::run::run;
use crate::sample::Sample;
use crate::source::{Amount, Source};
use crate::tokens::{Tokenizer, limits};

/// All groups, groups drawn, rows asked for, epochs of which no two share a group.
type GroupsFound = (u64, u64, u64, u64);

fn told(found: WholeGroups) -> GroupsFound {
    (found.count, found.drawn, found.wanted, found.epochs)
}

/// Draws whole groups of rows: those of an epoch, by the mean of their weights if a column has some.
#[pyfunction]
#[pyo3(signature = (
    source, amount, seed, *, group, weight, text, threads, progress, epoch=0
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_grouped(
    py: Python<'_>,
    source: &Source,
    amount: Amount,
    seed: u64,
    group: Vec<String>,
    weight: Option<String>,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    epoch: u64,
) -> BindingResult<(Sample, GroupsFound)> {
    let population = source.drawable(py, threads, progress)?;
    let text = named(population.source(), text)?;
    let options = GroupedOptions { group, weight, epoch };
    let (sample, found) = run(py, threads, progress, move |ctx| {
        grouped::draw(ctx, population, amount.into(), seed, &options)
    })?;
    let sample = Sample::new(text.into_iter().fold(sample, CoreSample::with_text), threads);
    Ok((sample, told(found)))
}

/// The sample, its groups, its tokens, rows that are too long, notes.
type GroupsByTokens = (Sample, GroupsFound, u64, u64, Vec<String>);

/// Draws whole groups of rows of at most `max_tokens` each, or groups worth a budget of tokens.
#[pyfunction]
#[pyo3(signature = (
    source, amount, seed, *, tokenizer, budget, max_tokens, group, weight, text, threads, progress
))]
#[expect(clippy::too_many_arguments, reason = "the keywords of the Python function")]
pub(crate) fn draw_grouped_by_tokens(
    py: Python<'_>,
    source: &Source,
    amount: Option<Amount>,
    seed: u64,
    tokenizer: &Tokenizer,
    budget: Option<u64>,
    max_tokens: Option<u32>,
    group: Vec<String>,
    weight: Option<String>,
    text: Option<Vec<String>>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> BindingResult<GroupsByTokens> {
    let population = source.drawable(py, threads, progress)?;
    let n = population.count(amount.map_or(CoreAmount::Rows(1), Into::into))?;
    let limits = limits(amount.map(|_| n), budget, max_tokens)?;
    let tokenizer = tokenizer.core();
    let options = GroupedOptions { group, weight, epoch: 0 };
    let (sample, groups, found, notes) = run(py, threads, progress, move |ctx| {
        let rows = Measure::new(ctx, population.source().clone(), text.as_deref(), tokenizer)?;
        let (sample, groups, found) =
            grouped::draw_by_tokens(ctx, population, &rows, limits, seed, &options)?;
        Ok((sample, groups, found, rows.notes()))
    })?;
    Ok((Sample::new(sample, threads), told(groups), found.tokens, found.too_long, notes))
}
