//! The passes over the source: the pilot, if one is needed, then the extraction of features.

use super::extract::{self, Extracted, SourcePart};
use super::features::Features;
use super::options::Smart;
use super::pilot;
use super::pilot::PilotShingles;
use super::terms::commonness::Commonness;
use super::terms::importance::ImportanceRatio;
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
    let (mut commonness, mut importance) = (None, None);
    if needs_pilot {
        pilot = pilot::pilot_rows(ctx, source.rows())?;
        let counts = extract::pilot_shingles(ctx, part, &pilot)?.finish()?.into_counts();
        if let Some(target) = &smart.target
            && terms.has(Term::Target)
        {
            let target = target_shingles(ctx, &target.source, text, smart.text.is_some())?;
            importance = Some(ImportanceRatio::new(target.into_counts().iter(), counts.iter()));
        }
        commonness = terms.has(Term::Commonness).then(|| Commonness::new(counts.iter()));
    }
    let extracted = Extracted::of(ctx, part, &pilot, commonness.as_ref(), importance.as_ref())?;
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

/// The shingles of a target: of the text that the source is judged by, as far as it is there, or of
/// all its text. A column that a user has `named` must be text there as well.
fn target_shingles(
    ctx: &Context,
    target: &Source,
    judged: &TextColumns,
    named: bool,
) -> Result<PilotShingles> {
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
    let job = Job::new(target.rows());
    let part = SourcePart { source: target, text: &text, first: 0, job };
    extract::pilot_shingles(ctx, part, &pilot::pilot_rows(ctx, target.rows())?)?.finish()
}
