//! Where a text of JSON may end or break off: quotes, backslashes and control characters, found 64
//! bytes at a time.
//!
//! ```text
//!  block   {"a": "x\n y"}      a bit for each byte, the first one lowest
//!  mask    01010010100010...   one look at a block, however many places are asked for in it
//! ```
//!
//! The way of simdjson (Langdale, Lemire 2019) without its tape: the mask of the block at hand is kept, so
//! a short text costs a shift, and a long one a look at each block. The look is written so that the
//! compiler takes vector instructions. That needs no unsafe code, which intrinsics do.

/// Bytes of a block.
const BLOCK: usize = 64;

/// A search through bytes from their beginning to their end.
///
/// Invariant: `mask` has the places of the block that begins at `start`, a multiple of [`BLOCK`]; before the
/// first look, no block begins there.
#[derive(Debug, Clone)]
pub(super) struct Stops {
    start: usize,
    mask: u64,
}

impl Default for Stops {
    fn default() -> Self {
        Self { start: usize::MAX, mask: 0 }
    }
}

impl Stops {
    /// The first place at or behind `at`; the number of bytes if there is none. The bytes are the same
    /// at each call.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], at: usize) -> usize {
        let start = at & !(BLOCK - 1);
        if start != self.start {
            self.look(bytes, start);
        }
        let mask = self.mask & (u64::MAX << (at & (BLOCK - 1)));
        if mask == 0 { self.later(bytes) } else { self.start + mask.trailing_zeros() as usize }
    }

    /// The first place behind the block.
    fn later(&mut self, bytes: &[u8]) -> usize {
        loop {
            let start = self.start + BLOCK;
            if start >= bytes.len() {
                return bytes.len();
            }
            self.look(bytes, start);
            if self.mask != 0 {
                return start + self.mask.trailing_zeros() as usize;
            }
        }
    }

    #[inline]
    fn look(&mut self, bytes: &[u8], start: usize) {
        self.start = start;
        let rest = bytes.get(start..).unwrap_or_default();
        self.mask = rest.first_chunk().map_or_else(|| mask(&filled_up(rest)), mask);
    }
}

/// The last block, with spaces behind it.
#[cold]
fn filled_up(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}

fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// The places in a block.
#[inline]
fn mask(block: &[u8; BLOCK]) -> u64 {
    // Moves bit 8 i to bit 56 + i.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags = block.map(|byte| u8::from(is_stop(byte)));
    let (words, _) = flags.as_chunks::<8>();
    let words: [u64; 8] = std::array::from_fn(|word| u64::from_le_bytes(words[word]));
    // Most blocks of long texts have none.
    if words.iter().fold(0, |all, word| all | word) == 0 {
        return 0;
    }
    let bits = |word: u64| word.wrapping_mul(GATHER) >> 56;
    (0..8).fold(0, |mask, place| mask | bits(words[place]) << (8 * place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_by_one(block: &[u8; BLOCK]) -> u64 {
        (0..BLOCK).map(|at| u64::from(is_stop(block[at])) << at).sum()
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place_beside_any_other() {
        for byte in 0..=255 {
            for other in [0, b'\n', 31, b' ', b'!', b'"', b'\\', 0x7f, 0x80, 0xa2, 0xff] {
                for at in 0..BLOCK {
                    let mut block = [other; BLOCK];
                    block[at] = byte;
                    assert_eq!(mask(&block), one_by_one(&block), "{byte} among {other} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn masks_are_those_of_one_byte_at_a_time(bytes: [[u8; 32]; 2]) {
            let block = bytes.as_flattened().try_into().expect("64 bytes");
            prop_assert_eq!(mask(block), one_by_one(block));
        }

        #[test]
        fn the_next_place_is_found_from_anywhere(
            bytes in prop::collection::vec(prop_oneof![19 => Just(b'x'), 1 => any::<u8>()], 0..300),
            steps in prop::collection::vec(0_usize..100, 1..20),
        ) {
            let (mut stops, mut at) = (Stops::default(), 0);
            for step in steps {
                at = (at + step).min(bytes.len());
                let expected = (at..bytes.len()).find(|&place| is_stop(bytes[place]));
                prop_assert_eq!(stops.next(&bytes, at), expected.unwrap_or(bytes.len()));
            }
        }
    }
}
