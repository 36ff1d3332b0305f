//! The priority of each row: its class, and its place u / w within the class (priority sampling).

use crate::columns::text_columns;
use crate::error::Result;
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::select::{Candidate, Selection, Strata};
use crate::smart::classes::{self, CLASSES, Class};
use crate::smart::extract::{TextFeatures, row_texts};
use crate::smart::features::Features;
use crate::smart::options::{Judging, Rule, Smart};
use crate::smart::pipeline::{KnownRows, check_rows, features};
use crate::smart::report::{RowFacts, SmartReport};
use crate::smart::terms::duplicates::Copies;
use crate::smart::terms::weight::{Term, Terms, Weighed};
use crate::smart::{entropy, factors, inclusion};
use crate::text::TextColumns;

/// The rows that a smart draw chose.
#[derive(Debug)]
pub struct Choice {
    /// The rows.
    pub selection: Selection,
    /// 1 / the probability with which each was drawn, ascending by row, if requested.
    pub weights: Option<Vec<f64>>,
    /// What was found.
    pub report: SmartReport,
}

/// What text is needed for.
pub(crate) const JUDGE: &str = "judge rows by";

/// All rows of a source, with class and weight by a rule.
#[derive(Debug)]
pub(super) struct Priorities {
    /// What was found, before anything is drawn.
    pub(super) report: SmartReport,
    /// Which rows are drawn before which.
    pub(super) classes: Vec<Class>,
    numbers: RowNumbers,
    /// The weight of each row; empty if they are equal.
    weights: Vec<u32>,
    facts: RowFacts,
    /// Whether of these one stands for all.
    is_distinct: bool,
}

/// The number of each row, by which rows of equal weight are ordered.
#[derive(Debug)]
enum RowNumbers {
    Random(RowHash),
    Given(Vec<u64>),
}

impl Priorities {
    /// Judges all rows of a source. Rows that may not be drawn are barred.
    ///
    /// # Errors
    /// As [`crate::smart::draw()`].
    pub(super) fn new(ctx: &Context, by: &Judging) -> Result<Self> {
        let smart = match by.rule {
            Rule::Weighted(smart) => smart,
            Rule::Entropy { text } => return Self::by_entropy(ctx, by, text.as_deref()),
        };
        let terms = Terms::new(smart)?;
        let text = text_columns(ctx, by.source, smart.text.as_deref(), JUDGE)?;
        if terms.all_off() {
            return Self::unjudged(ctx, by, smart, &terms, text);
        }
        let known = features(ctx, by.source, &text, smart, &terms)?;
        let mut found = Self::by_weight(ctx, known, by.seed, &terms, text, by.among)?;
        if let Some(factors) = by.factors {
            factors::multiply(&mut found.weights, factors);
        }
        found.tell_copies(by.among);
        let report = &mut found.report;
        (report.target_passed_over, report.avoid_passed_over) = smart.passed_over();
        Ok(found)
    }

    /// Rows that no term weighs.
    fn unjudged(
        ctx: &Context,
        by: &Judging,
        smart: &Smart,
        terms: &Terms,
        text: TextColumns,
    ) -> Result<Self> {
        check_rows(by.source.rows())?;
        let (chars, copies, kept) = if smart.features.is_some() {
            let KnownRows { rows, copies, kept, .. } =
                features(ctx, by.source, &text, smart, terms)?;
            (rows.chars, copies, kept)
        } else {
            let TextFeatures { exact, chars, .. } = row_texts(ctx, by.source, &text, false)?;
            (chars, Copies::of(&exact), None)
        };
        let mut classes = vec![Class::Weighted; chars.len()];
        exclude(&mut classes, by.among);
        let facts = RowFacts { chars, copies, likeness: Vec::new() };
        Ok(Self {
            report: SmartReport { kept, ..SmartReport::unweighted(text, &facts) },
            classes,
            numbers: RowNumbers::Random(RowHash::new(by.seed)),
            weights: by.factors.map(<[u32]>::to_vec).unwrap_or_default(),
            facts,
            is_distinct: false,
        })
    }

    /// Rows of which this is known, made of `text`. Copies are told once weights are final.
    pub(super) fn by_weight(
        ctx: &Context,
        known: KnownRows,
        seed: u64,
        terms: &Terms,
        text: TextColumns,
        among: &Selection,
    ) -> Result<Self> {
        let KnownRows { rows, copies, kinds, kept } = known;
        let weighed = Weighed::new(ctx, rows, copies, terms)?;
        let report = SmartReport::of(ctx, text, &weighed, terms, kinds)?;
        let report = SmartReport { kept, ..report };
        let class_of = |&weight: &u32| if weight == 0 { Class::Excluded } else { Class::Weighted };
        let mut classes: Vec<Class> = weighed.weights.iter().map(class_of).collect();
        exclude(&mut classes, among);
        let Features { chars, likeness, .. } = weighed.features;
        Ok(Self {
            report,
            classes,
            numbers: RowNumbers::Random(RowHash::new(seed)),
            weights: weighed.weights,
            facts: RowFacts { chars, copies: weighed.copies, likeness },
            is_distinct: terms.has(Term::Duplicates),
        })
    }

    /// Of rows of equal texts that may be drawn, all but the best are copies.
    pub(super) fn tell_copies(&mut self, among: &Selection) {
        if !self.is_distinct {
            return;
        }
        let copies = std::mem::take(&mut self.facts.copies);
        for group in copies.groups() {
            let eligible = || group.iter().filter(|&&row| among.has(u64::from(row)));
            let Some(&original) = eligible().min_by_key(|&&row| self.candidate(row as usize))
            else {
                continue;
            };
            // Rows of equal texts have one class but for that.
            let class = eligible().map(|&row| self.classes[row as usize]).min();
            for &row in eligible() {
                self.classes[row as usize] = Class::Copy;
            }
            self.classes[original as usize] = class.unwrap_or(Class::Copy);
        }
        self.facts.copies = copies;
    }

    /// The highest entropy first, ties by ordinal.
    fn by_entropy(ctx: &Context, by: &Judging, text: Option<&[String]>) -> Result<Self> {
        check_rows(by.source.rows())?;
        let text = text_columns(ctx, by.source, text, JUDGE)?;
        let TextFeatures { exact, chars, mut entropies } = row_texts(ctx, by.source, &text, true)?;
        entropies.iter_mut().for_each(|entropy| *entropy = u64::MAX - *entropy);
        let class = |chars: &u32| {
            if entropy::CHARS.contains(chars) { Class::Weighted } else { Class::Excluded }
        };
        let mut classes: Vec<Class> = chars.iter().map(class).collect();
        let excluded = classes.iter().filter(|&&class| class == Class::Excluded).count() as u64;
        exclude(&mut classes, by.among);
        let effective_rows = (chars.len() as u64 - excluded) as f64;
        let facts = RowFacts { chars, copies: Copies::of(&exact), likeness: Vec::new() };
        let report = SmartReport::unweighted(text, &facts);
        let report = SmartReport { excluded, effective_rows, ..report };
        let (numbers, weights) = (RowNumbers::Given(entropies), Vec::new());
        Ok(Self { report, classes, numbers, weights, facts, is_distinct: false })
    }

    /// The weight of a row; 1 if they are equal.
    pub(super) fn weight(&self, row: usize) -> u32 {
        self.weights.get(row).copied().unwrap_or(1)
    }

    /// The weight of a row of the first class; 0 for others.
    pub(super) fn weight_alone(&self, row: usize) -> u32 {
        if self.classes[row] == Class::Weighted { self.weight(row) } else { 0 }
    }

    /// The row as a draw compares it.
    pub(super) fn candidate(&self, row: usize) -> Candidate {
        let ordinal = row as u64;
        let u = match &self.numbers {
            RowNumbers::Random(hash) => hash.of(ordinal),
            RowNumbers::Given(numbers) => numbers[row],
        };
        Candidate { u, weight: self.weight(row), ordinal }
    }

    /// The `n` best rows.
    pub(super) fn draw(mut self, ctx: &Context, n: u64, with_weights: bool) -> Result<Choice> {
        // A quarter more is kept meanwhile, in memory that grows by doubling.
        memory::require_rows::<[Candidate; 2]>(n + n / 4, "the chosen rows")?;
        let drawn = classes::draw(ctx, &self.classes, n as usize, |row| self.candidate(row))?;
        let counts = drawn.classes.map(|(rows, _)| rows);
        self.report.see_drawn(counts, &drawn.selection, &self.facts);
        let inverse = || {
            let key = |row: usize| self.candidate(row);
            let none = Copies::default();
            let copies = if self.is_distinct { &self.facts.copies } else { &none };
            inclusion::inverse_probabilities(&drawn, &self.classes, copies, key)
        };
        let weights = with_weights.then(inverse);
        Ok(Choice { selection: drawn.selection, weights, report: self.report })
    }

    /// The best rows of each stratum, so many of each; in later windows the next ones.
    pub(super) fn draw_strata(
        self,
        ctx: &Context,
        strata: &Strata,
        amounts: &[u64],
        window: u64,
    ) -> Result<Choice> {
        let key = |row: u64| (self.classes[row as usize], self.candidate(row as usize));
        let selection = strata.draw_window(ctx, amounts, window, key)?;
        let report = self.found(&selection);
        Ok(Choice { selection, weights: None, report })
    }

    /// What was found, of which `drawn` are drawn.
    pub(super) fn found(mut self, drawn: &Selection) -> SmartReport {
        let mut counts = [0; CLASSES.len()];
        for (row, class) in (0..).zip(&self.classes) {
            if let Some(count) = counts.get_mut(*class as usize).filter(|_| drawn.has(row)) {
                *count += 1;
            }
        }
        self.report.see_drawn(counts, drawn, &self.facts);
        self.report
    }

    /// What was found, and what is told of rows drawn.
    pub(super) fn into_found(self) -> (SmartReport, RowFacts) {
        (self.report, self.facts)
    }
}

fn exclude(classes: &mut [Class], among: &Selection) {
    if !matches!(among, Selection::All { .. }) {
        for (class, row) in classes.iter_mut().zip(0..) {
            if !among.has(row) {
                *class = Class::Barred;
            }
        }
    }
}
