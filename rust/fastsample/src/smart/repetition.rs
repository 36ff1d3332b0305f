//! Texts that repeat themselves: laughter, dashes, tables of nothing.

use super::features::Features;
use super::fixed::{ONE, log2};

/// A row of nothing but one shingle keeps this share of its weight: 1/16.
const FLOOR: i64 = -4 * ONE;

/// `log2` of distinct shingles over all shingles, floored, in fixed point.
#[must_use]
pub fn log_factor(features: &Features) -> i64 {
    if features.shingles == 0 {
        return 0;
    }
    let distinct = log2(u64::from(features.distinct.max(1)));
    (distinct - log2(u64::from(features.shingles))).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::super::features::BANDS;
    use super::*;

    #[test]
    fn the_factor_is_the_share_of_distinct_shingles() {
        let with = |shingles, distinct| {
            let row = Features { exact: 0, bands: [0; BANDS], chars: 0, shingles, distinct };
            log_factor(&row)
        };
        assert_eq!([with(0, 0), with(64, 64), with(64, 32), with(2048, 1)], [0, 0, -ONE, FLOOR]);
    }
}
