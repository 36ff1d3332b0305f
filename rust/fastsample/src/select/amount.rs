//! `Amount`: how many rows are drawn, as a number or as a share of those that may be.

use crate::error::{Error, Result};

/// How many rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// This number of rows.
    Rows(u64),
    /// This share of the rows that may be drawn.
    Fraction(f64),
}

impl Amount {
    /// Rows to draw out of `rows`. A share is taken as the decimal number that it is written as
    /// (its shortest form), and a half is rounded to the even number.
    ///
    /// # Errors
    /// [`Error::Argument`] for a share that is not above 0 and at most 1.
    pub fn of(self, rows: u64) -> Result<u64> {
        match self {
            Self::Rows(n) => Ok(n),
            Self::Fraction(share) if share > 0.0 && share <= 1.0 => Ok(part_of(share, rows)),
            Self::Fraction(share) => Err(Error::Argument(format!(
                "fraction is {share}; it must be above 0 and at most 1"
            ))),
        }
    }
}

/// `share * rows`, exactly, rounded half to even.
///
/// The product of the binary numbers would not do: 0.3 is a little less than 3/10 in binary, and
/// 0.3 of 5 rows would be 1 instead of 2.
fn part_of(share: f64, rows: u64) -> u64 {
    let (digits, exponent) = decimal(share);
    // At most 17 digits times 64 bits, which 128 bits hold.
    let product = u128::from(digits) * u128::from(rows);
    let Some(unit) = 10_u128.checked_pow(exponent) else { return 0 };
    let (whole, rest) = (product / unit, product % unit);
    let up = match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => whole % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    (whole + u128::from(up)) as u64
}

/// How far from 1 the sum of shares may be: they are rounded to 16 digits.
const SUM_TOLERANCE: f64 = 1e-9;

/// Fails unless shares sum to 1; `what` says whose shares they are.
pub(crate) fn check_sum(shares: impl Iterator<Item = f64>, what: &str) -> Result<()> {
    let sum: f64 = shares.sum();
    if (sum - 1.0).abs() <= SUM_TOLERANCE {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "the shares of {what} sum to {}; they must sum to 1",
        (sum * 1e9).round() / 1e9
    )))
}

/// A share as a number of units of 10^-18, digits beyond them left out.
pub(crate) fn in_units(share: f64) -> u64 {
    const SCALE: u32 = 18;
    let (digits, exponent) = decimal(share);
    let scaled = match (SCALE.checked_sub(exponent), exponent.checked_sub(SCALE)) {
        (Some(up), _) => 10_u64.checked_pow(up).and_then(|unit| digits.checked_mul(unit)),
        (_, Some(down)) => Some(10_u64.checked_pow(down).map_or(0, |unit| digits / unit)),
        _ => None,
    };
    scaled.unwrap_or(u64::MAX)
}

/// The digits of a number from 0 to 1, and how many of them are behind the point.
fn decimal(share: f64) -> (u64, u32) {
    let shown = format!("{share:e}");
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let behind = mantissa.split_once('.').map_or(0, |(_, behind)| behind.len());
    let digits = mantissa.replace('.', "").parse().unwrap_or(0);
    let exponent: i64 = exponent.parse().unwrap_or(0);
    (digits, u32::try_from(behind as i64 - exponent).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: u64 = 1_000_000_000_000_000_000;

    #[test]
    fn a_share_is_the_decimal_number_it_is_written_as() {
        let part = |share: f64, rows| Amount::Fraction(share).of(rows).expect("a share");
        assert_eq!(part(0.3, 5), 2);
        assert_eq!(part(0.5, 5), 2);
        assert_eq!(part(0.5, 7), 4);
        assert_eq!(part(0.1, 15), 2);
        assert_eq!(part(0.1, 25), 2);
        assert_eq!(part(1.0, u64::MAX), u64::MAX);
        assert_eq!(part(5e-324, u64::MAX), 0);
        assert_eq!(part(1.0 / 3.0, 3_000_000), 1_000_000);
        assert_eq!([0.7, 1.0, 0.0, 1e-18, 5e-324].map(in_units), [7 * ONE / 10, ONE, 0, 1, 0]);
        for share in [0.0, -0.5, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(Amount::Fraction(share).of(10).is_err(), "{share}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_nearest_number_of_rows(thousandths in 1_u64..=1000, rows in 0_u64..1 << 50) {
            let found = Amount::Fraction(thousandths as f64 / 1000.0).of(rows).expect("a share");
            let exact = u128::from(thousandths) * u128::from(rows);
            let off = (u128::from(found) * 1000).abs_diff(exact);
            prop_assert!(off < 500 || off == 500 && found.is_multiple_of(2), "{found} is {off} off");
        }
    }
}
