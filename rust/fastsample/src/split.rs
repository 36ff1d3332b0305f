//! Training, validation and test rows: disjoint, of exact sizes, equal texts never on two sides.
//!
//! ```text
//!  text of row i ─▶ hash ─▶ number v = H(seed, hash)     equal texts have equal numbers
//!  sort by (v, i): equal rows lie together, groups in random order
//!  side by side: walk the groups, take each that still fits, whole
//!  a side that is short of some rows: a part of a group, whose other rows go nowhere
//! ```

use arrow_array::RecordBatch;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::parallel::fold;
use crate::select::{RowHash, RowMask, Selection};
use crate::source::{Source, is_text};
use crate::text::TextColumn;

/// Not on any side.
const FREE: u8 = u8::MAX;

/// Not on any side, and never to be: an equal row is on one.
const LEFT_OUT: u8 = u8::MAX - 1;

/// Sides that one split may have.
pub const MOST_SIDES: usize = LEFT_OUT as usize;

/// Gives each of `sizes` so many rows of `source`. Rows that agree in all of the columns `text`
/// (by default every top-level text column) are on one side at most. Which rows are drawn depends
/// on their texts and `seed`, not on their position; without text, on the position alone.
///
/// # Errors
/// [`Error::Argument`] when there are not enough rows, [`Error::Column`] for a column that is not
/// there or holds no text, and whatever reading fails with.
pub fn split(
    ctx: &Context,
    source: &Source,
    sizes: &[u64],
    seed: u64,
    text: Option<&[String]>,
) -> Result<Vec<Selection>> {
    let rows = source.rows();
    let wanted: u64 = sizes.iter().sum();
    if wanted > rows {
        return Err(Error::Argument(format!(
            "the sides have {wanted} rows together, but the source has only {rows}"
        )));
    }
    if sizes.len() > MOST_SIDES {
        return Err(Error::Argument(format!("there can be at most {MOST_SIDES} sides")));
    }
    let numbered = number(ctx, source, seed, text)?;
    let placed = fill(&numbered, sizes)?;
    let mut ids = vec![Vec::new(); sizes.len()];
    for (&side, &(_, ordinal)) in placed.iter().zip(&numbered) {
        if let Some(ids) = ids.get_mut(usize::from(side)) {
            ids.push(ordinal);
        }
    }
    ids.iter().map(|ids| Selection::of_ids(ids, rows)).collect()
}

/// Each row's number and ordinal, sorted.
fn number(
    ctx: &Context,
    source: &Source,
    seed: u64,
    text: Option<&[String]>,
) -> Result<Vec<(u64, u64)>> {
    let hash = RowHash::derive(seed, "split");
    let columns = text_columns(source, text)?;
    if columns.is_empty() {
        let mut numbered: Vec<_> = (0..source.rows()).map(|row| (hash.of(row), row)).collect();
        numbered.sort_unstable();
        return Ok(numbered);
    }
    ctx.begin(source.rows());
    let texts = source.project(&columns)?;
    let spans = texts.spans();
    let mut numbered = fold(
        ctx,
        spans.len(),
        Vec::new,
        |numbered, task| {
            let span = &spans[task];
            let mut ordinal = span.ordinals.start;
            let all = RowMask::AllTrue((span.ordinals.end - span.ordinals.start) as usize);
            for batch in texts.read(span, &all)? {
                ctx.check()?;
                let found = hashes(&batch?)?;
                ctx.advance(found.len() as u64);
                for text_hash in found {
                    numbered.push((hash.of(text_hash), ordinal));
                    ordinal += 1;
                }
            }
            Ok(())
        },
        |numbered: &mut Vec<(u64, u64)>, mut other| numbered.append(&mut other),
    )?;
    numbered.sort_unstable();
    Ok(numbered)
}

fn text_columns(source: &Source, wanted: Option<&[String]>) -> Result<Vec<usize>> {
    let schema = source.schema();
    let Some(wanted) = wanted else {
        let fields = schema.fields().iter().enumerate();
        return Ok(fields.filter(|(_, f)| is_text(f.data_type())).map(|(i, _)| i).collect());
    };
    let index = |name: &String| match schema.index_of(name) {
        Ok(index) if is_text(schema.field(index).data_type()) => Ok(index),
        Ok(index) => Err(Error::Column(format!(
            "column {name:?} is of type {}, not text; name text columns",
            schema.field(index).data_type()
        ))),
        Err(_) => {
            let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            Err(Error::Column(format!(
                "there is no column {name:?}; the columns are {}",
                known.join(", ")
            )))
        }
    };
    wanted.iter().map(index).collect()
}

/// A hash of all texts of each row.
fn hashes(batch: &RecordBatch) -> Result<Vec<u64>> {
    let mut hashes = vec![0; batch.num_rows()];
    for column in batch.columns() {
        let text = TextColumn::new(column)
            .ok_or_else(|| Error::Internal("a text column is not text".into()))?;
        let mut rows = hashes.iter_mut();
        text.for_each(|text| {
            if let Some(hash) = rows.next() {
                *hash = xxh3_64_with_seed(text.as_bytes(), *hash);
            }
        });
    }
    Ok(hashes)
}

/// The side of each of the sorted rows.
fn fill(numbered: &[(u64, u64)], sizes: &[u64]) -> Result<Vec<u8>> {
    let mut placed = vec![FREE; numbered.len()];
    for (side, &size) in (0_u8..).zip(sizes) {
        let mut missing = size as usize;
        let mut start = 0;
        for group in numbered.chunk_by(|a, b| a.0 == b.0) {
            if missing == 0 {
                break;
            }
            if placed[start] == FREE && group.len() <= missing {
                placed[start..start + group.len()].fill(side);
                missing -= group.len();
            }
            start += group.len();
        }
        // What is free now are groups that are larger than what is missing.
        if missing > 0 {
            let Some(start) = placed.iter().position(|&side| side == FREE) else {
                return Err(Error::Argument(format!(
                    "side {} of the split lacks {missing} of its {size} rows: equal texts must \
                     stay together, and what is left is equal to rows of another side; ask for \
                     fewer rows, or name other text columns",
                    u32::from(side) + 1
                )));
            };
            let group = numbered[start..].iter().take_while(|row| row.0 == numbered[start].0);
            let group = group.count();
            placed[start..start + missing].fill(side);
            placed[start + missing..start + group].fill(LEFT_OUT);
        }
    }
    Ok(placed)
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
            let placed = fill(&numbered, &sizes).expect("a fifth of the rows is to spare");
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
        let placed = fill(&equal, &[4]).expect("a part of the group");
        assert_eq!(placed.iter().filter(|side| **side == 0).collect::<Vec<_>>().len(), 4);
        assert!(fill(&equal, &[4, 4]).is_err());
    }
}
