//! A walk through lines of JSON, which checks their syntax and notes their shape. No value is built,
//! and line ends are met on the way: nothing looks for them before.
//!
//! The grammar is that of RFC 8259. What it leaves open is decided so: a key twice in one object,
//! half of a surrogate pair, a number beyond the range of 64-bit floats and more than
//! [`MAX_DEPTH`] levels are faults. That the bytes are UTF-8 was checked before. Texts and numbers are
//! in [`super::scalars`].

use std::borrow::Cow;

use memchr::memchr;

use super::shape::{JsonKind, JsonShape};
use super::stops::Stops;
use crate::source::lines::LineFault;

/// Levels of objects and lists, as many as columns of other formats may have.
const MAX_DEPTH: u32 = 60;

/// Keys that the objects at one place may have in all.
const MAX_KEYS: usize = 10_000;

pub(super) type Walked<T = ()> = Result<T, LineFault>;

/// A walk through the lines of some bytes.
pub(super) struct LineWalk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Where the line begins.
    start: usize,
    /// Lines begun, blank ones among them.
    pub(super) line: u64,
    pub(super) stops: Stops,
}

impl<'a> LineWalk<'a> {
    /// A walk through the lines of `bytes` that begin at `at` or behind it.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, start: at, line: 0, stops: Stops::default() }
    }

    /// Lines up to the last one that was looked at, that one included; at the end, all lines.
    pub(super) fn lines(&self) -> u64 {
        self.line
    }

    /// Checks that the next line that is not blank is one object, and adds what it holds to `shape`;
    /// none at the end. The bytes of a fault are those of its line.
    pub(super) fn next(&mut self, shape: &mut JsonShape) -> Option<Walked> {
        while self.at < self.bytes.len() {
            (self.start, self.line) = (self.at, self.line + 1);
            self.spaces();
            match self.peek() {
                None => return None,
                Some(b'\n') => self.at += 1,
                Some(_) => {
                    let walked = self.object_alone(shape);
                    return Some(
                        walked.map_err(|fault| LineFault { at: fault.at - self.start, ..fault }),
                    );
                }
            }
        }
        None
    }

    fn object_alone(&mut self, shape: &mut JsonShape) -> Walked {
        if self.peek() != Some(b'{') {
            let what = format!("each line must be a JSON object, but this is {}", self.found());
            return Err(self.fault(what));
        }
        self.value(shape, 0)?;
        self.spaces();
        if self.is_at_end() {
            self.at += 1;
            return Ok(());
        }
        Err(self.fault(format!("there is {} behind the object", self.found())))
    }

    /// Whether the line ends here.
    fn is_at_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n'))
    }

    /// What is left of the line, for messages.
    pub(super) fn rest(&self) -> &'a [u8] {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        &rest[..memchr(b'\n', rest).unwrap_or(rest.len())]
    }

    pub(super) fn fault(&self, what: impl Into<Cow<'static, str>>) -> LineFault {
        LineFault { at: self.at, what: what.into() }
    }

    pub(super) fn wanted(&self, what: &str) -> LineFault {
        self.fault(format!("{what} is missing: there is {}", self.found()))
    }

    /// What the next byte begins, for messages.
    fn found(&self) -> String {
        let rest = self.rest();
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
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
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
            let Some(place) = shape.fields.enter(object, &name, guess) else {
                let name = String::from_utf8_lossy(&name);
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
}

/// A key from between its quotes.
fn key(quoted: &[u8], has_escapes: bool) -> Cow<'_, [u8]> {
    if has_escapes && let Ok(name) = serde_json::from_slice::<String>(quoted) {
        return name.into_bytes().into();
    }
    quoted[1..quoted.len() - 1].into()
}
