//! Hashes in ascending order.

/// Below so many, dealing costs more than it saves.
const FEW: usize = 1 << 12;

/// Bytes of a hash that are dealt by, from the highest on.
const BYTES: u32 = 2;

/// All hashes in ascending order.
pub(super) fn sorted(hashes: impl Iterator<Item = u64> + Clone) -> Vec<u64> {
    let mut all = Vec::new();
    sort(hashes, &mut all);
    all
}

/// Writes all hashes to `all` in ascending order; what was in it is lost, its memory is used again.
///
/// They should spread over 64 bits: dealt by their highest byte into parts, and each part by the
/// next byte, they are sorted within a core's cache.
pub(super) fn sort(hashes: impl Iterator<Item = u64> + Clone, all: &mut Vec<u64>) {
    all.resize(hashes.clone().count(), 0);
    if all.len() < FEW {
        all.iter_mut().zip(hashes).for_each(|(place, hash)| *place = hash);
        all.sort_unstable();
    } else {
        deal(hashes, 1, all, &mut Vec::new());
    }
}

/// Sorts into `all`, of the right length, by the byte of number `byte` and then by what follows.
fn deal(
    hashes: impl Iterator<Item = u64> + Clone,
    byte: u32,
    all: &mut [u64],
    spare: &mut Vec<u64>,
) {
    let part = |hash: u64| usize::from((hash >> (u64::BITS - byte * u8::BITS)) as u8);
    let mut next = [0; 1 << u8::BITS];
    hashes.clone().for_each(|hash| next[part(hash)] += 1);
    let mut total = 0;
    for start in &mut next {
        (*start, total) = (total, total + *start);
    }
    hashes.for_each(|hash| {
        let place = &mut next[part(hash)];
        all[*place] = hash;
        *place += 1;
    });
    // Each part now ends where the next one begins.
    let mut start = 0;
    for end in next {
        let part = &mut all[start..end];
        if byte < BYTES && part.len() >= FEW {
            spare.clear();
            spare.extend_from_slice(part);
            deal(spare.iter().copied(), byte + 1, part, &mut Vec::new());
        } else {
            part.sort_unstable();
        }
        start = end;
    }
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
            let mut found = vec![7; 5000];
            sort(hashes.iter().copied(), &mut found);
            prop_assert_eq!(&found, &naive);
            prop_assert_eq!(sorted(hashes.into_iter()), naive);
        }
    }
}
