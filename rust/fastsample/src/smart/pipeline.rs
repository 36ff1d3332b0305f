//! The passes over the source: the pilot, if one is needed, then the extraction of features.

use super::examples::Examples;
use super::extract::{self, Extracted, SourcePart};
use super::features::Features;
use super::options::{Smart, TargetMethod};
use super::pilot::{self, DocumentFrequencies, PilotShingles};
use super::terms::classifier::Classifier;
use super::terms::commonness::Commonness;
use super::terms::importance::ImportanceRatio;
use super::terms::target::TargetTable;
use super::terms::weight::{Term, Terms};
use crate::columns::text_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::Job;
use crate::select::Selection;
use crate::source::Source;
use crate::text::{TextColumns, leaves};

/// The features of all rows that the terms need: the pilot, if one is needed, then the extraction.
pub(super) fn features(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    smart: &Smart,
    terms: &Terms,
) -> Result<Features> {
    check_rows(source.rows())?;
    let job = smart.job(source.rows(), &text.paths());
    let part = SourcePart { source, text, first: 0, job };
    let target = smart.target.as_ref().filter(|_| terms.has(Term::Target));
    let mut pilot = Selection::All { rows: source.rows() };
    let (mut commonness, mut table) = (None, None);
    if terms.has(Term::Commonness) || target.is_some() {
        pilot = pilot::pilot_rows(ctx, source.rows())?;
        let learns = target.is_some_and(|target| target.method == TargetMethod::Classifier);
        let blank = (PilotShingles::default(), learns.then(Examples::default));
        let (counts, others) = extract::from_pilot(ctx, part, &pilot, &blank)?;
        let counts = counts.into_counts();
        if let Some(target) = target {
            let text = target_text(ctx, &target.source, text, smart.text.is_some())?;
            table = Some(target_table(ctx, &target.source, &text, &counts, others)?);
        }
        commonness = terms.has(Term::Commonness).then(|| Commonness::new(counts.iter()));
    }
    let extracted = Extracted::of(ctx, part, &pilot, commonness.as_ref(), table.as_ref())?;
    Ok(extracted.finish()?.into_features())
}

/// Rows are numbered in 32 bits.
pub(crate) fn check_rows(rows: u64) -> Result<()> {
    if rows > u64::from(u32::MAX) {
        return Err(Error::Argument(format!(
            "the source has {} rows; smart sampling takes at most {} at once",
            rows,
            u32::MAX
        )));
    }
    Ok(())
}

/// The text of a target: that by which the source is judged, as far as it is there, or all its
/// text. A column that a user has `named` must be text there as well.
fn target_text(
    ctx: &Context,
    target: &Source,
    judged: &TextColumns,
    named: bool,
) -> Result<TextColumns> {
    let schema = target.schema();
    let is_there = |path: &String| {
        named && schema.index_of(path).is_ok()
            || leaves(schema).iter().any(|leaf| leaf.path() == path)
    };
    let there: Vec<String> = judged.paths().into_iter().filter(is_there).collect();
    let there = (!there.is_empty()).then_some(there.as_slice());
    let found = text_columns(ctx, target, there, "learn the target from");
    let text = found.map_err(|error| match error {
        Error::Column(what) => Error::Column(format!("in the target, {what}")),
        other => other,
    })?;
    if target.rows() == 0 {
        return Err(Error::Argument("the target has no rows; name one that has some".into()));
    }
    Ok(text)
}

/// What says how well a row fits a target: learned from `others`, if they are there, or from the
/// counts of the source.
fn target_table(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    counts: &DocumentFrequencies,
    others: Option<Examples>,
) -> Result<TargetTable> {
    let part = SourcePart { source, text, first: 0, job: Job::new(source.rows()) };
    let rows = pilot::pilot_rows(ctx, source.rows())?;
    let Some(others) = others else {
        let wanted = extract::from_pilot(ctx, part, &rows, &PilotShingles::default())?;
        let ratio = ImportanceRatio::new(wanted.into_counts().iter(), counts.iter());
        return Ok(TargetTable::Ratio(ratio));
    };
    let wanted = extract::from_pilot(ctx, part, &rows, &Examples::default())?;
    let learned = Classifier::learn(ctx, &wanted.into_rows(), &others.into_rows())?;
    Ok(TargetTable::Classifier(learned))
}
