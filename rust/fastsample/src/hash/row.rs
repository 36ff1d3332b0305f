//! The random number of a row: a frozen hash of (seed, ordinal).

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Gives each row ordinal `i` its number `u(i)`, uniform on 64 bits.
///
/// ```text
/// key  = XXH3-64(seed as 8 little-endian bytes)
/// u(i) = XXH3-64(i    as 8 little-endian bytes, seed = key)
/// ```
///
/// XXH3 is specified and frozen since xxHash 0.8.0, so any language can compute the same numbers.
/// For a fixed key it permutes the 8-byte inputs: no two rows ever share a number. The seed is
/// hashed first because XXH3 only mixes its own seed in by exclusive or; without that, seeds 42
/// and 43 would draw the same pattern of rows with neighbours swapped.
///
/// Source: Y. Collet, *xxHash fast digest algorithm*, <https://xxhash.com>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHash {
    key: u64,
}

impl RowHash {
    /// The hash function of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { key: xxh3_64(&seed.to_le_bytes()) }
    }

    /// An independent hash function, for a second use of the same seed.
    #[must_use]
    pub fn derive(seed: u64, purpose: &str) -> Self {
        Self { key: xxh3_64_with_seed(purpose.as_bytes(), xxh3_64(&seed.to_le_bytes())) }
    }

    /// The number of the row at `ordinal`.
    #[inline]
    #[must_use]
    pub fn of(self, ordinal: u64) -> u64 {
        xxh3_64_with_seed(&ordinal.to_le_bytes(), self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_pinned() {
        // Computed with the reference implementation (Python package xxhash).
        let hash = RowHash::new(42);
        assert_eq!([0, 1, 2].map(|i| hash.of(i)), PINNED);
    }

    const PINNED: [u64; 3] = [0x9b4e_1246_f14d_df3a, 0x7e1b_1dc6_ed2b_76b5, 0x3a33_0657_d269_bee7];
}
