//! Length: the square root of a row's characters, up to where training cuts it off.

use crate::select::fixed_point::log2;

/// `log2` of the length factor, in fixed point; none for a row that is too short to be drawn.
///
/// ```text
/// chars <  min           none
/// chars <= max           sqrt(chars / max)    longer rows weigh more, less than in proportion
/// chars >  max           1                    what lies beyond is cut off by training
/// ```
#[must_use]
pub fn log_factor(chars: u32, min: u32, max: u32) -> Option<i64> {
    let (chars, max) = (u64::from(chars), u64::from(max.max(1)));
    if chars < u64::from(min).max(1) {
        return None;
    }
    Some((log2(chars.min(max)) - log2(max)) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::fixed_point::ONE;

    #[test]
    fn the_factor_is_the_formula() {
        for chars in (2..5000).step_by(7) {
            let naive = (f64::from(chars) / 512.0).sqrt().min(1.0);
            let found = log_factor(chars, 2, 512).expect("long enough") as f64 / ONE as f64;
            assert!((found - naive.log2()).abs() < 1e-4, "{chars}");
        }
        assert_eq!(log_factor(9, 10, 512), None);
        assert_eq!(log_factor(0, 0, 512), None);
    }
}
