//! The passes over the source: the pilot, if one is needed, then the extraction of features.

use super::examples::Examples;
use super::extract::{self, Extracted, SourcePart};
use super::features::{Features, Tables};
use super::kinds::{Kinds, KindsFound, needs_counts, needs_examples};
use super::options::Smart;
use super::pilot::{self, PilotShingles};
use super::terms::commonness::Commonness;
use super::terms::weight::{Term, Terms};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::Selection;
use crate::source::Source;
use crate::text::TextColumns;

/// The features of all rows that the terms need, and what was found of kinds that are named: the
/// pilot, if one is needed, then the extraction.
pub(super) fn features(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    smart: &Smart,
    terms: &Terms,
) -> Result<(Features, KindsFound)> {
    check_rows(source.rows())?;
    let job = smart.job(source.rows(), &text.paths());
    let part = SourcePart { source, text, first: 0, job };
    let mut pilot = Selection::All { rows: source.rows() };
    let (mut commonness, mut kinds) = (None, Kinds::default());
    if [Term::Commonness, Term::Target, Term::Avoid].iter().any(|&term| terms.has(term)) {
        pilot = pilot::pilot_rows(ctx, source.rows())?;
        let counts = needs_counts(smart, terms).then(PilotShingles::default);
        let examples = needs_examples(smart, terms).then(Examples::default);
        let (counts, others) = extract::from_pilot(ctx, part, &pilot, &(counts, examples))?;
        let counts = counts.map(PilotShingles::into_counts).unwrap_or_default();
        kinds = Kinds::learn(ctx, smart, terms, text, &counts, others)?;
        commonness = terms.has(Term::Commonness).then(|| Commonness::new(counts.iter()));
    }
    let Kinds { targets, avoid, found } = kinds;
    let tables =
        Tables { commonness: commonness.as_ref(), target: targets.as_ref(), avoid: avoid.as_ref() };
    let extracted = Extracted::of(ctx, part, &pilot, tables)?;
    Ok((extracted.finish()?.into_features(), found))
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
