//! Weights of strata by their size and a temperature, in integers.
//!
//! A stratum of `r` rows weighs `r^(1/T)`: in proportion to its size at T = 1, and ever more as the
//! others do as T grows (Devlin et al., multilingual BERT; Xue et al., *mT5*, 2021).

use crate::select::fixed_point::log2_with;

/// Bits after the point of a logarithm. Its error is below 2^-40, of a weight below 2^-39.
const BITS: u32 = 40;

/// `r^(1/T)` for each number of rows, in units of which the largest has 2^62. Requires T >= 1.
pub(super) fn weights(rows: &[u64], temperature: f64) -> Vec<u64> {
    let logs: Vec<i64> = rows.iter().map(|&rows| log2_with(rows.max(1), BITS)).collect();
    let largest = logs.iter().copied().max().unwrap_or(0);
    // One division is rounded alike on all machines.
    let scaled = |log: i64| ((largest - log) as f64 / temperature) as u64;
    std::iter::zip(rows, &logs)
        .map(|(&rows, &log)| if rows == 0 { 0 } else { power(scaled(log)) })
        .collect()
}

/// `2^(-x / 2^40)` in units of 2^-62.
fn power(x: u64) -> u64 {
    let (whole, fraction) = (x >> BITS, x & ((1 << BITS) - 1));
    if whole > 62 {
        return 1;
    }
    // 2^(-1/2), 2^(-1/4), ...
    let mut root = 1_u128 << 61;
    let mut product = 1_u128 << 62;
    for bit in (0..BITS).rev() {
        root = (root << 62).isqrt();
        if fraction >> bit & 1 == 1 {
            product = (product * root) >> 62;
        }
    }
    ((product >> whole) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_floating_point() {
        let rows = [1_u64, 3, 1000, 999_983, 12_345_678, u64::from(u32::MAX)];
        for temperature in [1.0, 1.5, 2.0, 3.33, 10.0, 1000.0] {
            let found = weights(&rows, temperature);
            for (weight, rows) in found.iter().zip(rows) {
                let ratio = *weight as f64 / (1_u64 << 62) as f64;
                let exact = (rows as f64 / f64::from(u32::MAX)).powf(1.0 / temperature);
                assert!((ratio / exact - 1.0).abs() < 1e-9, "{rows} at {temperature}: {ratio}");
            }
        }
        assert_eq!(weights(&[0, 5], 2.0), [0, 1 << 62]);
    }
}
