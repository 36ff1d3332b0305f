//! `Decimal`: a decimal number as it is written, compared exactly with integers and decimals.

use std::fmt;

/// Digits that a number may have: as many as fit into 128 bits.
const MOST_DIGITS: usize = 38;

/// A number: its digits times a power of ten.
#[derive(Debug, Clone)]
pub(super) struct Decimal {
    text: String,
    negative: bool,
    digits: u128,
    exponent: i64,
}

/// The largest whole number that a number reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Floor {
    /// It, or the end of 128 bits that lies nearest to it.
    pub(super) value: i128,
    /// Whether it is the number itself.
    pub(super) is_exact: bool,
}

impl Decimal {
    /// The number at the beginning of `text`, and the bytes that it takes.
    pub(super) fn parse(text: &str) -> Result<(Self, usize), String> {
        let bytes = text.as_bytes();
        let run = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        let whole = run(sign);
        let mut end = sign + whole;
        let mut behind = 0;
        if bytes.get(end) == Some(&b'.') {
            behind = run(end + 1);
            end += 1 + behind;
        }
        if whole + behind == 0 {
            return Err(format!("{:?} is no number", &text[..end.max(1)]));
        }
        let mantissa = &text[sign..end];
        let mut exponent = 0;
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = run(end + 1 + signed);
            let last = end + 1 + signed + digits;
            exponent = text[end + 1..last]
                .parse::<i32>()
                .map_err(|_| format!("{:?} is no number", &text[..last]))?;
            end = last;
        }
        if text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            let next: String = text[..].chars().take(end + 1).collect();
            return Err(format!("{next:?} is no number; names that begin so go in double quotes"));
        }
        let digits = mantissa.replace('.', "");
        let digits = digits.trim_start_matches('0');
        if digits.len() > MOST_DIGITS {
            return Err(format!("a number has at most {MOST_DIGITS} digits"));
        }
        let number = Self {
            text: text[..end].to_owned(),
            negative: bytes[0] == b'-',
            digits: if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u128::MAX) },
            exponent: i64::from(exponent) - behind as i64,
        };
        Ok((number, end))
    }

    /// The nearest binary number.
    pub(super) fn as_f64(&self) -> f64 {
        self.text.parse().unwrap_or(f64::NAN)
    }

    /// The nearest binary number of 32 bits.
    pub(super) fn as_f32(&self) -> f32 {
        self.text.parse().unwrap_or(f32::NAN)
    }

    /// The largest whole number that is at most this one times 10 to the power of `scale`.
    pub(super) fn floor(&self, scale: i8) -> Floor {
        let shift = self.exponent + i64::from(scale);
        let power = |shift: i64| u32::try_from(shift).ok().and_then(|s| 10_u128.checked_pow(s));
        let (quotient, rest) = match (self.digits, power(shift.abs())) {
            (0, _) => (Some(0), false),
            (digits, Some(unit)) if shift < 0 => (Some(digits / unit), digits % unit > 0),
            (digits, Some(unit)) => (digits.checked_mul(unit), false),
            (_, None) if shift < 0 => (Some(0), true),
            (_, None) => (None, false),
        };
        let size = quotient.and_then(|quotient| i128::try_from(quotient).ok());
        match (size, self.negative) {
            (Some(size), false) => Floor { value: size, is_exact: !rest },
            (Some(size), true) => Floor { value: -size - i128::from(rest), is_exact: !rest },
            (None, false) => Floor { value: i128::MAX, is_exact: false },
            (None, true) => Floor { value: i128::MIN, is_exact: false },
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_exact() {
        let floor = |text: &str, scale| {
            let (number, len) = Decimal::parse(text).expect("a number");
            assert_eq!(len, text.len());
            let Floor { value, is_exact } = number.floor(scale);
            (value, is_exact)
        };
        assert_eq!(floor("0.5", 0), (0, false));
        assert_eq!(floor("-0.5", 0), (-1, false));
        assert_eq!(floor("-3", 0), (-3, true));
        assert_eq!(floor("2.50", 1), (25, true));
        assert_eq!(floor("2.55", 1), (25, false));
        assert_eq!(floor("-2.55", 1), (-26, false));
        assert_eq!(floor("1e3", -2), (10, true));
        assert_eq!(floor(".5e1", 0), (5, true));
        assert_eq!(floor("1e400", 0), (i128::MAX, false));
        assert_eq!(floor("-1e400", 0), (i128::MIN, false));
        assert_eq!(floor("1e-400", 0), (0, false));
        assert_eq!(floor("0e400", 0), (0, true));
        assert_eq!(floor("18446744073709551615", 0), (i128::from(u64::MAX), true));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["-", ".", "1e", "1.2.3", "5kg", "1e99999999999", "1_000"] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(39)).is_err());
    }
}
