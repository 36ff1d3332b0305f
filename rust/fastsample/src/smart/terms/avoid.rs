//! The term of rows to avoid: the lower the odds of the [classifier](super::classifier) that a row is
//! of their kind, and not any row of the source, the better.

use super::importance;

/// `log2` of the factor of a row: 1 / its odds, at most 1 at `clip` (in bits, fixed point).
#[must_use]
pub fn log_factor(avoided: i16, clip: i64) -> i64 {
    importance::log_factor(avoided.saturating_neg(), clip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::fixed_point::ONE;
    use crate::smart::terms::importance::VALUE_BITS;

    #[test]
    fn it_mirrors_the_factor_of_a_target() {
        for odds in [-9 << VALUE_BITS, -1, 0, 1, 700, 1 << VALUE_BITS, 9 << VALUE_BITS] {
            let mirrored = importance::log_factor(-odds, ONE);
            assert_eq!(log_factor(odds, ONE), mirrored);
            assert_eq!(mirrored + importance::log_factor(odds, ONE), -2 * ONE);
        }
        assert_eq!(log_factor(i16::MIN, ONE), 0);
    }
}
