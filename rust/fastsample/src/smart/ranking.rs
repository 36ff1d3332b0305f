//! `Ranking`: all rows in the order in which a smart draw takes them; windows of it are samples.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::select::Selection;
use crate::smart::classes::CLASSES;
use crate::smart::options::Judging;
use crate::smart::priority::Priorities;
use crate::smart::report::{RowFacts, SmartReport};

/// Rows by falling priority: the first n are those that a draw of n takes.
///
/// Invariants: no row comes twice; a class ends where the next begins.
#[derive(Debug)]
pub struct Ranking {
    /// Four bytes a row, which is why a smart draw takes no more than 2^32.
    rows: Vec<u32>,
    /// The rank behind the last of each class.
    ends: [u64; CLASSES.len()],
    facts: RowFacts,
    source_rows: u64,
    report: SmartReport,
}

impl Ranking {
    /// Ranks the rows that may be drawn.
    ///
    /// # Errors
    /// As [`crate::smart::draw()`].
    pub fn new(ctx: &Context, by: &Judging) -> Result<Self> {
        let priorities = Priorities::new(ctx, by)?;
        let (source_rows, among) = (by.source.rows(), by.among);
        memory::require_rows::<u32>(among.len(), "the ranks")?;
        let mut rows = Vec::with_capacity(among.len() as usize);
        let mut ends = [0; CLASSES.len()];
        for (class, end) in CLASSES.into_iter().zip(&mut ends) {
            ctx.check()?;
            let start = rows.len();
            let all = priorities.classes.iter().zip(0_u32..);
            rows.extend(all.filter(|(found, _)| **found == class).map(|(_, row)| row));
            rows[start..].sort_unstable_by_key(|&row| priorities.candidate(row as usize));
            *end = rows.len() as u64;
        }
        let (report, facts) = priorities.into_found();
        Ok(Self { rows, ends, facts, source_rows, report })
    }

    /// Rows that are ranked.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether no row is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows at these ranks, in their order.
    pub fn at(&self, ranks: Range<u64>) -> impl Iterator<Item = u64> {
        self.rows[ranks.start as usize..ranks.end as usize].iter().map(|&row| u64::from(row))
    }

    /// The rows at these ranks, and what was found.
    ///
    /// # Errors
    /// [`Error::Argument`] if `ranks` exceeds the ranking.
    pub fn window(&self, ranks: Range<u64>) -> Result<(Selection, SmartReport)> {
        if ranks.end > self.len() {
            return Err(Error::Argument(format!(
                "{} rows were asked for, but only {} can be drawn",
                ranks.end,
                self.len()
            )));
        }
        let ids: Vec<u64> = self.at(ranks.clone()).collect();
        self.chosen(&ids, ranks)
    }

    /// Some of the rows at these ranks, and what was found.
    ///
    /// # Errors
    /// Never for rows that are there.
    pub fn chosen(&self, ids: &[u64], ranks: Range<u64>) -> Result<(Selection, SmartReport)> {
        let selection = Selection::of_ids(ids, self.source_rows)?;
        let (mut counts, mut start) = ([0; CLASSES.len()], 0);
        for (count, &end) in counts.iter_mut().zip(&self.ends) {
            let (first, last) = (ranks.start.clamp(start, end), ranks.end.clamp(start, end));
            *count = self.at(first..last).filter(|&row| selection.has(row)).count() as u64;
            start = end;
        }
        let mut report = self.report.clone();
        report.see_drawn(counts, &selection, &self.facts);
        Ok((selection, report))
    }
}
