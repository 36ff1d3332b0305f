//! How far the sources of a mixture are from their shares of the tokens, at the worst prefix.
//!
//! ```text
//! t tokens of a source in all, T of all sources; at a prefix s tokens of it, S of all
//! the deviation is | s - S t / T |
//! between two rows of a source s stays and S grows, so the worst prefixes end before and behind a
//! row of its own: one pass over the rows finds the worst of all sources
//! ```

use crate::error::Result;
use crate::exec::Context;
use crate::select::EvenOrder;

/// Rows between two looks at whether the call is cancelled.
const ROWS_PER_CHECK: u64 = 1 << 16;

/// By how many tokens each source is ahead of its share, or behind, at the worst prefix of `order`;
/// rounded up. `lengths` are the tokens of the rows of each source as they come.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub(super) fn deviations<'a>(
    ctx: &Context,
    order: EvenOrder,
    mut lengths: Vec<Box<dyn Iterator<Item = u32> + 'a>>,
    tokens: &[u64],
) -> Result<Vec<u64>> {
    let all: u128 = tokens.iter().map(|&tokens| u128::from(tokens)).sum();
    let (mut seen, mut seen_of_all) = (vec![0_u128; tokens.len()], 0_u128);
    let mut worst = vec![0_u128; tokens.len()];
    for (source, row) in order.zip(0_u64..) {
        if row % ROWS_PER_CHECK == 0 {
            ctx.check()?;
        }
        let Some(length) = lengths[source].next() else { continue };
        let off =
            |seen: u128, of_all: u128| (seen * all).abs_diff(of_all * u128::from(tokens[source]));
        let before = off(seen[source], seen_of_all);
        (seen[source], seen_of_all) =
            (seen[source] + u128::from(length), seen_of_all + u128::from(length));
        let behind = off(seen[source], seen_of_all);
        worst[source] = worst[source].max(before).max(behind);
    }
    Ok(worst.into_iter().map(|worst| worst.div_ceil(all.max(1)) as u64).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of each source at every prefix.
    fn naive(rows: &[Vec<u32>]) -> Vec<u64> {
        let numbers: Vec<u64> = rows.iter().map(|rows| rows.len() as u64).collect();
        let sum = |rows: &[u32]| rows.iter().map(|&length| u64::from(length)).sum::<u64>();
        let all: u64 = rows.iter().map(|rows| sum(rows)).sum();
        let mut taken = vec![0; rows.len()];
        let mut worst = vec![0; rows.len()];
        for source in EvenOrder::new(&numbers).expect("few rows") {
            taken[source] += 1;
            let of_all: u64 = (0..rows.len()).map(|other| sum(&rows[other][..taken[other]])).sum();
            for other in 0..rows.len() {
                let seen = sum(&rows[other][..taken[other]]);
                let off = (seen * all).abs_diff(of_all * sum(&rows[other]));
                worst[other] = worst[other].max(off.div_ceil(all.max(1)));
            }
        }
        worst
    }

    proptest! {
        #[test]
        fn it_is_that_of_all_prefixes(
            rows in prop::collection::vec(prop::collection::vec(0_u32..50, 0..30), 1..5)
        ) {
            let numbers: Vec<u64> = rows.iter().map(|rows| rows.len() as u64).collect();
            let tokens: Vec<u64> =
                rows.iter().map(|rows| rows.iter().map(|&length| u64::from(length)).sum()).collect();
            let lengths = rows
                .iter()
                .map(|rows| Box::new(rows.iter().copied()) as Box<dyn Iterator<Item = u32>>)
                .collect();
            let order = EvenOrder::new(&numbers).expect("few rows");
            let found = deviations(&Context::new(Some(1)), order, lengths, &tokens);
            prop_assert_eq!(found.expect("not cancelled"), naive(&rows));
        }
    }
}
