//! Radix selection: the item of a given rank, out of any number of items, in little memory.
//!
//! ```text
//! 1. count the items by the top 16 bits of their keys
//! 2. walk the counters up to the bucket in which the rank lies
//! 3. of that bucket, if it is large, count by the next 16 bits, and so on
//! 4. collect its items, and take the one of the right rank
//! ```
//!
//! 2^16 counters of 8 bytes fit into a core's cache; of uniform keys one item in 65,536 is left to be
//! collected.

use crate::error::Result;
use crate::exec::{Context, fold};

/// Bits of a key that are counted at once.
const DIGIT_BITS: u32 = 16;

/// Up to this number of items, items are collected instead of counted by more bits.
const FEW: u64 = 1 << 16;

/// Items of one task: about a millisecond of work.
const ITEMS_PER_TASK: u64 = 1 << 18;

/// The item of rank `rank`, from 0, among those that `item` finds at the places below `places`;
/// none if there are fewer.
///
/// A smaller key means a smaller item; items of equal keys are compared themselves.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub(crate) fn at_rank<T: Ord + Copy + Send>(
    ctx: &Context,
    places: u64,
    rank: u64,
    item: impl Fn(u64) -> Option<T> + Sync,
    key: impl Fn(T) -> u64 + Sync,
) -> Result<Option<T>> {
    let tasks = places.div_ceil(ITEMS_PER_TASK) as usize;
    let items = |task: usize| {
        let first = task as u64 * ITEMS_PER_TASK;
        (first..places.min(first + ITEMS_PER_TASK)).filter_map(&item)
    };
    let (mut shift, mut rank) = (u64::BITS, rank);
    // The bits of the wanted key, from `shift` on.
    let mut known = 0;
    let is_near = |key: u64, shift: u32, known: u64| key.checked_shr(shift).unwrap_or(0) == known;
    loop {
        let next = shift - DIGIT_BITS;
        let counts = fold(
            ctx,
            tasks,
            || vec![0_u64; 1 << DIGIT_BITS],
            |counts, task| {
                for key in items(task).map(&key).filter(|&key| is_near(key, shift, known)) {
                    counts[usize::from((key >> next) as u16)] += 1;
                }
                Ok(())
            },
            |counts, other| counts.iter_mut().zip(other).for_each(|(count, more)| *count += more),
        )?;
        let mut before = 0;
        let found = counts.iter().position(|&count| {
            before += count;
            before > rank
        });
        let Some(digit) = found else { return Ok(None) };
        rank -= before - counts[digit];
        (shift, known) = (next, known << DIGIT_BITS | digit as u64);
        if counts[digit] <= FEW || shift == 0 {
            break;
        }
    }
    let mut near = fold(
        ctx,
        tasks,
        Vec::new,
        |near, task| {
            near.extend(items(task).filter(|&item| is_near(key(item), shift, known)));
            Ok(())
        },
        |near, mut more| near.append(&mut more),
    )?;
    Ok(Some(*near.select_nth_unstable(rank as usize).1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_item_of_that_rank(
            items in prop::collection::vec(prop::option::of(any::<u64>()), 0..300),
            rank in 0_usize..300, shift in 0_u32..64, vague in 0_u32..64, threads in 1_usize..4
        ) {
            let items: Vec<_> = items.into_iter().map(|item| item.map(|item| item >> shift)).collect();
            let mut sorted: Vec<u64> = items.iter().copied().flatten().collect();
            sorted.sort_unstable();
            let ctx = Context::new(Some(threads));
            let item = |place: u64| items[place as usize];
            let found = at_rank(&ctx, items.len() as u64, rank as u64, item, |item| item >> vague);
            prop_assert_eq!(found.expect("not cancelled"), sorted.get(rank).copied());
        }
    }

    #[test]
    fn many_items_near_each_other_are_told_apart() {
        let ctx = Context::new(Some(2));
        let places = 3 * ITEMS_PER_TASK + 5;
        for spread in [0, 1, 20] {
            let item = |place: u64| Some((place.wrapping_mul(0x9e37_79b9) % places) >> spread);
            let mut sorted: Vec<_> = (0..places).filter_map(item).collect();
            sorted.sort_unstable();
            for rank in [0, places / 3, places - 1] {
                let found = at_rank(&ctx, places, rank, item, |item| item).expect("not cancelled");
                assert_eq!(found, Some(sorted[rank as usize]));
            }
        }
        assert_eq!(at_rank(&ctx, places, places, Some, |item| item).expect("not cancelled"), None);
    }
}
