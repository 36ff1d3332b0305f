//! What is mixed, and how; what became of each source.

use crate::draw::Weighting;
use crate::sample::Sample;
use crate::select::in_units;
use crate::smart::SmartReport;
use crate::tokens::Tokenizer;

/// What is mixed, and how.
#[derive(Debug, Clone)]
pub struct MixtureOptions {
    /// How much in all.
    pub size: MixtureSize,
    /// How much of each source.
    pub shares: SourceShares,
    /// How often the rows of each source are there: it counts as that many copies of itself.
    pub repeat: Vec<u64>,
    /// Which rows of each source come first.
    pub weighting: Vec<Weighting>,
    /// Which of the mixtures of these numbers of rows, from 0: each goes on where the one before ends in
    /// the order of each source.
    pub epoch: u64,
    /// What is done where a source has less than its share.
    pub exhausted: Exhausted,
    /// The columns kept; those of all sources if none are named.
    pub columns: Option<Vec<String>>,
    /// The column that names the source of a row, if there is to be one.
    pub label: Option<String>,
}

/// How much is mixed: what shares are shares of.
#[derive(Debug, Clone)]
pub enum MixtureSize {
    /// All rows, each as often as it is there.
    All,
    /// This number of rows.
    Rows(u64),
    /// Rows of at most this number of tokens.
    Tokens {
        /// Tokens of all rows, at the most.
        budget: u64,
        /// What counts them.
        tokenizer: Tokenizer,
        /// The text columns that are counted, of which each source has some; the default of each
        /// source if none are named.
        text: Option<Vec<String>>,
    },
}

impl MixtureSize {
    /// Whether tokens are counted.
    pub(super) fn counts_tokens(&self) -> bool {
        matches!(self, Self::Tokens { .. })
    }
}

/// How much of each source.
#[derive(Debug, Clone)]
pub enum SourceShares {
    /// These shares, which sum to 1.
    Given(Vec<f64>),
    /// In proportion to the rows to the power of 1 / T, where T is at least 1.
    BySize {
        /// T.
        temperature: f64,
    },
}

impl SourceShares {
    /// Whether the source of this number has a share.
    pub(super) fn has(&self, place: usize) -> bool {
        match self {
            Self::Given(shares) => shares.get(place).is_some_and(|&share| in_units(share) > 0),
            Self::BySize { .. } => true,
        }
    }
}

/// What is done where a source has less than its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The draw fails.
    Fail,
    /// The mixture ends there: it is as large as that source allows.
    Stop,
    /// It gives all it has, and the others give the rest in proportion to their shares.
    Renormalise,
    /// Its rows come again: in whole passes, and then a draw of them.
    Repeat {
        /// How often a row may come.
        max_epochs: Option<u64>,
    },
}

/// A mixture that was drawn.
#[derive(Debug)]
pub struct MixtureDrawn {
    /// The rows.
    pub sample: Sample,
    /// What became of each source.
    pub sources: Vec<SourceDraw>,
    /// The source that ended the mixture, where it has less than was asked for.
    pub ended: Option<usize>,
}

/// What became of a source.
#[derive(Debug, Clone)]
pub struct SourceDraw {
    /// Its name.
    pub name: String,
    /// Rows that may be drawn.
    pub rows: u64,
    /// Its share, as it was asked for.
    pub wanted: f64,
    /// Rows drawn, in all passes.
    pub drawn: u64,
    /// Columns of others that it lacks.
    pub missing: Vec<String>,
    /// Its tokens, if they were counted.
    pub tokens: Option<SourceTokens>,
    /// What a rule found, if one judged its rows.
    pub smart: Option<SmartReport>,
}

/// The tokens of a source of a mixture.
#[derive(Debug, Clone)]
pub struct SourceTokens {
    /// The tokens that it was to give at the most.
    pub quota: u64,
    /// The tokens of the rows drawn, in all passes.
    pub drawn: u64,
    /// By how many tokens it is ahead of its share of the tokens, or behind, at the worst prefix of
    /// the mixture; rounded up.
    pub deviation: u64,
    /// The text that was counted.
    pub text: Vec<String>,
    /// What was chosen for the user, a sentence each.
    pub notes: Vec<String>,
}
