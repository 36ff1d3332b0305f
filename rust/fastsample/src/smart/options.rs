//! Options of a smart draw: the rule, and the strength of each term.

use std::path::PathBuf;

use crate::exec::envelope::Job;
use crate::source::Source;

/// Strengths of the terms; 0 switches a term off, 1 is the formula of its module.
#[derive(Debug, Clone)]
pub struct Smart {
    /// Text columns to read; every top-level text column if none.
    pub text: Option<Vec<String>>,
    /// Exponent of 1.5 / (number of near-duplicates). Above 0, equal rows are never drawn twice
    /// while others are left.
    pub duplicates: f64,
    /// Exponent of 1 / (geometric mean of the counts of its shingles in other rows).
    pub commonness: f64,
    /// Exponent of the length factor. Above 0, rows shorter than `min_chars` come last.
    pub length: f64,
    /// Exponent of twice the share of distinct shingles.
    pub repetition: f64,
    /// Characters (of all text columns) below which a row is too short: it comes last.
    pub min_chars: u32,
    /// Characters beyond which training cuts a row off.
    pub max_chars: u32,
    /// Rows of the kind that is wanted.
    pub target: Option<Target>,
}

impl Smart {
    /// The files of the target, which no output may replace.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        self.target.iter().flat_map(|target| target.source.inputs()).collect()
    }

    /// Files of the target that are not read, in a sentence.
    pub(super) fn target_passed_over(&self) -> Option<String> {
        self.target.as_ref().and_then(|target| target.source.passed_over())
    }
}

/// Rows of the kind that is wanted, and how much they count.
#[derive(Debug, Clone)]
pub struct Target {
    /// Rows of the kind that is wanted.
    pub source: Source,
    /// How rows are held against it.
    pub method: TargetMethod,
    /// Exponent of the ratio or the odds.
    pub strength: f64,
    /// They are limited to 2^-clip and 2^clip.
    pub clip: f64,
}

/// How rows are held against a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetMethod {
    /// By the ratio of the shares of their shingles in the target and in the source.
    Ratio,
    /// By a classifier that learns from rows of both.
    Classifier,
}

impl Default for Smart {
    fn default() -> Self {
        Self {
            text: None,
            duplicates: 1.0,
            commonness: 0.0,
            length: 0.25,
            repetition: 0.5,
            min_chars: 10,
            max_chars: 512,
            target: None,
        }
    }
}

impl Smart {
    /// The job of weighing `rows` rows by these columns: parts of another one can't be merged.
    #[must_use]
    pub fn job(&self, rows: u64, columns: &[String]) -> Job {
        let job =
            columns.iter().fold(Job::new(rows), |job, name| job.with("text", name.as_bytes()));
        let strengths = [self.duplicates, self.commonness, self.length, self.repetition];
        let limits = [self.min_chars, self.max_chars];
        let job = job
            .with("strengths", &strengths.map(f64::to_le_bytes).concat())
            .with("chars", &limits.map(u32::to_le_bytes).concat());
        match &self.target {
            Some(Target { source, method, strength, clip }) => job
                .with("target_method", &[*method as u8])
                .with("target", &source.rows().to_le_bytes())
                .with("importance", &[*strength, *clip].map(f64::to_le_bytes).concat()),
            None => job,
        }
    }
}

/// The rule by which rows are chosen.
#[derive(Debug, Clone)]
pub enum Rule {
    /// By weight.
    Weighted(Smart),
    /// The rows of highest character entropy (of the first text column).
    Entropy {
        /// Text columns to read; every top-level text column if none.
        text: Option<Vec<String>>,
    },
}

impl Rule {
    /// The files of the target, which no output may replace.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        match self {
            Self::Weighted(smart) => smart.inputs(),
            Self::Entropy { .. } => Vec::new(),
        }
    }
}
