//! Texts and numbers of a JSON value: their syntax, and what numbers need.

use memchr::memchr2;

use super::shape::{JsonKind, JsonShape};
use super::walk::{LineWalk, Walked};
use crate::source::lines::{LineFault, is_inexact};

/// Digits of a whole number that surely fits into 64 bits.
const SAFE_DIGITS: usize = 18;

/// Characters of a number that surely is no more than a 64-bit float can hold.
const SAFE_NUMBER: usize = 300;

impl LineWalk<'_> {
    /// Passes a text behind its first quote. Returns whether it has escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Walked<bool> {
        let mut has_escapes = false;
        loop {
            let stop = self.stops.next(self.bytes, self.at);
            match self.bytes.get(stop) {
                Some(b'"') => {
                    self.at = stop + 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    self.at = stop + 1;
                    has_escapes = true;
                    self.escape()?;
                }
                control => return Err(self.broken_off(stop, control.copied())),
            }
        }
    }

    /// The fault of a text that breaks off: at the end of the line, or at a control character. The first
    /// counts for more, unless an escape stands before it.
    #[cold]
    fn broken_off(&mut self, stop: usize, control: Option<u8>) -> LineFault {
        let rest = self.rest();
        match control {
            Some(control) if memchr2(b'"', b'\\', rest).is_some() => {
                let what = format!(
                    "the control character \\u{control:04x} stands in a text without an escape"
                );
                LineFault { at: stop, what: what.into() }
            }
            _ => {
                self.at += rest.len();
                self.fault("the line ends within a text")
            }
        }
    }

    /// Passes an escape behind its backslash.
    fn escape(&mut self) -> Walked {
        let start = self.at - 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let half = || {
                    let what = "half of a surrogate pair stands alone, which is no character";
                    LineFault { at: start, what: what.into() }
                };
                match self.unit()? {
                    0xdc00..=0xdfff => Err(half()),
                    0xd800..=0xdbff => {
                        if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                            return Err(half());
                        }
                        self.at += 1;
                        if matches!(self.unit()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(half()) }
                    }
                    _ => Ok(()),
                }
            }
            _ => Err(LineFault {
                at: start,
                what: "a backslash begins no escape that JSON has".into(),
            }),
        }
    }

    /// Passes `u` and four hexadecimal digits.
    fn unit(&mut self) -> Walked<u16> {
        let digits = self.bytes.get(self.at + 1..self.at + 5);
        let value = digits.and_then(|digits| {
            digits.iter().try_fold(0, |value, &digit| {
                Some(value << 4 | char::from(digit).to_digit(16)? as u16)
            })
        });
        self.at += 5;
        value.ok_or_else(|| LineFault {
            at: self.at - 6,
            what: "\\u is not followed by four hexadecimal digits".into(),
        })
    }

    fn digits(&mut self) -> usize {
        let digits = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    pub(super) fn number(&mut self, shape: &mut JsonShape) -> Walked {
        let start = self.at;
        let below_zero = self.peek() == Some(b'-');
        self.at += usize::from(below_zero);
        let first = self.peek();
        let whole = self.digits();
        if whole == 0 || (first == Some(b'0') && whole > 1) {
            let what = "a number is neither 0 nor begins with a digit from 1 to 9";
            return Err(LineFault { at: start, what: what.into() });
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_whole = false;
            if self.digits() == 0 {
                return Err(self.wanted("a digit behind the point"));
            }
        }
        let mut has_exponent = false;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            (is_whole, has_exponent) = (false, true);
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.wanted("a digit of the exponent"));
            }
        }
        shape.saw(JsonKind::Number, self.line);
        shape.numbers += 1;
        let text = || std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if (has_exponent || whole > SAFE_NUMBER) && !text().parse().is_ok_and(f64::is_finite) {
            let what = "a number is beyond the range of 64-bit floats";
            return Err(LineFault { at: start, what: what.into() });
        }
        let written = &self.bytes[start..self.at];
        if is_whole && is_inexact(written) {
            shape.inexact.saw(self.line, written);
        }
        if !is_whole {
            shape.fractions.begin(self.line);
            shape.fractional.saw(self.line, written);
        } else if whole <= SAFE_DIGITS || text().parse::<i64>().is_ok() {
            if below_zero {
                shape.below_zero.begin(self.line);
            }
        } else if text().parse::<u64>().is_ok() {
            shape.wide.begin(self.line);
        } else {
            shape.huge.begin(self.line);
        }
        Ok(())
    }
}
