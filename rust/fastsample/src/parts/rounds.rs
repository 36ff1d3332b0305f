//! The rounds: what a part observes, and what is decided of all parts.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::decision::{Decision, NextStep};
use super::draw::{Decided, PartedDraw, SourceFiles};
use super::drawable::Drawable;
use super::group_counts::GroupCounts;
use super::strings::PartStrings;
use super::survey::Survey;
use super::thresholds::Window;
use crate::columns::strings_of;
use crate::draw;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::{Job, Payload, State};
use crate::partition::RowKeys;
use crate::population::Eligible;
use crate::predicate::Predicate;
use crate::row_weights::{self, RowWeights};
use crate::sample::draw::check_n;
use crate::select::{Amount, Selection, uniform, window_among};
use crate::smart::extract::{self, Extracted, SourcePart};
use crate::smart::extractor::Tables;
use crate::smart::pilot::{PilotShingles, pilot_rows};
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::weight::{Term, Terms};
use crate::smart::{self, JUDGE, Smart, SmartReport, check_rows};
use crate::source::{JointColumns, Source};
use crate::text::{Candidates, Kind, TextColumns, no_text};

/// What rows are weighed by.
struct Weighing {
    terms: Terms,
    text: TextColumns,
    pilot: Selection,
    job: Job,
}

impl Weighing {
    /// A part, of which `first` is the first row.
    fn part<'a>(&'a self, source: &'a Source, first: u64) -> SourcePart<'a> {
        SourcePart { source, text: &self.text, first, job: self.job }
    }
}

/// What the rows `covered` say, in bytes.
fn state_of<P: Payload>(job: Job, covered: Range<u64>, seen: P) -> Result<Vec<u8>> {
    Ok(State::new(job, covered, seen)?.to_bytes())
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
        let all = decision.all_rows();
        let (source, first) = decision.open(ctx, part)?;
        let covered = first..first + source.rows();
        let everything = Selection::All { rows: all };
        let among = decision.among.as_ref().unwrap_or(&everything);
        match &decision.step {
            NextStep::Drawable(columns) => {
                let (predicate, weight) = (self.predicate.as_ref(), self.weight.as_deref());
                let seen = Drawable::of(ctx, &source, first, columns, predicate, weight)?;
                state_of(self.row_job(all), covered, seen)
            }
            NextStep::Groups(columns) => {
                let by = self.groups()?.by();
                let seen = GroupCounts::of(ctx, &source, first, columns, by, among)?;
                state_of(self.row_job(all), covered, seen)
            }
            NextStep::Thresholds(columns, windows) => {
                let job = self.threshold_job(all, windows);
                let windows = self.windows(windows)?;
                state_of(job, covered, windows.observe(ctx, &source, first, columns, among)?)
            }
            NextStep::Strings => {
                let seen = PartStrings(strings_of(ctx, &source, first, all)?);
                state_of(self.row_job(all), covered, seen)
            }
            NextStep::Pilot(kinds) => {
                let weighing = self.weighing_by(ctx, &decision.columns, all, kinds)?;
                let (part, pilot) = (weighing.part(&source, first), &weighing.pilot);
                Ok(extract::pilot_state::<PilotShingles>(ctx, part, pilot)?.to_bytes())
            }
            NextStep::Features(kinds, table) => {
                let weighing = self.weighing_by(ctx, &decision.columns, all, kinds)?;
                let tables = Tables { commonness: table.as_deref(), ..Tables::default() };
                let (part, pilot) = (weighing.part(&source, first), &weighing.pilot);
                Ok(Extracted::of(ctx, part, pilot, tables)?.to_bytes())
            }
            NextStep::Read { .. } => Err(Error::Argument(
                "the draw is decided, so there is nothing to observe; gather the rows".into(),
            )),
        }
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
            let survey = survey.finish()?;
            let (columns, others, rows) = survey.finish(self.columns.as_deref(), &self.others())?;
            return self.after_survey(ctx, columns, others, rows);
        };
        let Decision { columns, rows, among, step } = self.read(decision)?;
        let all = rows.iter().sum();
        match step {
            NextStep::Drawable(others) => {
                let seen = State::<Drawable>::from_bytes(state)?;
                seen.check(self.row_job(all))?;
                self.after_drawable(ctx, columns, &others, rows, seen.finish()?)
            }
            NextStep::Groups(_) | NextStep::Thresholds(..) => {
                self.after_grouped(ctx, Decision { columns, rows, among, step }, state)
            }
            NextStep::Strings => {
                let seen = State::<PartStrings>::from_bytes(state)?;
                seen.check(self.row_job(all))?;
                self.after_text(columns, rows, among, seen.finish()?.kinds())
            }
            NextStep::Pilot(kinds) => {
                let Weighing { pilot, job, .. } = self.weighing_by(ctx, &columns, all, &kinds)?;
                let seen = State::<PilotShingles>::from_bytes(state)?;
                seen.check(extract::pilot_job(job, &pilot))?;
                let counts = seen.finish()?.into_counts();
                let table = Some(Box::new(Commonness::new(counts.iter())));
                let step = NextStep::Features(kinds, table);
                self.decided(Decision { columns, rows, among, step }, None)
            }
            NextStep::Features(kinds, table) => {
                let weighing = self.weighing_by(ctx, &columns, all, &kinds)?;
                let Weighing { terms, text, pilot, job } = weighing;
                let features = State::<Extracted>::from_bytes(state)?;
                let tables = Tables { commonness: table.as_deref(), ..Tables::default() };
                features.check(Extracted::job(job, &pilot, tables))?;
                let features = features.finish()?.into_features();
                let eligible = among.unwrap_or(Selection::All { rows: all });
                let (n, seed) = (self.n, self.seed);
                let found = smart::choose_among(ctx, features, &eligible, n, seed, &terms, text)?;
                let step = NextStep::Read { seed: self.seed, chosen: found.selection };
                let matching = self.predicate.as_ref().map(|_| eligible.len());
                let decision = Decision { columns, rows, among: None, step };
                Ok(Decided { matching, ..self.decided(decision, Some(found.report))? })
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
        others: SchemaRef,
        rows: Vec<u64>,
    ) -> Result<Decided> {
        let all = rows.iter().sum();
        if let Some(predicate) = &self.predicate {
            predicate.check_columns(&columns.schema, |name| others.index_of(name).is_ok())?;
            predicate.matches(&RecordBatch::new_empty(others.clone()))?;
        }
        if let Some(weight) = &self.weight {
            row_weights::check_weights(&columns.schema, &others, weight)?;
        }
        if let Some(groups) = &self.groups {
            groups.schema(&columns.schema, &others)?;
        }
        if let Some(key) = &self.key {
            RowKeys::new(key, self.seed).check(&columns.schema, &others)?;
        }
        if self.predicate.is_some() || self.weight.is_some() {
            let step = NextStep::Drawable(others);
            return self.decided(Decision { columns, rows, among: None, step }, None);
        }
        check_n(self.n, all)?;
        self.after_rows(ctx, columns, &others, rows, None)
    }

    fn after_drawable(
        &self,
        ctx: &Context,
        columns: JointColumns,
        others: &SchemaRef,
        rows: Vec<u64>,
        seen: Drawable,
    ) -> Result<Decided> {
        let (matching, numbers) = seen.finish();
        let eligible = match &self.predicate {
            Some(predicate) => Eligible::matching(matching, predicate),
            None => Eligible::all(matching.rows()),
        };
        let matching = |eligible: &Eligible| self.predicate.as_ref().map(|_| eligible.rows());
        let Some(weight) = &self.weight else {
            eligible.count(Amount::Rows(self.n))?;
            let matching = matching(&eligible);
            let decided = self.after_rows(ctx, columns, others, rows, Some(eligible.among))?;
            return Ok(Decided { matching, ..decided });
        };
        let weights = RowWeights::of_numbers(
            || numbers.iter().copied(),
            format!("column {weight:?}"),
            self.seed,
        );
        let (above, what) = weights.above();
        let eligible = eligible.only(&above, &what)?;
        eligible.count(Amount::Rows(self.n))?;
        let (chosen, _) = draw::choose(ctx, &eligible.among, &weights, self.n, 0)?;
        let step = NextStep::Read { seed: self.seed, chosen };
        let decided = self.decided(Decision { columns, rows, among: None, step }, None)?;
        Ok(Decided { matching: matching(&eligible), ..decided })
    }

    /// What follows where it is known which rows may be drawn.
    fn after_rows(
        &self,
        ctx: &Context,
        columns: JointColumns,
        others: &SchemaRef,
        rows: Vec<u64>,
        among: Option<Selection>,
    ) -> Result<Decided> {
        if let Some(groups) = &self.groups {
            let step = NextStep::Groups(groups.schema(&columns.schema, others)?);
            return self.decided(Decision { columns, rows, among, step }, None);
        }
        let all = rows.iter().sum();
        if let Some(key) = &self.key {
            let read = others.index_of(key).and_then(|place| others.project(&[place]));
            let may = among.as_ref().map_or(all, Selection::len);
            let windows = vec![Window::new(0, may, self.n)];
            let step = NextStep::Thresholds(Arc::new(read.map_err(Error::kernel)?), windows);
            return self.decided(Decision { columns, rows, among, step }, None);
        }
        let Some(smart) = self.weighing()? else {
            let chosen = match &among {
                Some(among) => window_among(ctx, among, self.n, self.seed, 0)?,
                None => uniform(ctx, all, self.n, self.seed)?,
            };
            let step = NextStep::Read { seed: self.seed, chosen };
            return self.decided(Decision { columns, rows, among: None, step }, None);
        };
        check_rows(all)?;
        let is_open = !Candidates::new(&columns.schema).open().is_empty();
        if smart.text.is_none() && is_open {
            let step = NextStep::Strings;
            return self.decided(Decision { columns, rows, among, step }, None);
        }
        self.after_text(columns, rows, among, Vec::new())
    }

    fn after_text(
        &self,
        columns: JointColumns,
        rows: Vec<u64>,
        among: Option<Selection>,
        kinds: Vec<Kind>,
    ) -> Result<Decided> {
        let smart = self.options()?;
        text_of(smart, &columns, &kinds)?;
        let step = if Terms::new(smart)?.has(Term::Commonness) {
            NextStep::Pilot(kinds)
        } else {
            NextStep::Features(kinds, None)
        };
        self.decided(Decision { columns, rows, among, step }, None)
    }

    pub(super) fn decided(
        &self,
        decision: Decision,
        report: Option<SmartReport>,
    ) -> Result<Decided> {
        let drawn = decision.chosen().ok().map(Selection::len);
        let rows = decision.all_rows();
        let decision = State::new(self.job(), 0..self.parts, decision)?.to_bytes();
        let (matching, groups, whole) = (None, None, None);
        Ok(Decided { decision, rows, matching, report, groups, whole, drawn })
    }

    /// The columns that tell which rows may be drawn, and in which groups they are.
    fn others(&self) -> Vec<String> {
        let mut names = self.predicate.as_ref().map(Predicate::columns).unwrap_or_default();
        let by = self.groups.iter().flat_map(|groups| &groups.columns);
        for name in self.weight.iter().chain(&self.key).chain(by) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
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
