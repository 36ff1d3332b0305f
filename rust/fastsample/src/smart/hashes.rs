//! Hashes in ascending order.

/// Below so many, dealing costs more than it saves.
const FEW: usize = 1 << 12;

/// All hashes in ascending order. They should spread over 64 bits: dealt by their highest byte into
/// parts, each is sorted within a core's cache.
pub(super) fn sorted(hashes: impl Iterator<Item = u64> + Clone) -> Vec<u64> {
    if hashes.size_hint().0 < FEW {
        let mut few: Vec<u64> = hashes.collect();
        few.sort_unstable();
        return few;
    }
    let part = |hash: u64| (hash >> (u64::BITS - u8::BITS)) as usize;
    let mut ends = [0; 1 << u8::BITS];
    hashes.clone().for_each(|hash| ends[part(hash)] += 1);
    let mut total = 0;
    for end in &mut ends {
        total += *end;
        *end = total;
    }
    let mut dealt = vec![0; total];
    let mut next = [0; 1 << u8::BITS];
    next[1..].copy_from_slice(&ends[..ends.len() - 1]);
    let starts = next;
    hashes.for_each(|hash| {
        let place = &mut next[part(hash)];
        dealt[*place] = hash;
        *place += 1;
    });
    starts.iter().zip(ends).for_each(|(&start, end)| dealt[start..end].sort_unstable());
    dealt
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts(
            hashes in prop::collection::vec(any::<u64>(), 0..3 * FEW), shift in 0_u32..64
        ) {
            let hashes: Vec<u64> = hashes.into_iter().map(|hash| hash >> shift).collect();
            let mut naive = hashes.clone();
            naive.sort_unstable();
            prop_assert_eq!(sorted(hashes.iter().copied()), naive);
        }
    }
}
