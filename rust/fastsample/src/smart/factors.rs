//! Weights times other weights of the same rows, in fixed point.

/// Bits of the largest product.
const BITS: u32 = 31;

/// Multiplies each of `weights` by the factor of its row.
///
/// Only ratios count. The exact product of two weights has up to 64 bits; all of them are divided by
/// the same power of two, so that the largest has 31 bits, and rounded up, so that none becomes 0. So
/// a product below 2^-31 of the largest counts as that, and equal factors change no ratio.
pub(super) fn multiply(weights: &mut [u32], factors: &[u32]) {
    let product = |weight: u32, factor: u32| u64::from(weight) * u64::from(factor);
    let all = weights.iter().zip(factors);
    let largest = all.map(|(&weight, &factor)| product(weight, factor)).max().unwrap_or(0);
    let shift = (u64::BITS - largest.leading_zeros()).saturating_sub(BITS);
    for (weight, &factor) in weights.iter_mut().zip(factors) {
        *weight = product(*weight, factor).div_ceil(1 << shift) as u32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::select::fixed_point::WEIGHT_ONE;

    proptest! {
        #[test]
        fn products_are_those_of_large_integers(
            rows in prop::collection::vec((0..=WEIGHT_ONE, any::<u32>()), 1..50), small: bool
        ) {
            let rows: Vec<(u32, u32)> =
                rows.into_iter().map(|(w, f)| if small { (w >> 20, f >> 25) } else { (w, f) }).collect();
            let (mut weights, factors): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
            multiply(&mut weights, &factors);
            let exact: Vec<u128> = rows.iter().map(|&(w, f)| u128::from(w) * u128::from(f)).collect();
            let unit = (0..64).map(|bits| 1_u128 << bits).find(|unit| {
                exact.iter().all(|product| product / unit < 1 << BITS)
            });
            let unit = unit.expect("products have at most 63 bits");
            for (weight, product) in weights.into_iter().zip(exact) {
                prop_assert_eq!(u128::from(weight), product.div_ceil(unit));
            }
        }

        #[test]
        fn equal_factors_change_no_ratio(weights in prop::collection::vec(0..=WEIGHT_ONE, 1..50)) {
            // Weights of a column of equal values are the largest there are.
            let mut found = weights.clone();
            multiply(&mut found, &vec![u32::MAX; weights.len()]);
            for (one, other) in weights.iter().zip(&found).zip(weights.iter().zip(&found).skip(1)) {
                let ((&before, &after), (&next_before, &next_after)) = (one, other);
                prop_assert_eq!(
                    u64::from(before) * u64::from(next_after),
                    u64::from(after) * u64::from(next_before)
                );
            }
        }
    }
}
