//! Train, validation and test split: disjoint sides of exact sizes, equal texts never on two.
//!
//! ```text
//!  text of row i ─▶ hash ─▶ number v = H(seed, hash)     equal texts have equal numbers
//!  sort by (v, i): equal rows lie together, groups in random order
//!  side by side: walk the groups, take each that still fits, whole
//!  a side that is short of some rows: a part of a group, whose other rows go nowhere
//!  a first side by weight: the others first, then the rows left by priority
//!  strata: then groups of equally many rows are exchanged until each side has its rows of each
//! ```
//!
//! - `placement`: the side of each row;
//! - `whole_groups`: sides made of whole groups, where the walk leaves one short of rows;
//! - `strata`: how many rows of each stratum a side has; `exchange`: which groups make them;
//! - `first`: the first side by weight.

mod exchange;
mod first;
mod placement;
mod strata;
mod whole_groups;

use crate::columns::{default_columns, named_columns};
use crate::draw::{Shares, Weighting};
use crate::error::{Error, Result};
use crate::exec::envelope::Job;
use crate::exec::{Context, memory};
use crate::hash::RowHash;
use crate::partition::Partition;
use crate::population::Population;
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::smart::extract::{Extracted, SourcePart};
use crate::smart::extractor::Tables;
use crate::smart::{SmartReport, near_duplicates};
use crate::source::Source;
use crate::text::TextColumns;

pub use self::placement::MOST_SIDES;
use self::placement::{FREE, Together, fill};
pub use self::strata::SideStrata;
pub use self::whole_groups::Side;

/// What a split is to be like.
#[derive(Debug, Clone, Copy)]
pub struct SplitOptions<'a> {
    /// The rows of each side, and whether it may have others.
    pub sizes: &'a [Side],
    /// Decides, together with the texts, which rows are drawn.
    pub seed: u64,
    /// Rows that agree in all of these columns stay together; by default every text column.
    pub text: Option<&'a [String]>,
    /// Rows that agree in all of these columns stay together, in place of equal texts; a group of
    /// them is on a side whole, or on none.
    pub group: Option<&'a [String]>,
    /// Whether near-duplicates stay together as well, see [`near_duplicates::groups`].
    pub near: bool,
    /// How the rows of the first side are chosen among those that no other side has, if by weight.
    pub first: &'a Weighting,
    /// Columns of whose values sides have their own numbers of rows each, and which numbers.
    pub by: Option<(&'a [String], &'a Shares)>,
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
    /// What each side has of each stratum; none without strata.
    pub strata: Vec<SideStrata>,
    /// Groups of rows that stay together and are of several strata.
    pub mixed: u64,
}

/// Gives each side so many rows of a population: exactly, or as nearly as whole groups of equal texts
/// allow. Which rows are drawn depends on their texts and the seed, not on their position; without
/// text, on the position alone.
///
/// A first side by weight is drawn last, out of what the other sides leave; what its rule found comes
/// along. With strata each side has its own number of rows of each of them, as far as rows that stay
/// together allow; the sizes of sides come first.
///
/// # Errors
/// [`Error::Argument`] when there are not enough rows, [`Error::Column`] for a column that is not
/// there or holds no text, and whatever reading fails with.
///
/// # Examples
/// ```
/// use fastsample::draw::Weighting;
/// use fastsample::split::{Side, SplitOptions, split};
/// use fastsample::{Context, Population, Source};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// # let texts: Vec<String> = (0..1000).map(|i| format!("What is {i} times {i}?")).collect();
/// # let column: ArrayRef = Arc::new(StringArray::from(texts));
/// # let batch = RecordBatch::try_from_iter([("prompt", column)])?;
/// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
///
/// let sizes = [900, 100].map(|rows| Side { rows, is_exact: true });
/// let (sizes, first) = (&sizes, &Weighting::default());
/// let (text, group, by) = (None, None, None);
/// let options = SplitOptions { sizes, seed: 42, text, group, near: false, first, by };
/// let sides = split(&Context::new(None), &Population::from(source), options)?;
/// assert_eq!(sides.rows[0].len(), 900);
/// assert!((0..1000).all(|row| sides.rows[0].has(row) != sides.rows[1].has(row)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn split(ctx: &Context, population: &Population, options: SplitOptions<'_>) -> Result<Sides> {
    let (source, among) = (population.source(), population.among());
    let rows = source.rows();
    let wanted: u64 = options.sizes.iter().map(|side| side.rows).sum();
    if wanted > population.rows() {
        return Err(Error::Argument(format!(
            "the sides have {wanted} rows together, but {}",
            population.described()
        )));
    }
    if options.sizes.len() > MOST_SIDES {
        return Err(Error::Argument(format!("there can be at most {MOST_SIDES} sides")));
    }
    let by_weight = options.first.rule.is_some() || options.first.column.is_some();
    let (text, numbered) = if let Some(group) = options.group {
        if by_weight || options.near || options.text.is_some() {
            return Err(Error::Argument(
                "a split by groups compares no texts and has no weights".into(),
            ));
        }
        (TextColumns::default(), number_groups(ctx, population, options.seed, group)?)
    } else {
        let text = text_of(ctx, source, options.text)?;
        let mut numbered = number(ctx, source, &text, options)?;
        numbered.retain(|&(_, row)| among.has(row));
        (text, numbered)
    };
    let skipped = usize::from(by_weight);
    let together = options.group.map_or(Together::Texts, Together::Groups);
    let mut placed = fill(&numbered, options.sizes, skipped, together)?;
    let strata = options.by.map(|by| {
        let sizes = rows_of_sides(&placed, options.sizes, skipped);
        strata::StrataOfSides::new(ctx, population, by, &sizes, &numbered, options.seed)
    });
    let strata = strata.transpose()?;
    if let Some(strata) = &strata {
        strata.arrange(&numbered, skipped, &mut placed);
    }
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
    let mut smart = None;
    if let (true, Some(&side)) = (by_weight, options.sizes.first()) {
        drop((numbered, placed));
        let side = (side, options.seed);
        let (weight, strata) = (options.first, strata.as_ref());
        (rows_of[0], smart) = first::draw(ctx, population, weight, free, side, strata)?;
    }
    let mixed = strata.as_ref().map_or(0, |strata| strata.mixed);
    let strata = strata.map(|strata| strata.report(ctx, &rows_of)).transpose()?;
    Ok(Sides { rows: rows_of, text, smart, strata: strata.unwrap_or_default(), mixed })
}

/// The rows of each side: those that it has, or, of the first `skipped`, those that it is to have of what
/// is left.
fn rows_of_sides(placed: &[u8], sides: &[Side], skipped: usize) -> Vec<u64> {
    let mut rows = vec![0; usize::from(u8::MAX) + 1];
    placed.iter().for_each(|&side| rows[usize::from(side)] += 1);
    let mut free = rows[usize::from(FREE)];
    for (rows, side) in rows.iter_mut().zip(sides).take(skipped) {
        *rows = side.rows.min(free);
        free -= *rows;
    }
    rows.truncate(sides.len());
    rows
}

/// The number and ordinal of each row that may be drawn, sorted: rows of a group have equal numbers.
fn number_groups(
    ctx: &Context,
    population: &Population,
    seed: u64,
    group: &[String],
) -> Result<Vec<(u64, u64)>> {
    memory::require_rows::<(u64, u64)>(population.rows(), "the groups of the rows")?;
    let partition = Partition::whole(ctx, population, group)?;
    let (hash, values) = (RowHash::derive(seed, "split"), partition.hashes());
    let groups = (0..).zip(partition.strata().groups());
    let mut numbered: Vec<(u64, u64)> = groups
        .filter_map(|(row, group)| Some((hash.of(*values.get(group as usize)?), row)))
        .collect();
    numbered.sort_unstable();
    Ok(numbered)
}

/// Each row's number and ordinal, sorted.
fn number(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    options: SplitOptions<'_>,
) -> Result<Vec<(u64, u64)>> {
    // Each thread's rows, and all of them, while they are put together.
    memory::require_rows::<[(u64, u64); 2]>(source.rows(), "the hashes of the texts")?;
    let hash = RowHash::derive(options.seed, "split");
    let mut numbered: Vec<(u64, u64)> = if text.is_empty() {
        (0..source.rows()).map(|row| (hash.of(row), row)).collect()
    } else if options.near {
        let job = Job::new(source.rows());
        let part = SourcePart { source, text, first: 0, job };
        let all = Selection::All { rows: source.rows() };
        let features = Extracted::of(ctx, part, &all, Tables::default())?.finish()?.into_features();
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
        &source.project_text(text, &[])?,
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
