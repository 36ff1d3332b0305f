//! `DrawPlan`: which rows are drawn, by which weight, and how many.

use super::combination::DrawPart;
use crate::partition::GroupKey;
use crate::row_weights::WeightColumn;
use crate::sample::Sample;
use crate::select::{Allocation, Amount};
use crate::smart::{Rule, SmartReport};
use crate::tokens::Tokenizer;

/// A draw of rows of a population, of which [`super::draw`] says what is possible.
#[derive(Debug, Clone)]
pub struct DrawPlan {
    /// How many rows.
    pub size: DrawSize,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Which rows belong together.
    pub cells: Cells,
    /// Which rows come first.
    pub weight: Weighting,
    /// The column that gives rows their random numbers, instead of their places in the source.
    pub key: Option<String>,
    /// Whether a row may be drawn again.
    pub replace: bool,
    /// The tokens of rows, if they count.
    pub counting: Option<Counting>,
    /// Which of the draws in the order of rows, from 0: each goes on where the one before ends.
    pub epoch: u64,
    /// Whether the sample has a column [`WEIGHT`](crate::gather::WEIGHT): 1 / the probability with
    /// which a row was drawn.
    pub weights: bool,
    /// The text columns of the sample; a rule has its own.
    pub text: Option<Vec<String>>,
}

/// How many rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DrawSize {
    /// A number of them, or a share of those that may be drawn.
    Rows(Amount),
    /// As many as have this number of tokens together, at most.
    Tokens(u64),
    /// Those of whole groups.
    Groups {
        /// How many groups.
        n: u64,
        /// Whether all groups will do where there are fewer.
        at_most: bool,
    },
}

/// Which rows belong together.
#[derive(Debug, Clone)]
pub enum Cells {
    /// None: all rows are drawn from alike.
    All,
    /// Rows of equal values of some columns, and each group gives its own number (strata).
    Each {
        /// The columns.
        by: Vec<String>,
        /// How many rows of each group.
        shares: Shares,
    },
    /// Rows of equal values of these columns, drawn all or none (clusters).
    Whole(Vec<String>),
    /// Clusters of which each stratum gives its own number.
    WholeOfEach {
        /// The columns of the clusters.
        group: Vec<String>,
        /// The columns of the strata.
        by: Vec<String>,
        /// How many rows, or clusters, of each stratum.
        shares: Shares,
    },
}

impl Cells {
    /// Whether each gives its own number.
    fn have_shares(&self) -> bool {
        matches!(self, Self::Each { .. } | Self::WholeOfEach { .. })
    }

    /// Whether rows are drawn in groups, all or none of each.
    fn are_whole(&self) -> bool {
        matches!(self, Self::Whole(_) | Self::WholeOfEach { .. })
    }
}

/// How rows are divided among groups.
#[derive(Debug, Clone)]
pub enum Shares {
    /// By a formula.
    Formula(Allocation),
    /// Shares of groups that sum to 1; others have none.
    Named(Vec<(GroupKey, f64)>),
}

/// What makes a row come before another; all rows are alike if nothing does.
#[derive(Debug, Clone, Default)]
pub struct Weighting {
    /// A column of weights.
    pub column: Option<WeightColumn>,
    /// A rule that judges rows by their text.
    pub rule: Option<Rule>,
}

/// What counts tokens, and which rows are left out.
#[derive(Debug, Clone)]
pub struct Counting {
    /// What counts them.
    pub tokenizer: Tokenizer,
    /// Rows with more are not drawn.
    pub max_tokens: Option<u32>,
}

impl DrawPlan {
    /// A uniform draw without replacement.
    #[must_use]
    pub fn new(size: DrawSize, seed: u64) -> Self {
        Self {
            size,
            seed,
            cells: Cells::All,
            weight: Weighting::default(),
            key: None,
            replace: false,
            counting: None,
            epoch: 0,
            weights: false,
            text: None,
        }
    }

    /// The number of rows of a draw that reads a stream once and keeps these rows alone; none if it
    /// needs all rows at hand.
    #[must_use]
    pub fn one_pass(&self) -> Option<u64> {
        let is_plain = matches!(self.cells, Cells::All)
            && self.weight.column.is_none()
            && self.weight.rule.is_none()
            && self.counting.is_none()
            && self.key.is_none()
            && !self.replace
            && self.epoch == 0;
        match self.size {
            DrawSize::Rows(Amount::Rows(n)) if is_plain => Some(n),
            // A share is known at the end of a stream.
            DrawSize::Rows(_) | DrawSize::Tokens(_) | DrawSize::Groups { .. } => None,
        }
    }

    /// `sample` with the text that its rule has judged, and what that reads.
    pub(super) fn judged(&self, sample: Sample, found: Option<&SmartReport>) -> Sample {
        match (found, &self.weight.rule) {
            (Some(found), Some(rule)) => {
                sample.with_text(found.text.clone()).with_inputs(rule.inputs())
            }
            _ => sample,
        }
    }

    /// The parts that it is composed of.
    #[must_use]
    pub fn parts(&self) -> Vec<DrawPart> {
        let rule = self.weight.rule.as_ref();
        let parts = [
            (DrawPart::By, self.cells.have_shares()),
            (DrawPart::Group, self.cells.are_whole()),
            (DrawPart::NumberOfGroups, matches!(self.size, DrawSize::Groups { .. })),
            (DrawPart::Key, self.key.is_some()),
            (DrawPart::Weight, self.weight.column.is_some()),
            (DrawPart::Smart, rule.is_some()),
            (DrawPart::Entropy, matches!(rule, Some(Rule::Entropy { .. }))),
            (DrawPart::Features, rule.is_some_and(Rule::keeps_features)),
            (DrawPart::Tokens, self.counting.is_some()),
            (DrawPart::Replace, self.replace),
            (DrawPart::Weights, self.weights),
            (DrawPart::Epochs, self.epoch > 0),
        ];
        parts.into_iter().filter(|(_, is_there)| *is_there).map(|(part, _)| part).collect()
    }
}
