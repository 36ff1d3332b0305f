//! Profile of a data set for comparison with another: one pass, mergeable, of bounded size.

use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::chance::{CLASSES, GROUPS, Groups};
use super::grams::Grams;
use super::signature::{Signature, decoded, trigrams};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::{RowHash, mix};
use crate::inspect::TextStatistics;
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::sketch::Distinct;
use crate::source::Source;
use crate::text::{RowTexts, TextColumn, TextColumns};

const NEAR_ROWS: usize = 1 << 18;
const TYPES: usize = 1 << 15;

/// Distinct texts that are set aside to be predicted.
pub const HELD_OUT: usize = 2000;
const HELD_OUT_CHARS: usize = 2000;

/// Characters of a text whose n-grams are counted: one book among short rows must not outweigh them.
const COUNTED_CHARS: usize = 16_384;
const MOST_VALUES: usize = 10_000;

/// What the pass looks for.
#[derive(Debug, Clone)]
pub struct ProfileOptions {
    /// The text that is compared.
    pub text: TextColumns,
    /// The column whose values' shares are compared.
    pub by: Option<usize>,
    /// Characters at which training cuts a row off.
    pub max_chars: usize,
    /// Rows whose hash of content is below are set aside.
    pub held_below: u64,
    /// Rows whose other hash of content is at most this have their n-grams counted.
    pub counted_below: u64,
    /// Rows that are a random sample as large as the one that is judged.
    pub random: Option<Selection>,
}

/// Facts of a data set. Parts merge.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Lengths and copies.
    pub texts: TextStatistics,
    /// The sum of the rows' hashes: equal for the same rows in any order.
    pub fingerprint: u128,
    /// Near-duplicate signatures.
    pub near: Distinct,
    /// Trigrams.
    pub types: Distinct,
    /// N-grams of the rows that belong to [`ProfileOptions::random`], or of all.
    pub drawn: Grams,
    /// N-grams of the other rows.
    pub rest: Option<Grams>,
    /// Classes of n-grams of the rows whose n-grams were counted, by random group: one group unless
    /// random samples are to be drawn of them.
    pub groups: Groups,
    /// Rows of each value.
    pub values: BTreeMap<String, u64>,
    /// Texts that were set aside, by hash.
    pub held_out: BTreeMap<u64, String>,
    /// Rows that are longer than [`ProfileOptions::max_chars`].
    pub cut_rows: u64,
    /// Characters beyond it.
    pub cut_chars: u64,
    codes: Vec<u32>,
}

impl Profile {
    fn new(plan: &ProfileOptions) -> Self {
        Self {
            texts: TextStatistics::new(plan.text.len()),
            fingerprint: 0,
            near: Distinct::new(NEAR_ROWS),
            types: Distinct::new(TYPES),
            drawn: Grams::default(),
            rest: plan.random.as_ref().map(|_| Grams::default()),
            groups: Groups::new(if plan.random.is_some() { GROUPS } else { 1 }),
            values: BTreeMap::new(),
            held_out: BTreeMap::new(),
            cut_rows: 0,
            cut_chars: 0,
            codes: Vec::new(),
        }
    }

    fn add(
        &mut self,
        plan: &ProfileOptions,
        texts: &RowTexts<'_>,
        row: usize,
        group: u64,
        drawn: bool,
    ) {
        let (hash, chars) = self.texts.add(texts, row);
        self.fingerprint = self
            .fingerprint
            .wrapping_add(u128::from(mix(hash)) << 64 | u128::from(mix(hash ^ 0x5eed)));
        if chars > plan.max_chars {
            self.cut_rows += 1;
            self.cut_chars += (chars - plan.max_chars) as u64;
        }
        if mix(hash) < plan.held_below {
            self.set_aside(hash, texts.of_row(row));
            return;
        }
        let counted = mix(hash ^ 0xc0de) <= plan.counted_below;
        if counted {
            self.groups.add_row(group);
        }
        let mut signature = Signature::default();
        let mut codes = std::mem::take(&mut self.codes);
        for text in texts.of_row(row) {
            let codes = decoded(text, &mut codes);
            signature.add(codes);
            if counted {
                self.count(&codes[..codes.len().min(COUNTED_CHARS)], group, drawn);
            }
        }
        self.codes = codes;
        self.near.add(signature.finish(hash));
    }

    fn count(&mut self, codes: &[u32], group: u64, drawn: bool) {
        trigrams(codes).for_each(|trigram| self.types.add(trigram));
        let classes = self.groups.counts_of(group);
        let counts = match &mut self.rest {
            Some(rest) if !drawn => rest,
            _ => &mut self.drawn,
        };
        counts.add(codes, |hash| classes[(hash >> 32) as usize % CLASSES] += 1);
    }

    fn set_aside<'a>(&mut self, hash: u64, texts: impl Iterator<Item = &'a str>) {
        // Twice as many as are wanted never come; this is against hostile hashes.
        if self.held_out.len() < 4 * HELD_OUT {
            self.held_out.entry(hash).or_insert_with(|| {
                let text = texts.collect::<Vec<_>>().join("\n");
                text.chars().take(HELD_OUT_CHARS).collect()
            });
        }
    }

    fn add_value(&mut self, value: &str) -> Result<()> {
        if let Some(count) = self.values.get_mut(value) {
            *count += 1;
            return Ok(());
        }
        self.values.insert(value.to_owned(), 1);
        check_values(&self.values)
    }

    /// Takes in another part.
    fn merge(&mut self, other: Self) {
        self.texts.merge(other.texts);
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        self.near.merge(other.near);
        self.types.merge(other.types);
        self.drawn.merge(&other.drawn);
        if let (Some(mine), Some(others)) = (&mut self.rest, &other.rest) {
            mine.merge(others);
        }
        self.groups.merge(&other.groups);
        for (value, count) in other.values {
            *self.values.entry(value).or_insert(0) += count;
        }
        self.held_out.extend(other.held_out);
        self.cut_rows += other.cut_rows;
        self.cut_chars += other.cut_chars;
    }
}

/// Reads the text of every row of `source` once.
///
/// # Errors
/// When reading fails, the call is cancelled, or the `by` column has too many values.
pub fn profile(ctx: &Context, source: &Source, plan: &ProfileOptions) -> Result<Profile> {
    let roots = plan.text.roots();
    let place = |by| roots.iter().position(|&root| root == by).unwrap_or(roots.len());
    let by = plan.by.map(place);
    let others = plan.by.filter(|by| !roots.contains(by));
    ctx.begin(source.rows());
    let rows = source.project_text(&plan.text, others.as_slice())?;
    let groups = RowHash::derive(0, "groups of rows");
    let merged = scan(
        ctx,
        &rows,
        scan::all,
        || None,
        |state: &mut Option<Profile>, first, batch| {
            let profile = state.get_or_insert_with(|| Profile::new(plan));
            let texts = plan.text.of(batch)?;
            profile.texts.add_nulls(&plan.text, batch);
            let ordinals = first..first + batch.num_rows() as u64;
            let drawn = plan.random.as_ref().map(|random| random.mask(ordinals.clone()));
            for (row, ordinal) in ordinals.enumerate() {
                let group = groups.of(ordinal);
                let drawn = drawn.as_ref().is_none_or(|mask| mask.has(row));
                profile.add(plan, &texts, row, group, drawn);
            }
            if let Some(by) = by {
                add_values(profile, batch, by)?;
            }
            Ok(())
        },
        |total, other| match (total, other) {
            (Some(total), Some(other)) => total.merge(other),
            (total @ None, other) => *total = other,
            (Some(_), None) => {}
        },
    )?;
    let mut merged = merged.unwrap_or_else(|| Profile::new(plan));
    check_values(&merged.values)?;
    merged.texts.copies.prune();
    merged.near.prune();
    merged.types.prune();
    Ok(merged)
}

/// Parts may have few values each, and too many together.
fn check_values(values: &BTreeMap<String, u64>) -> Result<()> {
    if values.len() <= MOST_VALUES {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "the column to compare shares of has more than {MOST_VALUES} values; \
         choose one with fewer, such as the source of a row"
    )))
}

fn add_values(profile: &mut Profile, batch: &RecordBatch, column: usize) -> Result<()> {
    let column = batch.column(column);
    let shown = arrow_cast::cast(column, &DataType::Utf8View).map_err(Error::kernel)?;
    let text = TextColumn::new(&shown)
        .ok_or_else(|| Error::Internal("the column is not text after a cast".into()))?;
    let nulls = column.logical_nulls();
    let (mut row, mut outcome) = (0, Ok(()));
    text.for_each(|value| {
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        if outcome.is_ok() {
            outcome = profile.add_value(if is_null { "(null)" } else { value });
        }
        row += 1;
    });
    outcome
}
