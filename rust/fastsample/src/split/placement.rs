//! Placement: the side of each row, group by group in random order.

use super::whole_groups::{Miss, Side, assign};
use crate::error::{Error, Result};

/// Not on any side.
pub(super) const FREE: u8 = u8::MAX;

/// Not on any side, and never to be: an equal row is on one.
const LEFT_OUT: u8 = u8::MAX - 1;

/// Sides that one split may have.
pub const MOST_SIDES: usize = LEFT_OUT as usize;

/// What rows have in common that stay together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Together<'a> {
    /// Their texts. A side may have a part of them, if no side has the others.
    Texts,
    /// The values of columns. Each group is on a side whole, or on none.
    Groups(&'a [String]),
}

/// The side of each of the sorted rows. The first `skipped` sides get none, but find rows enough
/// that are free, if it can be.
pub(super) fn fill(
    numbered: &[(u64, u64)],
    sides: &[Side],
    skipped: usize,
    together: Together<'_>,
) -> Result<Vec<u8>> {
    let needed: u64 = sides[..skipped].iter().map(|side| side.rows).sum();
    let free = |placed: &[u8]| placed.iter().map(|&side| u64::from(side == FREE)).sum::<u64>();
    let may_tear = matches!(together, Together::Texts);
    let torn = match fill_in_order(numbered, sides, skipped, may_tear) {
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
            Err(too_few(short.side, short.missing, sides[short.side].rows, Some(miss), together))
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
    may_tear: bool,
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
            let free = placed.iter().position(|&side| side == FREE);
            let Some(start) = free.filter(|_| may_tear) else {
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

/// The error of a side that lacks rows.
pub(super) fn too_few(
    side: usize,
    missing: u64,
    wanted: u64,
    miss: Option<Miss>,
    together: Together<'_>,
) -> Error {
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
    let lacks = format!("side {side} of the split lacks {missing} of its {wanted} rows");
    Error::Argument(match together {
        Together::Texts => format!(
            "{lacks}: equal texts must stay together (near-duplicates, too, if that was asked for), \
             and what is left is equal to rows of another side; {possible}, or name other text columns"
        ),
        Together::Groups(columns) => {
            format!("{lacks}: groups of equal {} stay whole; {possible}", columns.join(", "))
        }
    })
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
            let placed = fill(&numbered, &sides, 0, Together::Texts).expect("a fifth of the rows is to spare");
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
        let placed = fill(&equal, &[side], 0, Together::Texts).expect("a part of the group");
        assert_eq!(placed.iter().filter(|side| **side == 0).collect::<Vec<_>>().len(), 4);
        let error = fill(&equal, &[side, side], 0, Together::Texts).expect_err("one group");
        assert!(error.to_string().contains("whole groups make 10 rows of side 1"), "{error}");
    }
}
