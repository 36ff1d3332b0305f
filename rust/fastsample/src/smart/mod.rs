//! Weighing rows by what they add, and drawing by weight.
//!
//! ```text
//!  source ─▶ survey: one pass, Features a row ─▶ weight = product of terms ─▶ bottom-n of u / weight
//!             features   (MinHash bands, length,     duplicates   1 / near-duplicates
//!                         distinct shingles)         length       square root, then falling
//!                                                    repetition   distinct / all shingles
//! ```
//!
//! Every term is an integer function of a row's features and of counts over all rows, so that no
//! order of threads and no vector width can change a bit. Rows fall into three classes, and a lower
//! one is touched only when the one before is used up: rows with a weight, rows of weight 0 (too
//! short), copies of other rows.

pub mod duplicates;
pub mod entropy;
pub mod features;
pub mod fixed;
pub mod length;
pub mod repetition;
pub mod survey;

use arrow_buffer::BooleanBufferBuilder;

use self::features::Features;
use self::fixed::ONE;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::parallel::fold;
use crate::select::{BottomN, Candidate, RowHash, Selection, uniform};
use crate::source::{Source, is_text};

/// Strengths of the terms; 0 switches a term off, 1 is the formula of its module.
#[derive(Debug, Clone, PartialEq)]
pub struct Smart {
    /// Text columns to look at; every top-level text column if none.
    pub text: Option<Vec<String>>,
    /// Exponent of 1 / (number of near-duplicates). Above 0, equal rows are never drawn twice
    /// while others are left.
    pub duplicates: f64,
    /// Exponent of the length factor. Above 0, rows shorter than `min_chars` come last.
    pub length: f64,
    /// Exponent of the share of distinct shingles.
    pub repetition: f64,
    /// Characters (of all text columns) below which a row is too short to teach.
    pub min_chars: u32,
    /// Characters beyond which training cuts a row off.
    pub max_chars: u32,
}

impl Default for Smart {
    fn default() -> Self {
        Self {
            text: None,
            duplicates: 1.0,
            length: 1.0,
            repetition: 1.0,
            min_chars: 10,
            max_chars: 512,
        }
    }
}

/// How rows are to be chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// By weight.
    Weighted(Smart),
    /// The rows of highest character entropy (of the first text column).
    Entropy {
        /// Text columns to look at; every top-level text column if none.
        text: Option<Vec<String>>,
    },
}

/// What a smart draw found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SmartReport {
    /// The text columns that were looked at.
    pub text: Vec<String>,
    /// Rows of weight 0: too short, or outside the entropy rule's limits.
    pub excluded: u64,
    /// Rows that are copies of another row.
    pub copies: u64,
    /// Rows that have near-duplicates: estimated as two or more alike, copies included.
    pub near_duplicates: u64,
    /// Rows of weight 0 that had to be drawn because no others were left.
    pub excluded_drawn: u64,
    /// Copies that had to be drawn because no others were left.
    pub copies_drawn: u64,
    /// (sum of weights)^2 / sum of squared weights, over all rows: how many rows of equal weight
    /// are as diverse.
    pub effective_rows: f64,
}

/// Draws `n` rows by `rule`.
///
/// # Errors
/// [`Error::Column`] for text columns that do not exist or are no text, and whatever reading fails
/// with.
pub fn draw(
    ctx: &Context,
    source: &Source,
    n: u64,
    seed: u64,
    rule: &Rule,
) -> Result<(Selection, SmartReport)> {
    match rule {
        Rule::Weighted(smart) => weighted(ctx, source, n, seed, smart),
        Rule::Entropy { text } => by_entropy(ctx, source, n, text.as_deref()),
    }
}

fn weighted(
    ctx: &Context,
    source: &Source,
    n: u64,
    seed: u64,
    smart: &Smart,
) -> Result<(Selection, SmartReport)> {
    let strengths = Strengths::new(smart)?;
    let columns = text_columns(source, smart.text.as_deref())?;
    let mut report = SmartReport { text: names(source, &columns), ..SmartReport::default() };
    if strengths.all_off() {
        report.effective_rows = source.rows() as f64;
        return Ok((uniform(ctx, source.rows(), n, seed)?, report));
    }
    let features = survey::survey(ctx, source, &columns)?;
    let hash = RowHash::new(seed);
    let mut classes = vec![Class::Weighted; features.len()];
    let weights = weights(ctx, &features, smart, &strengths, &mut report)?;
    if strengths.duplicates > 0 {
        let copies = duplicates::copies(&features, |row| hash.of(row as u64));
        report.copies = copies.iter().filter(|&&copy| copy).count() as u64;
        for (class, copy) in classes.iter_mut().zip(copies) {
            if copy {
                *class = Class::Copy;
            }
        }
    }
    for (class, &weight) in classes.iter_mut().zip(&weights) {
        if weight == 0 {
            report.excluded += 1;
            *class = (*class).max(Class::Excluded);
        }
    }
    let (sum, squares) = weights.iter().fold((0.0, 0.0), |(sum, squares), &weight| {
        let weight = f64::from(weight);
        (sum + weight, squares + weight * weight)
    });
    report.effective_rows = if squares > 0.0 { sum * sum / squares } else { 0.0 };
    let key = |row: usize| {
        let ordinal = row as u64;
        Candidate { u: hash.of(ordinal), weight: weights[row], ordinal }
    };
    select(ctx, &classes, n as usize, key, report)
}

fn by_entropy(
    ctx: &Context,
    source: &Source,
    n: u64,
    text: Option<&[String]>,
) -> Result<(Selection, SmartReport)> {
    let columns = text_columns(source, text)?;
    let mut report = SmartReport { text: names(source, &columns), ..SmartReport::default() };
    let rows = survey::entropies(ctx, source, &columns)?;
    let class = |&(_, chars): &(u64, u32)| {
        if entropy::CHARS.contains(&chars) { Class::Weighted } else { Class::Excluded }
    };
    let classes: Vec<Class> = rows.iter().map(class).collect();
    report.excluded = classes.iter().filter(|&&class| class == Class::Excluded).count() as u64;
    report.effective_rows = (rows.len() as u64 - report.excluded) as f64;
    // The highest entropy first, ties by ordinal.
    let key = |row: usize| Candidate { u: u64::MAX - rows[row].0, weight: 1, ordinal: row as u64 };
    select(ctx, &classes, n as usize, key, report)
}

/// Which rows are drawn before which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Weighted,
    Excluded,
    Copy,
}

/// The `n` best rows: class by class, by priority within a class.
fn select(
    ctx: &Context,
    classes: &[Class],
    n: usize,
    key: impl Fn(usize) -> Candidate + Sync,
    mut report: SmartReport,
) -> Result<(Selection, SmartReport)> {
    const ROWS_PER_TASK: usize = 1 << 17;
    let mut bits = BooleanBufferBuilder::new(classes.len());
    bits.append_n(classes.len(), false);
    let mut left = n;
    for class in [Class::Weighted, Class::Excluded, Class::Copy] {
        if left == 0 {
            break;
        }
        let best = fold(
            ctx,
            classes.len().div_ceil(ROWS_PER_TASK),
            || BottomN::new(left),
            |best, task| {
                let rows = task * ROWS_PER_TASK..classes.len().min((task + 1) * ROWS_PER_TASK);
                for row in rows.filter(|&row| classes[row] == class) {
                    best.push(key(row));
                    if best.is_full() {
                        best.cut();
                    }
                }
                Ok(())
            },
            BottomN::merge,
        )?;
        let ids = best.into_ids();
        left -= ids.len();
        match class {
            Class::Weighted => {}
            Class::Excluded => report.excluded_drawn = ids.len() as u64,
            Class::Copy => report.copies_drawn = ids.len() as u64,
        }
        for id in ids {
            bits.set_bit(id as usize, true);
        }
    }
    debug_assert_eq!(left, 0, "the caller checks that there are enough rows");
    Ok((Selection::Bits { bits: bits.finish(), n: n as u64 }, report))
}

/// Strengths in fixed point.
struct Strengths {
    duplicates: i64,
    length: i64,
    repetition: i64,
}

impl Strengths {
    fn new(smart: &Smart) -> Result<Self> {
        let fixed = |name: &str, strength: f64| {
            if (0.0..=16.0).contains(&strength) {
                return Ok((strength * ONE as f64).round() as i64);
            }
            Err(Error::Argument(format!("{name} is {strength}; it must be from 0 (off) to 16")))
        };
        if smart.min_chars > smart.max_chars {
            return Err(Error::Argument(format!(
                "min_chars is {}, more than max_chars, which is {}",
                smart.min_chars, smart.max_chars
            )));
        }
        Ok(Self {
            duplicates: fixed("duplicates", smart.duplicates)?,
            length: fixed("length", smart.length)?,
            repetition: fixed("repetition", smart.repetition)?,
        })
    }

    fn all_off(&self) -> bool {
        self.duplicates == 0 && self.length == 0 && self.repetition == 0
    }
}

/// The weight of each row; 0 for a row that is too short.
fn weights(
    ctx: &Context,
    features: &[Features],
    smart: &Smart,
    strengths: &Strengths,
    report: &mut SmartReport,
) -> Result<Vec<u32>> {
    let counts = duplicates::log_counts(ctx, features)?;
    report.near_duplicates = counts.iter().filter(|&&log| log >= ONE).count() as u64;
    let weight = |(row, &count): (&Features, &i64)| {
        let mut log = -times(strengths.duplicates, count);
        log += times(strengths.repetition, repetition::log_factor(row));
        if strengths.length > 0 {
            match length::log_factor(row.chars, smart.min_chars, smart.max_chars) {
                None => return 0,
                Some(factor) => log += times(strengths.length, factor),
            }
        }
        fixed::exp2(log)
    };
    Ok(features.iter().zip(&counts).map(weight).collect())
}

/// The product of two fixed-point numbers.
fn times(a: i64, b: i64) -> i64 {
    (a * b) >> fixed::FRACTION_BITS
}

fn names(source: &Source, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|&index| source.schema().field(index).name().clone()).collect()
}

/// The text columns that are named, or all of them.
fn text_columns(source: &Source, named: Option<&[String]>) -> Result<Vec<usize>> {
    let schema = source.schema();
    let all: Vec<usize> =
        (0..schema.fields().len()).filter(|&i| is_text(schema.field(i).data_type())).collect();
    let Some(named) = named else {
        if all.is_empty() {
            return Err(Error::Column(
                "there is no text column to judge rows by; cast one to text, \
                 or draw without smart"
                    .into(),
            ));
        }
        return Ok(all);
    };
    if named.is_empty() {
        return Err(Error::Column("the list of text columns is empty; name at least one".into()));
    }
    let find = |name: &String| match schema.index_of(name) {
        Ok(index) if all.contains(&index) => Ok(index),
        Ok(index) => Err(Error::Column(format!(
            "column {name:?} is {}, not text; the text columns are {}",
            schema.field(index).data_type(),
            names(source, &all).join(", ")
        ))),
        Err(_) => Err(Error::Column(format!(
            "there is no column {name:?}; the text columns are {}",
            names(source, &all).join(", ")
        ))),
    };
    named.iter().map(find).collect()
}
