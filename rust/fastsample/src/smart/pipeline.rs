//! The passes over the source: the pilot, if one is needed, then the extraction of features.

use super::examples::Examples;
use super::extract::{self, Extracted, SourcePart};
use super::features::Features;
use super::options::{Smart, Target, TargetMethod};
use super::pilot;
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
    check_rows(source)?;
    let job = smart.job(source.rows(), &text.paths());
    let part = SourcePart { source, text, first: 0, job };
    let needs_pilot = terms.has(Term::Commonness) || terms.has(Term::Target);
    let mut pilot = Selection::All { rows: source.rows() };
    let (mut commonness, mut table) = (None, None);
    let target = smart.target.as_ref().filter(|_| terms.has(Term::Target));
    if needs_pilot {
        pilot = pilot::pilot_rows(ctx, source.rows())?;
    }
    let by_ratio = target.filter(|target| target.method == TargetMethod::Ratio);
    if terms.has(Term::Commonness) || by_ratio.is_some() {
        let counts = extract::pilot_shingles(ctx, part, &pilot)?.finish()?.into_counts();
        if let Some(Target { source: target, .. }) = by_ratio {
            let found = target_text(ctx, target, text, smart.text.is_some())?;
            let part = target_part(target, &found);
            let rows = pilot::pilot_rows(ctx, target.rows())?;
            let wanted = extract::pilot_shingles(ctx, part, &rows)?.finish()?.into_counts();
            let ratio = ImportanceRatio::new(wanted.iter(), counts.iter());
            table = Some(TargetTable::Ratio(ratio));
        }
        commonness = terms.has(Term::Commonness).then(|| Commonness::new(counts.iter()));
    }
    if let Some(Target { source: target, method: TargetMethod::Classifier, .. }) = target {
        let found = target_text(ctx, target, text, smart.text.is_some())?;
        let rows = pilot::pilot_rows(ctx, target.rows())?;
        let wanted = Examples::of(ctx, target_part(target, &found), &rows)?.finish()?;
        let others = Examples::of(ctx, part, &pilot)?.finish()?;
        let learned = Classifier::learn(ctx, &wanted.into_rows(), &others.into_rows())?;
        table = Some(TargetTable::Classifier(learned));
    }
    let extracted = Extracted::of(ctx, part, &pilot, commonness.as_ref(), table.as_ref())?;
    Ok(extracted.finish()?.into_features())
}

/// Rows are numbered in 32 bits.
pub(super) fn check_rows(source: &Source) -> Result<()> {
    if source.rows() > u64::from(u32::MAX) {
        return Err(Error::Argument(format!(
            "the source has {} rows; smart sampling takes at most {} at once",
            source.rows(),
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

/// All rows of a target.
fn target_part<'a>(source: &'a Source, text: &'a TextColumns) -> SourcePart<'a> {
    SourcePart { source, text, first: 0, job: Job::new(source.rows()) }
}
