//! A walk through one JSON value, which checks its syntax and notes its shape. No value is built.
//!
//! The grammar is that of RFC 8259. What it leaves open is decided so: a key twice in one object,
//! half of a surrogate pair, a number beyond the range of 64-bit floats and more than
//! [`MAX_DEPTH`] levels are faults. That the bytes are UTF-8 was checked before.

use std::borrow::Cow;

use memchr::memchr2;

use super::shape::{JsonKind, JsonShape, NOWHERE, Place};

/// Levels of objects and lists, as many as columns of other formats may have.
const MAX_DEPTH: u32 = 60;

/// Keys that the objects at one place may have in all.
const MAX_KEYS: usize = 10_000;

/// Digits of a whole number that surely fits into 64 bits.
const SAFE_DIGITS: usize = 18;

/// Characters of a number that surely is no more than a 64-bit float can hold.
const SAFE_NUMBER: usize = 300;

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    /// The byte of the line, from 0.
    pub(super) at: usize,
    pub(super) what: Cow<'static, str>,
}

type Walked<T = ()> = Result<T, LineFault>;

/// Checks that `line`, the `number`-th of its chunk, is one object, and adds what it holds.
pub(super) fn walk(line: &[u8], number: u64, shape: &mut JsonShape) -> Walked {
    let mut walk = LineWalk { bytes: line, at: 0, line: number };
    walk.spaces();
    if walk.peek() != Some(b'{') {
        return Err(
            walk.fault(format!("each line must be a JSON object, but this is {}", walk.found()))
        );
    }
    walk.value(shape, 0)?;
    walk.spaces();
    match walk.peek() {
        None => Ok(()),
        Some(_) => Err(walk.fault(format!("there is {} behind the object", walk.found()))),
    }
}

struct LineWalk<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl LineWalk<'_> {
    fn fault(&self, what: impl Into<Cow<'static, str>>) -> LineFault {
        LineFault { at: self.at, what: what.into() }
    }

    fn wanted(&self, what: &str) -> LineFault {
        self.fault(format!("{what} is missing: there is {}", self.found()))
    }

    /// What the next byte begins, for messages.
    fn found(&self) -> String {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        match rest.first() {
            None => "the end of the line".into(),
            Some(b'"') => "a text".into(),
            Some(b'[') => "a list".into(),
            Some(b'{') => "an object".into(),
            Some(b'-' | b'0'..=b'9') => "a number".into(),
            Some(_) => {
                let shown = String::from_utf8_lossy(&rest[..rest.len().min(16)]);
                format!("{:?}", shown.chars().take(4).collect::<String>())
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, shape: &mut JsonShape, depth: u32) -> Walked {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string()?;
                shape.saw(JsonKind::Text, self.line);
                Ok(())
            }
            Some(b'{') => self.object(shape, depth),
            Some(b'[') => self.list(shape, depth),
            Some(b'-' | b'0'..=b'9') => self.number(shape),
            Some(b't') => self.literal(b"true").map(|()| shape.saw(JsonKind::Bool, self.line)),
            Some(b'f') => self.literal(b"false").map(|()| shape.saw(JsonKind::Bool, self.line)),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.wanted("a value")),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Walked {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.wanted("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn deeper(&mut self, depth: u32) -> Walked<u32> {
        if depth == MAX_DEPTH {
            return Err(self.fault(format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        self.at += 1;
        self.spaces();
        Ok(depth + 1)
    }

    fn object(&mut self, shape: &mut JsonShape, depth: u32) -> Walked {
        let depth = self.deeper(depth)?;
        shape.saw(JsonKind::Object, self.line);
        let (object, mut guess) = (shape.fields.begin(), 0);
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wanted("a key in quotes"));
            }
            self.at += 1;
            let has_escapes = self.string()?;
            let name = key(&self.bytes[start..self.at], has_escapes);
            let entered = shape.fields.enter(object, &name, guess);
            let Some(place) = entered else {
                let what = format!("the key {name:?} is there twice in one object");
                return Err(LineFault { at: start, what: what.into() });
            };
            if shape.fields.len() > MAX_KEYS {
                let what = format!(
                    "objects have more than {MAX_KEYS} different keys in all, too many for columns"
                );
                return Err(LineFault { at: start, what: what.into() });
            }
            guess = place + 1;
            self.spaces();
            if self.peek() != Some(b':') {
                return Err(self.wanted("a colon"));
            }
            self.at += 1;
            self.spaces();
            self.value(shape.fields.shape(place), depth)?;
            if self.is_last(b'}', "a comma or a closing brace")? {
                return Ok(());
            }
        }
    }

    fn list(&mut self, shape: &mut JsonShape, depth: u32) -> Walked {
        let depth = self.deeper(depth)?;
        shape.saw(JsonKind::List, self.line);
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        let items = shape.items();
        loop {
            self.value(items, depth)?;
            if self.is_last(b']', "a comma or a closing bracket")? {
                return Ok(());
            }
        }
    }

    /// Passes a comma, or the end of a list or an object.
    fn is_last(&mut self, end: u8, what: &str) -> Walked<bool> {
        self.spaces();
        let found = self.peek();
        if found != Some(b',') && found != Some(end) {
            return Err(self.wanted(what));
        }
        self.at += 1;
        self.spaces();
        Ok(found == Some(end))
    }

    /// Passes a text behind its first quote. Returns whether it has escapes.
    fn string(&mut self) -> Walked<bool> {
        let mut has_escapes = false;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return Err(self.fault("the line ends within a text"));
            };
            // A minimum of all bytes takes vector instructions, a search for one does not.
            let least = rest[..length].iter().fold(u8::MAX, |least, &byte| least.min(byte));
            if least < b' ' {
                let control = rest[..length].iter().position(|&byte| byte < b' ').unwrap_or(0);
                let what = format!(
                    "the control character \\u{:04x} stands in a text without an escape",
                    rest[control]
                );
                return Err(LineFault { at: self.at + control, what: what.into() });
            }
            self.at += length + 1;
            if rest[length] == b'"' {
                return Ok(has_escapes);
            }
            has_escapes = true;
            self.escape()?;
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

    fn number(&mut self, shape: &mut JsonShape) -> Walked {
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
        let text = || std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if (has_exponent || whole > SAFE_NUMBER) && !text().parse().is_ok_and(f64::is_finite) {
            let what = "a number is beyond the range of 64-bit floats";
            return Err(LineFault { at: start, what: what.into() });
        }
        if !is_whole {
            shape.fractions = true;
        } else if whole <= SAFE_DIGITS || text().parse::<i64>().is_ok() {
            shape.below_zero |= below_zero;
        } else if text().parse::<u64>().is_ok() {
            shape.wide = true;
        } else if shape.huge == NOWHERE {
            shape.huge = Place { file: 0, line: self.line };
        }
        Ok(())
    }
}

/// A key from between its quotes.
fn key(quoted: &[u8], has_escapes: bool) -> Cow<'_, str> {
    if has_escapes && let Ok(name) = serde_json::from_slice::<String>(quoted) {
        return name.into();
    }
    String::from_utf8_lossy(&quoted[1..quoted.len() - 1])
}
