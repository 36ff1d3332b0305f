//! Too short to teach, or cut off by training.

use super::fixed::log2;

/// `log2` of the length factor, in fixed point; none for a row that is too short to be drawn.
///
/// ```text
/// chars <  min           none
/// chars <= max           sqrt(chars / max)    longer teaches more, less than in proportion
/// chars >  max           max / chars          what lies beyond max is cut off in training
/// ```
#[must_use]
pub fn log_factor(chars: u32, min: u32, max: u32) -> Option<i64> {
    let (chars, max) = (u64::from(chars), u64::from(max.max(1)));
    if chars < u64::from(min).max(1) {
        return None;
    }
    let ratio = log2(chars) - log2(max);
    Some(if chars <= max { ratio / 2 } else { -ratio })
}

#[cfg(test)]
mod tests {
    use super::super::fixed::ONE;
    use super::*;

    #[test]
    fn the_factor_is_the_formula() {
        for chars in (2..5000).step_by(7) {
            let naive = if chars <= 512 {
                (f64::from(chars) / 512.0).sqrt()
            } else {
                512.0 / f64::from(chars)
            };
            let found = log_factor(chars, 2, 512).expect("long enough") as f64 / ONE as f64;
            assert!((found - naive.log2()).abs() < 1e-4, "{chars}");
        }
        assert_eq!(log_factor(9, 10, 512), None);
        assert_eq!(log_factor(0, 0, 512), None);
    }
}
