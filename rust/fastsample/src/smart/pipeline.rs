//! The passes over the source: the pilot, if one is needed, then the extraction of features.

use super::examples::Examples;
use super::extract::{self, Extracted, SourcePart};
use super::extractor::Tables;
use super::features::Features;
use super::kept_features::{KeptFeatures, KeptFile};
use super::kinds::{Kinds, KindsFound, needs_counts, needs_examples};
use super::options::Smart;
use super::pilot::{self, PilotShingles};
use super::terms::commonness::Commonness;
use super::terms::duplicates::Copies;
use super::terms::weight::{Term, Terms};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::Selection;
use crate::source::Source;
use crate::text::TextColumns;

/// What is known of all rows before they are weighed.
#[derive(Debug)]
pub(super) struct KnownRows {
    /// Features, near-duplicates counted.
    pub(super) rows: Features,
    /// Rows with equal texts.
    pub(super) copies: Copies,
    /// What was found of kinds that are named.
    pub(super) kinds: KindsFound,
    /// What was done with a file of features, if one is named.
    pub(super) kept: Option<KeptFeatures>,
}

/// What the terms need to know of all rows: the pilot, if one is needed, then the extraction, unless a
/// file has it.
pub(super) fn features(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    smart: &Smart,
    terms: &Terms,
) -> Result<KnownRows> {
    check_rows(source.rows())?;
    let open = |path| KeptFile::open(path, source, text);
    let file = smart.features.as_deref().map(open).transpose()?;
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
    let compute = || {
        let mut rows = Extracted::of(ctx, part, &pilot, tables)?.finish()?.into_features();
        let copies = rows.compare(ctx)?;
        Ok((rows, copies))
    };
    let (rows, copies, kept) = match file {
        Some(file) => {
            let inputs = [source.inputs(), smart.kinds()].concat();
            file.read_or_keep(ctx, tables.hashes(), &inputs, compute)?
        }
        None => compute().map(|(rows, copies)| (rows, copies, None))?,
    };
    Ok(KnownRows { rows, copies, kinds: found, kept })
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
