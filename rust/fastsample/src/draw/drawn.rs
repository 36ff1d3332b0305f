//! `Drawn`: the rows of a draw, and what was found.

use super::counted::TokensDrawn;
use super::division::GroupsReport;
use super::grouped::WholeGroups;
use crate::sample::Sample;
use crate::smart::SmartReport;

/// What was drawn.
#[derive(Debug)]
pub struct Drawn {
    /// The rows.
    pub sample: Sample,
    /// What a rule found.
    pub smart: Option<SmartReport>,
    /// The groups of which each gave its own number.
    pub groups: Option<GroupsReport>,
    /// The groups that were drawn whole.
    pub whole: Option<WholeGroups>,
    /// The tokens of the rows, if they were counted.
    pub tokens: Option<TokensDrawn>,
    /// What was chosen for the user, a sentence each.
    pub notes: Vec<String>,
    /// Draws that share no row, one behind the other in the order of the draw.
    pub epochs: u64,
}

impl Drawn {
    /// A sample of which nothing else is known.
    pub(super) fn of(sample: Sample) -> Self {
        let epochs = sample.population() / sample.len().max(1);
        Self {
            sample,
            smart: None,
            groups: None,
            whole: None,
            tokens: None,
            notes: Vec::new(),
            epochs,
        }
    }
}
