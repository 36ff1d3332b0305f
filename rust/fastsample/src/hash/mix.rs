//! Mixing functions: a number, or two, into a hash (`SplitMix64`'s finaliser, wyhash's product).

use std::hash::Hasher;

/// The finaliser of `SplitMix64`: a bijection that makes any number a hash.
#[inline]
pub(crate) fn mix(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Makes two numbers, the first with any bits set, a hash: the halves of their 128-bit product,
/// folded (wyhash). One multiplication, for inner loops.
#[inline]
pub(crate) fn mix_two(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

/// Makes one number with any bits set a hash: [`mix_two`] of it and 0.
#[inline]
pub(crate) fn mix_one(number: u64) -> u64 {
    mix_two(number, 0)
}

/// Keys are hashes already.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        // Small hashes have equal top bits, and the table uses the top and the bottom bits.
        self.0 = hash.rotate_right(24);
    }
}
