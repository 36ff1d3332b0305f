//! The rounds of a draw by groups or by a key: which groups there are, and the threshold of each.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::decision::{Decision, NextStep};
use super::draw::{Decided, GroupGives, PartedDraw, PartedGroups};
use super::group_counts::GroupCounts;
use super::thresholds::{self, NearThresholds, Threshold, Window, Windows};
use crate::draw::{divide, whole_amounts};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::{Job, State};
use crate::partition::{GroupColumns, RowKeys};
use crate::select::Selection;
use crate::source::check_names;

impl PartedGroups {
    /// The columns that make groups.
    pub(super) fn by(&self) -> GroupColumns<'_> {
        match self.gives {
            GroupGives::Shares(_) => GroupColumns::by(&self.columns),
            GroupGives::Whole(_) => GroupColumns::whole(&self.columns),
        }
    }

    /// The columns that make groups, as all files have them: some of those that are `read`.
    ///
    /// # Errors
    /// [`Error::Column`] for one that is not there, comes twice or has no plain values.
    pub(super) fn schema(&self, kept: &Schema, read: &Schema) -> Result<SchemaRef> {
        self.by().check()?;
        check_names(kept, read, &self.columns, self.by().option)?;
        let fields = read.fields().iter().filter(|field| self.columns.contains(field.name()));
        let columns = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        self.by().texts(&RecordBatch::new_empty(columns.clone()))?;
        Ok(columns)
    }
}

impl PartedDraw {
    pub(super) fn groups(&self) -> Result<&PartedGroups> {
        self.groups.as_ref().ok_or_else(|| Error::Invalid("a round of a draw by groups".into()))
    }

    pub(super) fn windows<'a>(&'a self, windows: &'a [Window]) -> Result<Windows<'a>> {
        Ok(match &self.key {
            Some(key) => Windows::of_keys(windows, RowKeys::new(key, self.seed)),
            None => Windows::by(windows, self.seed, self.groups()?.by()),
        })
    }

    /// What states of rows near thresholds agree in: other windows are another round.
    pub(super) fn threshold_job(&self, rows: u64, windows: &[Window]) -> Job {
        self.row_job(rows).with("windows", &thresholds::hash_of(windows).to_le_bytes())
    }

    /// What follows from the rows of each group, or from the rows near thresholds.
    pub(super) fn after_grouped(
        &self,
        ctx: &Context,
        known: Decision,
        state: &[u8],
    ) -> Result<Decided> {
        let rows = known.all_rows();
        match known.step {
            NextStep::Groups(ref columns) => {
                let seen = State::<GroupCounts>::from_bytes(state)?;
                seen.check(self.row_job(rows))?;
                let groups = seen.finish()?.finish();
                let (amounts, report, whole) = match &self.groups()?.gives {
                    GroupGives::Shares(shares) => {
                        let (amounts, report) = divide(ctx, &groups, self.n, shares, false)?;
                        (amounts, Some(report), None)
                    }
                    GroupGives::Whole(n) => {
                        let (amounts, whole) =
                            whole_amounts(&groups.hashes(), self.n, *n, self.seed)?;
                        (amounts, None, Some(whole))
                    }
                };
                let step = NextStep::Thresholds(columns.clone(), groups.windows(&amounts));
                let decided = self.decided(Decision { step, ..known }, None)?;
                Ok(Decided { groups: report, whole, ..decided })
            }
            NextStep::Thresholds(ref columns, ref windows) => {
                let seen = State::<NearThresholds>::from_bytes(state)?;
                seen.check(self.threshold_job(rows, windows))?;
                match self.windows(windows)?.decide(seen.finish()?)? {
                    Threshold::Within(chosen) => {
                        let matching = known.among.as_ref().map(Selection::len);
                        let step = NextStep::Read { seed: self.seed, chosen };
                        let decision = Decision { among: None, step, ..known };
                        Ok(Decided { matching, ..self.decided(decision, None)? })
                    }
                    Threshold::Outside(windows) => {
                        let step = NextStep::Thresholds(columns.clone(), windows);
                        self.decided(Decision { step, ..known }, None)
                    }
                }
            }
            _ => Err(Error::Internal("a round of another draw".into())),
        }
    }
}
