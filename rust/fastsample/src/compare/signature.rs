//! Near-duplicate signature of a row: one-permutation `MinHash` over its trigrams, in one hash.

use crate::hash::{mix, mix_one};

/// Minima of a near-duplicate signature: rows of Jaccard similarity J share it with probability J^4.
const MINIMA: usize = 4;
const NEAR_LEAST: usize = 16;

/// Characters of a text that are looked at for near-duplicates, in bounded memory.
const LOOKED_AT: usize = 1 << 20;

/// The first [`LOOKED_AT`] characters of a text, in memory that is used again.
pub(super) fn decoded<'a>(text: &str, codes: &'a mut Vec<u32>) -> &'a [u32] {
    // A text has at most as many characters as bytes. Pushing one by one would take twice as long.
    let room = text.len().min(LOOKED_AT);
    if codes.len() < room {
        codes.resize(room, 0);
    }
    let mut chars = 0;
    for (code, character) in codes[..room].iter_mut().zip(text.chars()) {
        *code = u32::from(character);
        chars += 1;
    }
    &codes[..chars]
}

/// The trigrams of a text, as hashes.
pub(super) fn trigrams(codes: &[u32]) -> impl Iterator<Item = u64> + '_ {
    codes.windows(3).map(|codes| {
        let code = |i: usize| u64::from(codes[i]);
        mix_one(code(0) << 42 | code(1) << 21 | code(2))
    })
}

/// A near-duplicate signature: one-permutation `MinHash` with [`MINIMA`] bins, all in one hash.
pub(super) struct Signature {
    minima: [u64; MINIMA],
    /// The largest of them. Most shingles are larger, and need not be looked at.
    largest: u64,
    shingles: usize,
}

impl Default for Signature {
    fn default() -> Self {
        Self { minima: [u64::MAX; MINIMA], largest: u64::MAX, shingles: 0 }
    }
}

impl Signature {
    pub(super) fn add(&mut self, codes: &[u32]) {
        self.shingles += codes.len().saturating_sub(2);
        for shingle in trigrams(codes) {
            if shingle < self.largest {
                let minimum = &mut self.minima[shingle as usize % MINIMA];
                *minimum = (*minimum).min(shingle);
                self.largest = self.minima.iter().copied().fold(0, u64::max);
            }
        }
    }

    /// The signature of a row with this hash of its texts.
    pub(super) fn finish(&self, hash: u64) -> u64 {
        // Short texts are near-duplicates only if they are equal: a few shingles say too little.
        if self.shingles < NEAR_LEAST {
            return mix(hash ^ 1);
        }
        self.minima.iter().fold(2, |all, &minimum| mix(all ^ minimum))
    }
}
