//! Templates (boilerplate): the novelty of a row, the share of it that its near-duplicates lack.
//!
//! Twenty copies of a text with a few characters changed add little to one of them. Thousands of rows
//! that fill in one template, such as calls of a tool, are near-duplicates, too, but each says
//! something else. The two are distinguished by how similar the rows are, not by how many there
//! are:
//!
//! ```text
//!  rows that share one band with a row:   J^4 each      J: Jaccard similarity of their shingles
//!  ... and the next band too:             J^8 each      the ratio: J^4
//!  novelty:           1 - 2J / (1 + J) = (1 - J) / (1 + J)
//! ```

use crate::error::Result;
use crate::exec::{Context, fold_on};
use crate::hash::{Repeated, mix_two};
use crate::select::fixed_point::{WEIGHT_ONE, exp2, log2};
use crate::sketch::minhash::BANDS;
use crate::smart::terms::duplicates::{WORKERS, add, count_others};

/// Near-duplicates of a row, itself included, from which on its novelty is computed; with fewer,
/// 1.5 / c is not small.
const FEW: u32 = 3;

/// A share of 1.
pub const WHOLE: u16 = u16::MAX;

/// Prior: this many further comparisons, half of them matches. So rows with few near-duplicates count
/// as copies of those.
const PRIOR: u64 = 16;

/// The novelty of each row, of [`WHOLE`]; 0 for rows with few near-duplicates, as
/// counted by [`crate::smart::terms::duplicates::find`]. Only the rows with more are compared.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn find(ctx: &Context, bands: &[Vec<u32>; BANDS], counts: &[u32]) -> Result<Vec<u16>> {
    let many = |&(&count, _): &(&u32, u32)| count >= FEW * BANDS as u32;
    let asked: Vec<u32> = counts.iter().zip(0..).filter(many).map(|(_, row)| row).collect();
    let (pairs, _) = fold_on(
        ctx,
        WORKERS,
        BANDS,
        || (vec![0_u32; asked.len()], Repeated::default()),
        |(sums, repeated), band| {
            let both = |&row: &u32| {
                let [one, two] =
                    [band, (band + 1) % BANDS].map(|band| u64::from(bands[band][row as usize]));
                (mix_two(one, two) >> 32) as u32
            };
            count_others(sums, asked.iter().map(both), repeated);
            Ok(())
        },
        |(sums, _), (more, _)| add(sums, &more),
    )?;
    let mut own = vec![0; counts.len()];
    for (row, pairs) in asked.into_iter().zip(pairs) {
        let row = row as usize;
        own[row] = share(counts[row] - BANDS as u32, pairs);
    }
    Ok(own)
}

/// The novelty of a row, from the matching bands of other rows, and the matching pairs of bands.
fn share(bands: u32, pairs: u32) -> u16 {
    let compared = u64::from(bands) + PRIOR;
    let matched = (u64::from(pairs) + PRIOR / 2).min(compared);
    let one = u64::from(WEIGHT_ONE);
    let similarity = u64::from(exp2((log2(matched) - log2(compared)) / 4)).min(one);
    // At least the smallest share, as 0 stands for rows without one.
    ((one - similarity) * u64::from(WHOLE) / (one + similarity)).max(1) as u16
}

/// A row with this novelty, a quarter, fills in a template: it counts like any other.
const FORM: u64 = WHOLE as u64 / 4;

/// `log2` of the least factor of a row, `(share / FORM)³`, of a share that [`find`] has found; none
/// without one. The cube separates templates from copies with edits: an eighth leaves an eighth.
#[must_use]
pub fn log_factor(share: u16) -> Option<i64> {
    (share > 0).then(|| (3 * (log2(u64::from(share)) - log2(FORM))).min(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::select::fixed_point::ONE;
    use crate::smart::terms::duplicates;

    proptest! {
        #[test]
        fn shares_are_the_naive_ones(
            values in prop::collection::vec(prop::array::uniform8(0_u32..3), 1..60), threads in 1_usize..4
        ) {
            let ctx = Context::new(Some(threads));
            let bands = std::array::from_fn(|band| values.iter().map(|row| row[band]).collect());
            let counts = duplicates::find(&ctx, &bands, &vec![0; values.len()]).expect("not cancelled").0;
            let found = find(&ctx, &bands, &counts).expect("not cancelled");
            let matches = |a: &[u32; 8], b: &[u32; 8], width: usize| -> usize {
                (0..8).filter(|&band| (0..width).all(|i| a[(band + i) % 8] == b[(band + i) % 8])).count()
            };
            let bands_of = |a| values.iter().map(|b| matches(a, b, 1)).sum::<usize>() - 8;
            for (a, found) in values.iter().zip(found) {
                let single = bands_of(a);
                if single < 16 {
                    prop_assert_eq!(found, 0);
                    continue;
                }
                let asked = values.iter().filter(|&b| bands_of(b) >= 16);
                let both = asked.map(|b| matches(a, b, 2)).sum::<usize>() - 8;
                let similarity = ((both as f64 + 8.0) / (single as f64 + 16.0)).min(1.0).powf(0.25);
                let naive = (1.0 - similarity) / (1.0 + similarity);
                prop_assert!((f64::from(found) / f64::from(WHOLE) - naive).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn equal_rows_have_nothing_of_their_own() {
        assert_eq!(share(8 * 1_000_000, 8 * 1_000_000), 1);
        assert_eq!(log_factor(0), None);
        assert_eq!(log_factor(WHOLE), Some(0));
        let eighth = log_factor(WHOLE / 8).expect("was asked");
        assert!((eighth + 3 * ONE).abs() < ONE / 1000);
    }
}
