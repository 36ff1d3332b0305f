//! The fields of a record.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use crate::source::lines::LineFault;

/// A field as it stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CsvField<'a> {
    /// What stands between its quotes, or all of it.
    pub(super) bytes: &'a [u8],
    pub(super) is_quoted: bool,
    /// Whether there are doubled quotes in it.
    has_doubled: bool,
}

impl<'a> CsvField<'a> {
    /// The text that it stands for.
    pub(super) fn text(&self) -> Cow<'a, [u8]> {
        if !self.has_doubled {
            return self.bytes.into();
        }
        let mut text = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for quote in memmem::find_iter(self.bytes, b"\"\"") {
            text.extend_from_slice(&self.bytes[at..=quote]);
            at = quote + 2;
        }
        text.extend_from_slice(&self.bytes[at..]);
        text.into()
    }
}

/// The fields of a record, in order. Behind a fault comes nothing.
#[derive(Debug)]
pub(super) struct CsvFields<'a> {
    record: &'a [u8],
    delimiter: u8,
    /// Where the next field begins; none at the end.
    at: Option<usize>,
}

impl<'a> CsvFields<'a> {
    /// The fields of a record without its line feed.
    pub(super) fn new(record: &'a [u8], delimiter: u8) -> Self {
        Self { record: record.strip_suffix(b"\r").unwrap_or(record), delimiter, at: Some(0) }
    }

    /// The field in quotes that begins at `start`.
    fn quoted(&mut self, start: usize) -> Result<CsvField<'a>, LineFault> {
        let (mut at, mut has_doubled) = (start + 1, false);
        loop {
            let Some(found) = memchr(b'"', &self.record[at..]) else {
                let what = "a quote opens a field here and is never closed; \
                            a field that begins with a quote needs quotes around it, and each \
                            quote within doubled";
                return Err(LineFault { at: start, what: what.into() });
            };
            at += found + 1;
            if self.record.get(at) != Some(&b'"') {
                break;
            }
            has_doubled = true;
            at += 1;
        }
        match self.record.get(at) {
            None => self.at = None,
            Some(&byte) if byte == self.delimiter => self.at = Some(at + 1),
            Some(_) => {
                let shown = String::from_utf8_lossy(&self.record[at..]);
                let what = format!(
                    "there is {:?} behind the quote that closes a field; \
                     quotes within a field are doubled",
                    shown.chars().take(4).collect::<String>()
                );
                return Err(LineFault { at, what: what.into() });
            }
        }
        Ok(CsvField { bytes: &self.record[start + 1..at - 1], is_quoted: true, has_doubled })
    }

    /// The field without quotes that begins at `start`.
    fn plain(&mut self, start: usize) -> Result<CsvField<'a>, LineFault> {
        let rest = &self.record[start..];
        let bytes = match memchr2(self.delimiter, b'\r', rest) {
            Some(end) if rest[end] == b'\r' => {
                let what = "a carriage return without a line feed behind it stands outside of \
                            quotes; end lines with a line feed, or put quotes around the field";
                return Err(LineFault { at: start + end, what: what.into() });
            }
            Some(end) => {
                self.at = Some(start + end + 1);
                &rest[..end]
            }
            None => {
                self.at = None;
                rest
            }
        };
        Ok(CsvField { bytes, is_quoted: false, has_doubled: false })
    }
}

impl<'a> Iterator for CsvFields<'a> {
    type Item = Result<CsvField<'a>, LineFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at.take()?;
        Some(match self.record.get(start) {
            Some(b'"') => self.quoted(start),
            _ => self.plain(start),
        })
    }
}
