//! The rounds: what a part observes, and what is decided of all parts.

use super::decision::{Decision, NextStep};
use super::draw::{Decided, PartedDraw, SourceFiles};
use super::strings::PartStrings;
use super::survey::Survey;
use crate::columns::strings_of;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::{Job, State};
use crate::sample::draw::check_n;
use crate::select::{Selection, uniform};
use crate::smart::extract::{self, Extracted, SourcePart};
use crate::smart::features::Tables;
use crate::smart::pilot::{PilotShingles, pilot_rows};
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::weight::{Term, Terms};
use crate::smart::{self, JUDGE, Smart, SmartReport, check_rows};
use crate::source::JointColumns;
use crate::text::{Candidates, Kind, TextColumns, no_text};

/// What rows are weighed by.
struct Weighing {
    terms: Terms,
    text: TextColumns,
    pilot: Selection,
    job: Job,
}

impl PartedDraw {
    /// The state of a part in the round that `decision` begins, the first one if there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the decision of another draw, [`Error::Argument`] for the last one, and
    /// whatever reading fails with.
    pub fn observe(
        &self,
        ctx: &Context,
        part: &SourceFiles,
        decision: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let Some(decision) = decision else {
            let survey = Survey::of(part.index, part.files.survey(ctx)?);
            return Ok(State::new(self.job(), part.index..part.index + 1, survey)?.to_bytes());
        };
        let decision = self.read(decision)?;
        if let NextStep::Read { .. } = decision.step {
            return Err(Error::Argument(
                "the draw is decided, so there is nothing to observe; gather the rows".into(),
            ));
        }
        let rows = decision.all_rows();
        let (source, first) = decision.open(ctx, part)?;
        if let NextStep::Strings = decision.step {
            let seen = PartStrings(strings_of(ctx, &source, first, rows)?);
            let state = State::new(self.row_job(rows), first..first + source.rows(), seen)?;
            return Ok(state.to_bytes());
        }
        let (NextStep::Pilot(kinds) | NextStep::Features(kinds, _)) = &decision.step else {
            return Err(Error::Internal("a round that is not known".into()));
        };
        let weighing = self.weighing_by(ctx, &decision.columns, rows, kinds)?;
        let Weighing { text, pilot, job, .. } = &weighing;
        let part = SourcePart { source: &source, text, first, job: *job };
        if let NextStep::Features(_, table) = &decision.step {
            let tables = Tables { commonness: table.as_deref(), ..Tables::default() };
            return Ok(Extracted::of(ctx, part, pilot, tables)?.to_bytes());
        }
        Ok(extract::pilot_state::<PilotShingles>(ctx, part, pilot)?.to_bytes())
    }

    /// What the merged state of all parts says: the next round, or which rows are drawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a state of another round or draw, or one that lacks parts;
    /// [`Error::Argument`] where there are fewer than n rows; others as of a draw from a source.
    pub fn decide(&self, ctx: &Context, state: &[u8], decision: Option<&[u8]>) -> Result<Decided> {
        let Some(decision) = decision else {
            let survey = State::<Survey>::from_bytes(state)?;
            survey.check(self.job())?;
            let (columns, rows) = survey.finish()?.finish(self.columns.as_deref())?;
            return self.after_survey(ctx, columns, rows);
        };
        let Decision { columns, rows, step } = self.read(decision)?;
        let all = rows.iter().sum();
        match step {
            NextStep::Strings => {
                let seen = State::<PartStrings>::from_bytes(state)?;
                seen.check(self.row_job(all))?;
                self.after_text(columns, rows, seen.finish()?.kinds())
            }
            NextStep::Pilot(kinds) => {
                let Weighing { pilot, job, .. } = self.weighing_by(ctx, &columns, all, &kinds)?;
                let seen = State::<PilotShingles>::from_bytes(state)?;
                seen.check(extract::pilot_job(job, &pilot))?;
                let counts = seen.finish()?.into_counts();
                let table = Some(Box::new(Commonness::new(counts.iter())));
                self.decided(columns, rows, NextStep::Features(kinds, table), None)
            }
            NextStep::Features(kinds, table) => {
                let weighing = self.weighing_by(ctx, &columns, all, &kinds)?;
                let Weighing { terms, text, pilot, job } = weighing;
                let features = State::<Extracted>::from_bytes(state)?;
                let tables = Tables { commonness: table.as_deref(), ..Tables::default() };
                features.check(Extracted::job(job, &pilot, tables))?;
                let features = features.finish()?.into_features();
                let found = smart::choose(ctx, features, self.n, self.seed, &terms, false, text)?;
                let step = NextStep::Read { seed: self.seed, chosen: found.selection };
                self.decided(columns, rows, step, Some(found.report))
            }
            NextStep::Read { .. } => Err(Error::Argument(
                "the draw is decided already; gather the rows of each part".into(),
            )),
        }
    }

    fn after_survey(
        &self,
        ctx: &Context,
        columns: JointColumns,
        rows: Vec<u64>,
    ) -> Result<Decided> {
        let all = rows.iter().sum();
        check_n(self.n, all)?;
        let Some(smart) = self.weighing()? else {
            let chosen = uniform(ctx, all, self.n, self.seed)?;
            let step = NextStep::Read { seed: self.seed, chosen };
            return self.decided(columns, rows, step, None);
        };
        check_rows(all)?;
        let is_open = !Candidates::new(&columns.schema).open().is_empty();
        if smart.text.is_none() && is_open {
            return self.decided(columns, rows, NextStep::Strings, None);
        }
        self.after_text(columns, rows, Vec::new())
    }

    fn after_text(
        &self,
        columns: JointColumns,
        rows: Vec<u64>,
        kinds: Vec<Kind>,
    ) -> Result<Decided> {
        let smart = self.options()?;
        text_of(smart, &columns, &kinds)?;
        let step = if Terms::new(smart)?.has(Term::Commonness) {
            NextStep::Pilot(kinds)
        } else {
            NextStep::Features(kinds, None)
        };
        self.decided(columns, rows, step, None)
    }

    fn decided(
        &self,
        columns: JointColumns,
        rows: Vec<u64>,
        step: NextStep,
        report: Option<SmartReport>,
    ) -> Result<Decided> {
        let is_final = matches!(step, NextStep::Read { .. });
        let decision = Decision { columns, rows, step };
        let rows = decision.all_rows();
        let decision = State::new(self.job(), 0..self.parts, decision)?.to_bytes();
        Ok(Decided { decision, rows, report, is_final })
    }

    /// The options of a smart draw that weighs rows; with all terms off it is a uniform one.
    fn weighing(&self) -> Result<Option<&Smart>> {
        let Some(smart) = &self.smart else { return Ok(None) };
        Ok((!Terms::new(smart)?.all_off()).then_some(smart))
    }

    /// What all parts weigh their rows by, where leaves that were judged are of these kinds.
    fn weighing_by(
        &self,
        ctx: &Context,
        columns: &JointColumns,
        rows: u64,
        kinds: &[Kind],
    ) -> Result<Weighing> {
        let smart = self.options()?;
        let (terms, text) = (Terms::new(smart)?, text_of(smart, columns, kinds)?);
        let job = smart.job(rows, &text.paths()).with("draw", &self.fingerprint.to_le_bytes());
        let pilot = if terms.has(Term::Commonness) {
            pilot_rows(ctx, rows)?
        } else {
            Selection::All { rows }
        };
        Ok(Weighing { terms, text, pilot, job })
    }

    fn options(&self) -> Result<&Smart> {
        self.weighing()?.ok_or_else(|| Error::Invalid("a round of a smart draw".into()))
    }
}

/// The text of a row, where the leaves that were judged are of these kinds.
fn text_of(smart: &Smart, columns: &JointColumns, kinds: &[Kind]) -> Result<TextColumns> {
    let schema = &columns.schema;
    if let Some(names) = &smart.text {
        return TextColumns::named(schema, names, |_| false);
    }
    let candidates = Candidates::new(schema);
    if candidates.open().len() != kinds.len() {
        return Err(Error::Invalid("a decision with other columns than its schema has".into()));
    }
    let found = candidates.decide(kinds.to_vec());
    if found.is_empty() { Err(no_text(schema, JUDGE)) } else { Ok(found) }
}
