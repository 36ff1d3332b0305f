//! `PartedDraw`: what all processes agree in, and what they pass on.

use crate::draw::{GroupsReport, Shares, WholeGroups};
use crate::exec::envelope::Job;
use crate::predicate::Predicate;
use crate::smart::{Smart, SmartReport};
use crate::source::SlicedFiles;

/// A draw from a source in numbered parts: what all processes have to agree in.
#[derive(Debug, Clone)]
pub struct PartedDraw {
    /// Rows to draw, or the least number of rows that has to be there.
    pub n: u64,
    /// The seed.
    pub seed: u64,
    /// The options of a smart draw, without a target; none for a uniform one.
    pub smart: Option<Smart>,
    /// The columns kept, if not all.
    pub columns: Option<Vec<String>>,
    /// What rows have to match to be drawn.
    pub predicate: Option<Predicate>,
    /// The column of weights to draw by.
    pub weight: Option<String>,
    /// The groups that rows are drawn in, of a uniform draw.
    pub groups: Option<PartedGroups>,
    /// The column that gives rows their random numbers in a uniform draw, instead of their places.
    pub key: Option<String>,
    /// The number of parts.
    pub parts: u64,
    /// A hash of all options, and of the names, sizes and versions of all files.
    pub fingerprint: u64,
}

/// Rows of equal values of some columns, and what each group of them gives.
#[derive(Debug, Clone)]
pub struct PartedGroups {
    /// The columns.
    pub columns: Vec<String>,
    /// What each gives.
    pub gives: GroupGives,
}

/// What a group gives.
#[derive(Debug, Clone)]
pub enum GroupGives {
    /// Its own number of rows.
    Shares(Shares),
    /// All of its rows or none. There are as many groups as fit into the rows to draw, or this number.
    Whole(Option<u64>),
}

/// A part of the source.
#[derive(Debug, Clone)]
pub struct SourceFiles {
    /// Its number among all parts.
    pub index: u64,
    /// Its files, in order.
    pub files: SlicedFiles,
}

/// What was decided.
#[derive(Debug)]
pub struct Decided {
    /// For the next round, or to read rows by.
    pub decision: Vec<u8>,
    /// Rows of the source.
    pub rows: u64,
    /// Rows that match the predicate, where that is known.
    pub matching: Option<u64>,
    /// What a smart draw found, where it is decided.
    pub report: Option<SmartReport>,
    /// The groups, where it is decided how many rows each gives.
    pub groups: Option<GroupsReport>,
    /// The same of groups that give all or none.
    pub whole: Option<WholeGroups>,
    /// Rows that are drawn, where that is decided.
    pub drawn: Option<u64>,
}

impl PartedDraw {
    /// What states of parts by number agree in.
    pub(super) fn job(&self) -> Job {
        Job::new(self.parts).with("draw", &self.fingerprint.to_le_bytes())
    }

    /// What states of rows by ordinal agree in.
    pub(super) fn row_job(&self, rows: u64) -> Job {
        Job::new(rows).with("draw", &self.fingerprint.to_le_bytes())
    }
}
