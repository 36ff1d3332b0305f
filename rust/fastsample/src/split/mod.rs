//! Train, validation and test split: disjoint sides of exact sizes, equal texts never on two.
//!
//! ```text
//!  text of row i ─▶ hash ─▶ number v = H(seed, hash)     equal texts have equal numbers
//!  sort by (v, i): equal rows lie together, groups in random order
//!  side by side: walk the groups, take each that still fits, whole
//!  a side that is short of some rows: a part of a group, whose other rows go nowhere
//!  a first side by weight: the others first, then the rows left by priority
//! ```
//!
//! Where that leaves a side short of rows, sides are made of whole groups: `whole_groups`.

mod whole_groups;

use crate::columns::{default_columns, named_columns};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::Job;
use crate::hash::RowHash;
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::smart::extract::{Extracted, SourcePart};
use crate::smart::{Ranking, Rule, SmartReport, near_duplicates};
use crate::source::Source;
use crate::text::TextColumns;

pub use self::whole_groups::Side;
use self::whole_groups::{Miss, assign};

/// Not on any side.
const FREE: u8 = u8::MAX;

/// Not on any side, and never to be: an equal row is on one.
const LEFT_OUT: u8 = u8::MAX - 1;

/// Sides that one split may have.
pub const MOST_SIDES: usize = LEFT_OUT as usize;

/// What a split is to be like.
#[derive(Debug, Clone, Copy)]
pub struct SplitOptions<'a> {
    /// The rows of each side, and whether it may have others.
    pub sizes: &'a [Side],
    /// Decides, together with the texts, which rows are drawn.
    pub seed: u64,
    /// Rows that agree in all of these columns stay together; by default every text column.
    pub text: Option<&'a [String]>,
    /// Whether near-duplicates stay together as well, see [`near_duplicates::groups`].
    pub near: bool,
    /// How the rows of the first side are chosen among those that no other side has.
    pub smart: Option<&'a Rule>,
}

/// The rows of each side, and what was found on the way.
#[derive(Debug)]
pub struct Sides {
    /// The rows of each side, in the order of the sizes.
    pub rows: Vec<Selection>,
    /// The text that rows were compared by; none where they were told apart by position.
    pub text: TextColumns,
    /// What the rule of the first side found, if it has one.
    pub smart: Option<SmartReport>,
}

/// Gives each side so many rows of `source`: exactly, or as nearly as whole groups of equal texts
/// allow. Which rows are drawn depends on their texts and the
/// seed, not on their position; without text, on the position alone. With a rule the other sides
/// are drawn first, and the first one by the rule out of what is left; what the rule found comes
/// along.
///
/// # Errors
/// [`Error::Argument`] when there are not enough rows, [`Error::Column`] for a column that is not
/// there or holds no text, and whatever reading fails with.
///
/// # Examples
/// ```
/// use fastsample::split::{Side, SplitOptions, split};
/// use fastsample::{Context, Source};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
/// # let column: ArrayRef = Arc::new(StringArray::from(texts));
/// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
/// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let sizes = [900, 100].map(|rows| Side { rows, is_exact: true });
/// let options = SplitOptions { sizes: &sizes, seed: 42, text: None, near: false, smart: None };
/// let sides = split(&Context::new(None), &source, options)?;
/// assert_eq!(sides.rows[0].len(), 900);
/// assert!((0..1000).all(|row| sides.rows[0].has(row) != sides.rows[1].has(row)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn split(ctx: &Context, source: &Source, options: SplitOptions<'_>) -> Result<Sides> {
    let rows = source.rows();
    let wanted: u64 = options.sizes.iter().map(|side| side.rows).sum();
    if wanted > rows {
        return Err(Error::Argument(format!(
            "the sides have {wanted} rows together, but the source has only {rows}"
        )));
    }
    if options.sizes.len() > MOST_SIDES {
        return Err(Error::Argument(format!("there can be at most {MOST_SIDES} sides")));
    }
    let text = text_of(ctx, source, options.text)?;
    let numbered = number(ctx, source, &text, options)?;
    let by_rule = usize::from(options.smart.is_some());
    let placed = fill(&numbered, options.sizes, by_rule)?;
    let mut ids = vec![Vec::new(); options.sizes.len()];
    let mut free = Vec::new();
    for (&side, &(_, ordinal)) in placed.iter().zip(&numbered) {
        if let Some(ids) = ids.get_mut(usize::from(side)) {
            ids.push(ordinal);
        } else if side == FREE {
            free.push(ordinal);
        }
    }
    let mut rows_of =
        ids.iter().map(|ids| Selection::of_ids(ids, rows)).collect::<Result<Vec<_>>>()?;
    let (Some(rule), Some(&Side { rows: wanted, is_exact })) =
        (options.smart, options.sizes.first())
    else {
        return Ok(Sides { rows: rows_of, text, smart: None });
    };
    let size = wanted.min(free.len() as u64);
    if size < wanted && (is_exact || size == 0) {
        return Err(too_few(0, wanted - size, wanted, None));
    }
    let free = Selection::of_ids(&free, rows)?;
    let ranking = Ranking::new(ctx, source, options.seed, rule, &free)?;
    let (chosen, report) = ranking.window(0..size)?;
    rows_of[0] = chosen;
    Ok(Sides { rows: rows_of, text, smart: Some(report) })
}

/// Each row's number and ordinal, sorted.
fn number(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    options: SplitOptions<'_>,
) -> Result<Vec<(u64, u64)>> {
    let hash = RowHash::derive(options.seed, "split");
    let mut numbered: Vec<(u64, u64)> = if text.is_empty() {
        (0..source.rows()).map(|row| (hash.of(row), row)).collect()
    } else if options.near {
        let job = Job::new(source.rows());
        let part = SourcePart { source, text, first: 0, job };
        let all = Selection::All { rows: source.rows() };
        let features = Extracted::of(ctx, part, &all, None, None)?.finish()?.into_features();
        let groups = near_duplicates::groups(ctx, &features)?;
        groups.into_iter().map(|group| hash.of(group)).zip(0..).collect()
    } else {
        number_texts(ctx, source, text, hash)?
    };
    numbered.sort_unstable();
    Ok(numbered)
}

/// The number and ordinal of each row: equal texts have equal numbers.
fn number_texts(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    hash: RowHash,
) -> Result<Vec<(u64, u64)>> {
    ctx.begin(source.rows());
    scan(
        ctx,
        &source.project(text.roots())?,
        scan::all,
        Vec::new,
        |numbered, first, batch| {
            let texts = text.of(batch)?;
            let found = (0..texts.rows()).map(|row| hash.of(texts.hash(row)));
            numbered.extend(found.zip(first..));
            Ok(())
        },
        |numbered: &mut Vec<(u64, u64)>, mut other| numbered.append(&mut other),
    )
}

/// The text that rows are compared by; none if there is no text, or if none is named.
fn text_of(ctx: &Context, source: &Source, named: Option<&[String]>) -> Result<TextColumns> {
    match named {
        Some([]) => Ok(TextColumns::default()),
        None => default_columns(ctx, source),
        Some(named) => named_columns(source, named),
    }
}

/// The side of each of the sorted rows. The first `skipped` sides get none, but find rows enough
/// that are free, if it can be.
fn fill(numbered: &[(u64, u64)], sides: &[Side], skipped: usize) -> Result<Vec<u8>> {
    let needed: u64 = sides[..skipped].iter().map(|side| side.rows).sum();
    let free = |placed: &[u8]| placed.iter().map(|&side| u64::from(side == FREE)).sum::<u64>();
    let torn = match fill_in_order(numbered, sides, skipped) {
        Ok(placed) if free(&placed) >= needed => return Ok(placed),
        other => other,
    };
    let groups = || numbered.chunk_by(|a, b| a.0 == b.0);
    let lengths: Vec<u64> = groups().map(|group| group.len() as u64).collect();
    match (assign(&lengths, &sides[skipped..]), torn) {
        (Ok(whole), _) => {
            let side = |side: &Option<usize>| side.map_or(FREE, |side| (side + skipped) as u8);
            let rows = groups().zip(&whole);
            Ok(rows.flat_map(|(group, place)| group.iter().map(move |_| side(place))).collect())
        }
        (Err(miss), Err(short)) => {
            let miss = Miss { side: miss.side + skipped, ..miss };
            Err(too_few(short.side, short.missing, sides[short.side].rows, Some(miss)))
        }
        // Each side has its rows, if only by leaving some out that the first side lacks.
        (Err(_), Ok(placed)) => Ok(placed),
    }
}

/// A side that lacks rows.
struct Short {
    side: usize,
    missing: u64,
}

/// Side by side in the order of groups; of the last group of a side perhaps a part.
fn fill_in_order(
    numbered: &[(u64, u64)],
    sides: &[Side],
    skipped: usize,
) -> std::result::Result<Vec<u8>, Short> {
    let mut placed = vec![FREE; numbered.len()];
    for (side, &Side { rows, .. }) in sides.iter().enumerate().skip(skipped) {
        let mut missing = rows as usize;
        let mut start = 0;
        for group in numbered.chunk_by(|a, b| a.0 == b.0) {
            if missing == 0 {
                break;
            }
            if placed[start] == FREE && group.len() <= missing {
                placed[start..start + group.len()].fill(side as u8);
                missing -= group.len();
            }
            start += group.len();
        }
        // What is free now are groups that are larger than what is missing.
        if missing > 0 {
            let Some(start) = placed.iter().position(|&side| side == FREE) else {
                return Err(Short { side, missing: missing as u64 });
            };
            let group = numbered[start..].iter().take_while(|row| row.0 == numbered[start].0);
            let group = group.count();
            placed[start..start + missing].fill(side as u8);
            placed[start + missing..start + group].fill(LEFT_OUT);
        }
    }
    Ok(placed)
}

fn too_few(side: usize, missing: u64, wanted: u64, miss: Option<Miss>) -> Error {
    let possible = miss.and_then(|Miss { side, below, above }| {
        let sizes = [below, above].into_iter().flatten().map(|rows| rows.to_string());
        let sizes = sizes.reduce(|below, above| format!("{below} or {above}"))?;
        let side = side + 1;
        Some(format!(
            "whole groups make {sizes} rows of side {side}: ask for that, or for shares, which \
             take the nearest"
        ))
    });
    let possible = possible.unwrap_or_else(|| "ask for fewer rows".into());
    let side = side + 1;
    Error::Argument(format!(
        "side {side} of the split lacks {missing} of its {wanted} rows: equal texts must stay \
         together (near-duplicates, too, if that was asked for), and what is left is equal to rows \
         of another side; {possible}, or name other text columns"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sides_are_exact_and_share_no_group(
            texts in prop::collection::vec(0_u64..400, 1..900),
            shares in prop::collection::vec(0.0..0.4, 1..4)
        ) {
            let mut numbered: Vec<_> = texts.iter().copied().zip(0..).collect();
            numbered.sort_unstable();
            let size = |share: &f64| ((texts.len() as f64 * share) as u64).max(1);
            let sizes: Vec<u64> = shares.iter().map(size).collect();
            // Three sides of at most 40 % each may be more than there is.
            prop_assume!(sizes.iter().sum::<u64>() * 10 <= texts.len() as u64 * 8);
            let sides: Vec<Side> = sizes.iter().map(|&rows| Side { rows, is_exact: true }).collect();
            let placed = fill(&numbered, &sides, 0).expect("a fifth of the rows is to spare");
            let mut side_of = HashMap::new();
            let mut found = vec![0; sizes.len()];
            for (&side, &(number, _)) in placed.iter().zip(&numbered) {
                if let Some(count) = found.get_mut(usize::from(side)) {
                    *count += 1;
                    prop_assert_eq!(*side_of.entry(number).or_insert(side), side);
                }
            }
            prop_assert_eq!(found, sizes);
        }
    }

    #[test]
    fn what_can_not_be_had_is_an_error() {
        let equal: Vec<(u64, u64)> = (0..10).map(|row| (7, row)).collect();
        let side = Side { rows: 4, is_exact: true };
        let placed = fill(&equal, &[side], 0).expect("a part of the group");
        assert_eq!(placed.iter().filter(|side| **side == 0).collect::<Vec<_>>().len(), 4);
        let error = fill(&equal, &[side, side], 0).expect_err("one group");
        assert!(error.to_string().contains("whole groups make 10 rows of side 1"), "{error}");
    }
}
