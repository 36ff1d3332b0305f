//! Options of a smart draw: the rule, and the strength of each term.

use std::path::PathBuf;

use crate::exec::envelope::Job;
use crate::select::Selection;
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
    /// Rows of the kinds that are wanted.
    pub target: Option<Target>,
    /// Rows of a kind that is not wanted. In a box, since few draws have any.
    pub avoid: Option<Box<Avoid>>,
    /// A file that features are read from, or kept in if they are not there yet.
    pub features: Option<PathBuf>,
}

impl Smart {
    /// The files of targets, of rows to avoid and of features, which no output may replace.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        self.kinds().into_iter().chain(self.features.clone()).collect()
    }

    /// The files of targets and of rows to avoid.
    pub(super) fn kinds(&self) -> Vec<PathBuf> {
        self.sources().flat_map(Source::inputs).collect()
    }

    /// Targets, and rows to avoid.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let targets = self.target.iter().flat_map(|target| &target.kinds);
        let targets = targets.map(|kind| &kind.source);
        targets.chain(self.avoid.iter().map(|avoid| &avoid.source))
    }

    /// Files of the targets, and of the rows to avoid, that are not read, a sentence each.
    pub(super) fn passed_over(&self) -> (Option<String>, Option<String>) {
        let kinds = self.target.iter().flat_map(|target| &target.kinds);
        let targets: Vec<String> = kinds.filter_map(|kind| kind.source.passed_over()).collect();
        let avoid = self.avoid.as_ref().and_then(|avoid| avoid.source.passed_over());
        ((!targets.is_empty()).then(|| targets.join("; ")), avoid)
    }
}

/// Rows of one kind.
#[derive(Debug, Clone)]
pub struct TargetKind {
    /// What users call it.
    pub name: String,
    /// Rows of it.
    pub source: Source,
}

/// Rows of a kind that is not wanted, and how much they count.
#[derive(Debug, Clone)]
pub struct Avoid {
    /// Rows of the kind.
    pub source: Source,
    /// Exponent of 1 / the odds that a row is of the kind.
    pub strength: f64,
    /// The odds are limited to 2^-clip and 2^clip.
    pub clip: f64,
}

/// Rows of the kinds that are wanted, and how much they count.
#[derive(Debug, Clone)]
pub struct Target {
    /// Rows of each kind; a row counts by the kind that it fits best.
    pub kinds: Vec<TargetKind>,
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
            avoid: None,
            features: None,
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
        let job = match &self.target {
            Some(Target { kinds, method, strength, clip }) => kinds
                .iter()
                .fold(job, |job, kind| job.with("target", &kind.source.rows().to_le_bytes()))
                .with("target_method", &[*method as u8])
                .with("importance", &[*strength, *clip].map(f64::to_le_bytes).concat()),
            None => job,
        };
        match self.avoid.as_deref() {
            Some(Avoid { source, strength, clip }) => job
                .with("avoid", &source.rows().to_le_bytes())
                .with("avoided", &[*strength, *clip].map(f64::to_le_bytes).concat()),
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
    /// Whether features are kept in a file.
    #[must_use]
    pub fn keeps_features(&self) -> bool {
        matches!(self, Self::Weighted(smart) if smart.features.is_some())
    }

    /// The text columns that it names, if it names some.
    pub(crate) fn text(&self) -> Option<&[String]> {
        let (Self::Weighted(Smart { text, .. }) | Self::Entropy { text }) = self;
        text.as_deref()
    }

    /// The same rule for those of the text columns that it names which `narrow` leaves.
    pub(crate) fn narrowed(&self, narrow: impl Fn(&[String]) -> Vec<String>) -> Self {
        let narrowed = self.text().map(narrow);
        match self {
            Self::Weighted(smart) => Self::Weighted(Smart { text: narrowed, ..smart.clone() }),
            Self::Entropy { .. } => Self::Entropy { text: narrowed },
        }
    }

    /// The files of targets, of rows to avoid and of features, which no output may replace.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        match self {
            Self::Weighted(smart) => smart.inputs(),
            Self::Entropy { .. } => Vec::new(),
        }
    }
}

/// What rows are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// All rows.
    pub source: &'a Source,
    /// Those that may be drawn. They are judged among all rows.
    pub among: &'a Selection,
    /// The seed of the draw.
    pub seed: u64,
    /// The rule.
    pub rule: &'a Rule,
    /// Another weight of each row of the source, by which that of the rule is multiplied. It is above 0
    /// for the rows that may be drawn.
    pub factors: Option<&'a [u32]>,
}
