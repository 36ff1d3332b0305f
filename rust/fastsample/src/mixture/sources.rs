//! The sources of a mixture: those of their columns that are kept, their text, the order of their rows.

use super::options::MixtureOptions;
use crate::columns::named_columns;
use crate::draw::{DrawOrder, DrawPlan, DrawSize, check_combination};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::population::Population;
use crate::select::Amount;
use crate::source::{NamedSources, Source};

/// The sources whose text is read, with those of their columns that are kept; none for one without a
/// share.
///
/// # Errors
/// [`Error::Column`] for a source that keeps no column.
pub(super) fn read_sources(
    populations: &[(String, Population)],
    options: &MixtureOptions,
) -> Result<Vec<Option<Source>>> {
    let each = populations.iter().enumerate().map(|(place, (name, population))| {
        let has_share = options.shares.has(place);
        let kept = || kept_of(name, population.source(), options.columns.as_deref());
        has_share.then(kept).transpose()
    });
    each.collect()
}

/// The rows of each source in the order in which they are drawn, judged by the text of `read`. Those of a
/// source without a share are alike: nothing is read of it.
///
/// # Errors
/// As [`crate::draw::draw()`], with the name of the source.
pub(super) fn ordered(
    ctx: &Context,
    populations: Vec<(String, Population)>,
    read: &[Option<Source>],
    seed: u64,
    options: &MixtureOptions,
) -> Result<Vec<DrawOrder>> {
    if populations.len() != options.weighting.len() {
        return Err(Error::Internal("not as many weightings as sources".into()));
    }
    let each = populations.into_iter().zip(&options.weighting).enumerate();
    let each = each.map(|(place, ((name, population), weighting))| {
        let mut plan = DrawPlan::new(DrawSize::Rows(Amount::Rows(1)), seed);
        if options.shares.has(place) {
            plan = DrawPlan { weight: weighting.clone(), epoch: options.epoch, ..plan };
            check_combination(&plan.parts())?;
        }
        let source = read.get(place).and_then(Option::as_ref);
        let population = match (source, &mut plan.weight.rule) {
            (Some(source), Some(rule)) => {
                *rule = rule.narrowed(|names| named_in(source, names));
                population.over(source.clone())
            }
            _ => population,
        };
        let order = DrawOrder::new(ctx, population, &plan).and_then(|order| {
            // There may be no weight above 0.
            order.population().count(Amount::Rows(1))?;
            Ok(order)
        });
        order.map_err(|error| of_source(&name, error))
    });
    each.collect()
}

/// A source with those of its columns that are kept: what is not kept is not read.
fn kept_of(name: &str, source: &Source, columns: Option<&[String]>) -> Result<Source> {
    let Some(columns) = columns else { return Ok(source.clone()) };
    let has = |column: &&String| source.schema().index_of(column).is_ok();
    let own: Vec<String> = columns.iter().filter(has).cloned().collect();
    if own.is_empty() {
        return Err(Error::Column(format!(
            "source {name:?} has none of the columns that are kept, so it has no text; keep a \
             text column of it, or leave the source out"
        )));
    }
    let named = NamedSources::new(vec![(name.to_owned(), source.clone())], Some(&own), None)?;
    let mut kept = named.sources.into_iter();
    kept.next().ok_or_else(|| Error::Internal("a source without itself".into()))
}

/// Fails for a text column that none of the sources has that are read.
pub(super) fn check_text(read: &[Option<Source>], text: Option<&[String]>) -> Result<()> {
    let is_there = |name: &String| read.iter().flatten().any(|source| has_text(source, name));
    match text.unwrap_or_default().iter().find(|name| !is_there(name)) {
        Some(name) => Err(Error::Column(format!(
            "there is no text column {name:?} in any source; check the name"
        ))),
        None => Ok(()),
    }
}

/// Those of the text columns `names` that a source has; all of them if it has none, which is an error
/// wherever they are looked for.
pub(super) fn named_in(source: &Source, names: &[String]) -> Vec<String> {
    let found: Vec<String> = names.iter().filter(|name| has_text(source, name)).cloned().collect();
    if found.is_empty() { names.to_vec() } else { found }
}

fn has_text(source: &Source, name: &String) -> bool {
    named_columns(source, std::slice::from_ref(name)).is_ok()
}

/// The error of a source, with its name.
pub(super) fn of_source(name: &str, error: Error) -> Error {
    match error {
        Error::Argument(what) => Error::Argument(format!("source {name:?}: {what}")),
        Error::Column(what) => Error::Column(format!("source {name:?}: {what}")),
        other => other,
    }
}
