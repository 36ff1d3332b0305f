//! Logarithms and powers in integers, so that a weight is the same bits on every machine.
//!
//! `libm` differs between systems in the last bit; here nothing is left to it. Logarithms to base
//! 2 have [`FRACTION_BITS`] bits after the point.
//!
//! The tables are made by the compiler. A table made at first use would be waited for for ever in a
//! child that is forked meanwhile.

/// Bits after the point of a fixed-point logarithm.
pub const FRACTION_BITS: u32 = 16;

/// 1 as a fixed-point number.
pub const ONE: i64 = 1 << FRACTION_BITS;

/// The weight 1: the largest there is. Weights are relative, so only ratios count.
pub const WEIGHT_ONE: u32 = 1 << 31;

/// `log2(x)`, rounded down, with `bits` bits after the point. Requires `x > 0`.
///
/// Squares the mantissa again and again: each time it reaches 2, the next bit of the logarithm is 1
/// (Knuth, *The Art of Computer Programming* 1, 1.2.2, exercise 25).
#[must_use]
pub const fn log2_with(x: u64, bits: u32) -> i64 {
    debug_assert!(x > 0, "the logarithm of 0 does not exist");
    let whole = x.ilog2();
    let mut mantissa = (x as u128) << (63 - whole);
    let mut result = whole as i64;
    let mut after_point = 0;
    while after_point < bits {
        mantissa = (mantissa * mantissa) >> 63;
        let bit = mantissa >> 64;
        mantissa >>= bit;
        result = result << 1 | bit as i64;
        after_point += 1;
    }
    result
}

/// `log2(x)` with [`FRACTION_BITS`] bits after the point. Requires `x > 0`.
///
/// Counts and lengths are small numbers nearly always; those are looked up.
#[must_use]
pub fn log2(x: u64) -> i64 {
    static SMALL: [i64; 4096] = logarithms();
    match SMALL.get(x as usize) {
        Some(&log) => log,
        None => log2_with(x, FRACTION_BITS),
    }
}

/// The logarithms of small numbers; 0 for 0, which has none.
#[expect(clippy::large_stack_arrays, reason = "it is on no stack: the compiler makes it")]
const fn logarithms() -> [i64; 4096] {
    let mut logarithms = [0; 4096];
    let mut x = 1;
    while x < logarithms.len() {
        logarithms[x] = log2_with(x as u64, FRACTION_BITS);
        x += 1;
    }
    logarithms
}

/// `2^(x / 2^16)` of a logarithm `x <= 0`, as a weight of at least 1 unit.
#[must_use]
pub fn exp2(x: i64) -> u32 {
    static POWERS: [u32; ONE as usize] = powers();
    let x = x.min(0);
    let whole = (-x + ONE - 1) >> FRACTION_BITS;
    if whole > 31 {
        return 1;
    }
    let fraction = x + (whole << FRACTION_BITS);
    (POWERS[fraction as usize] >> whole).max(1)
}

/// `2^(x / 2^16)` of every logarithm below 1, with 31 bits after the point: the product of the roots
/// of 2 that belong to the bits of `x`, from the highest on.
#[expect(clippy::large_stack_arrays, reason = "they are on no stack: the compiler makes them")]
const fn powers() -> [u32; ONE as usize] {
    let mut products = [1_u64 << 62; ONE as usize];
    let mut powers = [WEIGHT_ONE; ONE as usize];
    let mut x = 1;
    while x < products.len() {
        let root = ROOTS_OF_TWO[(FRACTION_BITS - 1 - x.trailing_zeros()) as usize];
        let without_lowest_bit = products[x & (x - 1)];
        products[x] = ((without_lowest_bit as u128 * root as u128) >> 62) as u64;
        powers[x] = (products[x] >> 31) as u32;
        x += 1;
    }
    powers
}

/// `2^(1/2)`, `2^(1/4)`, ... with 62 bits after the point.
const ROOTS_OF_TWO: [u64; FRACTION_BITS as usize] = [
    0x5a82_7999_fcef_3242,
    0x4c1b_f828_c6dc_54b8,
    0x45ca_e0f1_f545_eb73,
    0x42d5_61b3_e624_3d8a,
    0x4166_c34c_5615_d0ec,
    0x40b2_68f9_de01_83ba,
    0x4058_f6a7_eccc_d5b6,
    0x402c_6be9_6af2_fb58,
    0x4016_321b_6870_27a8,
    0x400b_1817_8ba3_3b14,
    0x4005_8bce_4101_47e8,
    0x4002_c5d7_bff7_1daf,
    0x4001_62e8_07ee_7e5b,
    0x4000_b173_0df6_a524,
    0x4000_58b9_497b_8152,
    0x4000_2c5c_955d_d701,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_library() {
        for x in (1..5000).chain([u64::from(u32::MAX), u64::MAX / 3, u64::MAX]) {
            let exact = (x as f64).log2();
            let fixed = log2(x) as f64 / ONE as f64;
            assert!((exact - fixed).abs() < 1.5 / ONE as f64, "log2({x}) = {exact}, not {fixed}");
        }
    }

    #[test]
    fn powers_are_those_of_the_library() {
        for x in (-31 * ONE..=0).step_by(997) {
            let exact = (x as f64 / ONE as f64).exp2() * f64::from(WEIGHT_ONE);
            let fixed = f64::from(exp2(x));
            assert!((exact - fixed).abs() <= 1.0 + exact * 1e-9, "2^{x}: {exact}, not {fixed}");
        }
        assert_eq!([exp2(0), exp2(-ONE), exp2(-40 * ONE)], [WEIGHT_ONE, WEIGHT_ONE / 2, 1]);
    }

    #[test]
    fn the_tables_hold_what_is_computed_step_by_step() {
        for x in 1..5000 {
            assert_eq!(log2(x), log2_with(x, FRACTION_BITS));
        }
        for fraction in 0..ONE {
            let mut product = 1_u128 << 62;
            for (bit, root) in (0..FRACTION_BITS).rev().zip(ROOTS_OF_TWO) {
                if fraction >> bit & 1 == 1 {
                    product = (product * u128::from(root)) >> 62;
                }
            }
            assert_eq!(exp2(fraction - ONE), (product >> 32) as u32, "{fraction}");
        }
    }
}
