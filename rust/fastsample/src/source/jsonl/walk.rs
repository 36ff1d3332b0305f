//! A walk through one JSON value, which checks its syntax and notes its shape. No value is built.
//!
//! The grammar is that of RFC 8259. What it leaves open is decided so: a key twice in one object,
//! half of a surrogate pair, a number beyond the range of 64-bit floats and more than
//! [`MAX_DEPTH`] levels are faults. That the bytes are UTF-8 was checked before. Texts and numbers are
//! in [`super::scalars`].

use std::borrow::Cow;

use super::shape::{JsonKind, JsonShape};
use crate::source::lines::LineFault;

/// Levels of objects and lists, as many as columns of other formats may have.
const MAX_DEPTH: u32 = 60;

/// Keys that the objects at one place may have in all.
const MAX_KEYS: usize = 10_000;

pub(super) type Walked<T = ()> = Result<T, LineFault>;

/// Whether bytes have control characters besides line feeds. Most files have none, and one look at a
/// whole chunk is faster than one at each text.
pub(super) fn has_controls(bytes: &[u8]) -> bool {
    // Without an early end, this takes vector instructions.
    let is_control = |byte: u8| u8::from(byte < b' ') & u8::from(byte != b'\n');
    bytes.iter().fold(0, |found, &byte| found | is_control(byte)) != 0
}

/// Checks that `line`, the `number`-th of its chunk, is one object, and adds what it holds. Control
/// characters in texts are looked for if there may be any.
pub(super) fn walk(
    line: &[u8],
    number: u64,
    may_have_controls: bool,
    shape: &mut JsonShape,
) -> Walked {
    let mut walk = LineWalk { bytes: line, at: 0, line: number, may_have_controls };
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

pub(super) struct LineWalk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) line: u64,
    pub(super) may_have_controls: bool,
}

impl LineWalk<'_> {
    pub(super) fn fault(&self, what: impl Into<Cow<'static, str>>) -> LineFault {
        LineFault { at: self.at, what: what.into() }
    }

    pub(super) fn wanted(&self, what: &str) -> LineFault {
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
    pub(super) fn peek(&self) -> Option<u8> {
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
}

/// A key from between its quotes.
fn key(quoted: &[u8], has_escapes: bool) -> Cow<'_, str> {
    if has_escapes && let Ok(name) = serde_json::from_slice::<String>(quoted) {
        return name.into();
    }
    String::from_utf8_lossy(&quoted[1..quoted.len() - 1])
}
