//! Kinds of rows that a user named, targets and rows to avoid: what is learned of each, and what is
//! found of them.

use super::examples::Examples;
use super::extract::{self, SourcePart};
use super::options::{Smart, TargetMethod};
use super::pilot::{self, DocumentFrequencies, OfPilot, PilotShingles};
use super::terms::classifier::Classifier;
use super::terms::importance::ImportanceRatio;
use super::terms::separation::separation;
use super::terms::target::{Likeness, TargetTable, TargetTables};
use super::terms::weight::{Term, Terms};
use crate::columns::text_columns;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::Job;
use crate::source::Source;
use crate::text::{TextColumns, leaves};

/// What was found of the rows of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct KindFound {
    /// What users call it.
    pub name: String,
    /// Rows that describe it.
    pub rows: u64,
    /// How well rows of it are told from those of the source, if they are many enough and a classifier
    /// learned them: see [`separation`].
    pub separation: Option<f64>,
    /// Rows of the source that resemble it: odds or ratio above 1. Of several targets, those that fit
    /// this one best.
    pub resembling: u64,
    /// How many of them were drawn.
    pub drawn: u64,
}

/// What was found of all kinds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KindsFound {
    /// Targets, in their order.
    pub targets: Vec<KindFound>,
    /// The rows to avoid.
    pub avoid: Option<KindFound>,
}

impl KindsFound {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.avoid.is_none()
    }

    /// Counts what rows of the source resemble.
    pub(super) fn see_all(&mut self, rows: impl Iterator<Item = u8>) {
        self.count(rows, |found| &mut found.resembling);
    }

    /// Counts what the rows drawn resemble.
    pub(super) fn see_drawn(&mut self, rows: impl Iterator<Item = u8>) {
        self.count(rows, |found| &mut found.drawn);
    }

    fn count(&mut self, rows: impl Iterator<Item = u8>, of: impl Fn(&mut KindFound) -> &mut u64) {
        let mut counts = [0_u64; 1 << u8::BITS];
        rows.for_each(|row| counts[usize::from(row)] += 1);
        let targets = self.targets.iter_mut();
        targets.for_each(|found| *of(found) = 0);
        self.avoid.iter_mut().for_each(|found| *of(found) = 0);
        for (row, count) in (0_u8..=u8::MAX).map(Likeness).zip(counts) {
            let target = row.target().and_then(|place| self.targets.get_mut(place));
            target.into_iter().for_each(|found| *of(found) += count);
            let avoid = self.avoid.as_mut().filter(|_| row.is_avoided());
            avoid.into_iter().for_each(|found| *of(found) += count);
        }
    }
}

/// What was learned of all kinds; each where its term counts.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    pub(super) targets: Option<TargetTables>,
    pub(super) avoid: Option<Classifier>,
    pub(super) found: KindsFound,
}

/// Whether the shingles of the pilot are counted.
pub(super) fn needs_counts(smart: &Smart, terms: &Terms) -> bool {
    terms.has(Term::Commonness) || has_target(smart, terms, TargetMethod::Ratio)
}

/// Whether rows of the pilot are examples that something is learned from.
pub(super) fn needs_examples(smart: &Smart, terms: &Terms) -> bool {
    terms.has(Term::Avoid) || has_target(smart, terms, TargetMethod::Classifier)
}

/// Whether rows are held against a target by `method`.
fn has_target(smart: &Smart, terms: &Terms, method: TargetMethod) -> bool {
    terms.has(Term::Target) && smart.target.as_ref().is_some_and(|target| target.method == method)
}

impl Kinds {
    /// Learns all kinds: from the `counts` of shingles of the pilot, and from its rows, each of which
    /// are there where [`needs_counts`] and [`needs_examples`] say so.
    pub(super) fn learn(
        ctx: &Context,
        smart: &Smart,
        terms: &Terms,
        judged: &TextColumns,
        counts: &DocumentFrequencies,
        others: Option<Examples>,
    ) -> Result<Self> {
        let others = others.map(Examples::into_rows).unwrap_or_default();
        let learner = Learner { ctx, judged, is_named: smart.text.is_some() };
        let mut kinds = Self::default();
        if let Some(target) = smart.target.as_ref().filter(|_| terms.has(Term::Target)) {
            let mut tables = Vec::new();
            for kind in &target.kinds {
                let what = match target.kinds.len() {
                    1 => "the target".to_string(),
                    _ => format!("the target {:?}", kind.name),
                };
                let separation = match target.method {
                    TargetMethod::Ratio => {
                        let wanted: PilotShingles = learner.read(&kind.source, &what)?;
                        let wanted = wanted.into_counts();
                        let ratio = ImportanceRatio::new(wanted.iter(), counts.iter());
                        tables.push(TargetTable::Ratio(ratio));
                        None
                    }
                    TargetMethod::Classifier => {
                        let (table, separation) = learner.tell(&kind.source, &what, &others)?;
                        tables.push(TargetTable::Classifier(table));
                        separation
                    }
                };
                kinds.found.targets.push(found(&kind.name, &kind.source, separation));
            }
            kinds.targets = Some(TargetTables::new(tables)?);
        }
        if let Some(avoid) = smart.avoid.as_ref().filter(|_| terms.has(Term::Avoid)) {
            let (table, separation) =
                learner.tell(&avoid.source, "the source to avoid", &others)?;
            kinds.found.avoid = Some(found("avoid", &avoid.source, separation));
            kinds.avoid = Some(table);
        }
        Ok(kinds)
    }
}

fn found(name: &str, source: &Source, separation: Option<f64>) -> KindFound {
    KindFound { name: name.to_string(), rows: source.rows(), separation, resembling: 0, drawn: 0 }
}

/// What all kinds are learned by: the text that rows of the source are judged by.
struct Learner<'a> {
    ctx: &'a Context,
    judged: &'a TextColumns,
    is_named: bool,
}

impl Learner<'_> {
    /// Learns to tell the rows of a kind from those of the source, and how well that goes.
    fn tell(
        &self,
        source: &Source,
        what: &str,
        others: &[Vec<u16>],
    ) -> Result<(Classifier, Option<f64>)> {
        let rows = self.read::<Examples>(source, what)?.into_rows();
        if rows.is_empty() {
            return Err(Error::Argument(format!(
                "{what} has no text to learn from; name text columns that have some"
            )));
        }
        let learned = Classifier::learn(self.ctx, &rows, others)?;
        Ok((learned, separation(self.ctx, &rows, others)?))
    }

    /// Reads the pilot of a kind.
    fn read<P: OfPilot>(&self, source: &Source, what: &str) -> Result<P> {
        let text = self.text(source, what)?;
        let part = SourcePart { source, text: &text, first: 0, job: Job::new(source.rows()) };
        let rows = pilot::pilot_rows(self.ctx, source.rows())?;
        extract::from_pilot(self.ctx, part, &rows, &P::default())
    }

    /// The text of a kind: that by which the source is judged, as far as it is there, or all its
    /// text. A column that a user has named must be text there as well.
    fn text(&self, source: &Source, what: &str) -> Result<TextColumns> {
        let schema = source.schema();
        let is_there = |path: &String| {
            self.is_named && schema.index_of(path).is_ok()
                || leaves(schema).iter().any(|leaf| leaf.path() == path)
        };
        let there: Vec<String> = self.judged.paths().into_iter().filter(is_there).collect();
        let there = (!there.is_empty()).then_some(there.as_slice());
        let found = text_columns(self.ctx, source, there, "learn from");
        let text = found.map_err(|error| match error {
            Error::Column(found) => Error::Column(format!("in {what}, {found}")),
            other => other,
        })?;
        if source.rows() == 0 {
            return Err(Error::Argument(format!("{what} has no rows; name one that has some")));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(name: &str) -> KindFound {
        KindFound { name: name.into(), rows: 1, separation: None, resembling: 0, drawn: 0 }
    }

    proptest! {
        #[test]
        fn rows_are_counted_like_one_by_one(rows in prop::collection::vec((-2_i16..3, 0_usize..3, -2_i16..3), 0..40)) {
            let likeness = |&(fit, nearest, avoided): &(i16, usize, i16)| Likeness::of(fit, nearest, avoided).0;
            let mut found = KindsFound {
                targets: ["a", "b", "c"].map(kind).to_vec(),
                avoid: Some(kind("avoid")),
            };
            // What was counted before is forgotten.
            found.see_drawn(std::iter::repeat_n(Likeness::of(1, 1, 1).0, 9));
            found.see_all(rows.iter().map(likeness));
            found.see_drawn(rows.iter().map(likeness).take(7));
            for (place, target) in found.targets.iter().enumerate() {
                let is_it = |&&(fit, nearest, _): &&(i16, usize, i16)| fit > 0 && nearest == place;
                prop_assert_eq!(target.resembling, rows.iter().filter(is_it).count() as u64);
                prop_assert_eq!(target.drawn, rows.iter().take(7).filter(is_it).count() as u64);
            }
            let avoided = rows.iter().filter(|(_, _, avoided)| *avoided > 0).count() as u64;
            prop_assert_eq!(found.avoid.map(|found| found.resembling), Some(avoided));
        }
    }
}
