//! Records with quotes: line feeds between quotes are text.
//!
//! A quote at the beginning of a field opens it. Within quotes, two quotes are one; a single one closes
//! the field. Quotes within other fields are text. These are the rules of RFC 4180, and of Python's
//! `csv` for fields that begin without a quote.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// A scan for the line ends outside of quotes.
#[derive(Debug, Clone)]
pub(in crate::source) struct QuoteScan {
    delimiter: u8,
    /// Where the first record begins.
    start: usize,
    at: usize,
    state: QuoteState,
    /// The quote that was opened last.
    opened: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    Outside,
    Within,
    /// Behind a quote that closes a field, or is the first of two.
    Behind,
}

impl QuoteScan {
    /// A scan of records that begin at `start`.
    pub(super) fn new(delimiter: u8, start: usize) -> Self {
        Self { delimiter, start, at: start, state: QuoteState::Outside, opened: None }
    }

    /// The offset behind the next line end in `bytes`, of which those before have been scanned.
    /// Without one, it goes on from here once there are more.
    pub(super) fn next_end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let rest = bytes.get(self.at..)?;
            match self.state {
                QuoteState::Outside => {
                    let Some(found) = memchr2(b'"', b'\n', rest) else {
                        self.at = bytes.len();
                        return None;
                    };
                    let place = self.at + found;
                    self.at = place + 1;
                    if bytes[place] == b'\n' {
                        return Some(self.at);
                    }
                    let opens = place == self.start
                        || matches!(bytes[place - 1], byte if byte == b'\n' || byte == self.delimiter);
                    if opens {
                        self.state = QuoteState::Within;
                        self.opened = Some(place);
                    }
                }
                QuoteState::Within => {
                    let Some(found) = memchr(b'"', rest) else {
                        self.at = bytes.len();
                        return None;
                    };
                    self.at += found + 1;
                    self.state = QuoteState::Behind;
                }
                QuoteState::Behind => match rest.first() {
                    None => return None,
                    Some(b'"') => {
                        self.at += 1;
                        self.state = QuoteState::Within;
                    }
                    Some(_) => self.state = QuoteState::Outside,
                },
            }
        }
    }

    /// Where the quote is that has not been closed yet.
    pub(super) fn open_quote(&self) -> Option<usize> {
        self.opened.filter(|_| self.state == QuoteState::Within)
    }
}

/// The records of a chunk, in order: where each lies, without its line feed. Empty lines are none.
#[derive(Debug, Clone)]
pub(in crate::source) struct QuotedRecords<'a> {
    bytes: &'a [u8],
    scan: QuoteScan,
    /// Where the next record begins.
    at: usize,
    /// Lines passed.
    lines: u64,
    /// The line that the last record begins in, from 1.
    line: u64,
}

impl<'a> QuotedRecords<'a> {
    /// The records of `bytes` from the one on that begins at `at`.
    pub(in crate::source) fn new(bytes: &'a [u8], delimiter: u8, at: usize) -> Self {
        Self { bytes, scan: QuoteScan::new(delimiter, at), at, lines: 0, line: 0 }
    }

    /// The line that the record begins in that came last, from 1.
    pub(in crate::source) fn line(&self) -> u64 {
        self.line
    }

    /// Lines up to the end of the record that came last; at the end, all lines.
    pub(in crate::source) fn lines(&self) -> u64 {
        self.lines
    }
}

impl Iterator for QuotedRecords<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while self.at < self.bytes.len() {
            let start = self.at;
            let found = self.scan.next_end(self.bytes);
            self.at = found.unwrap_or(self.bytes.len());
            let end = found.map_or(self.bytes.len(), |behind| behind - 1);
            self.line = self.lines + 1;
            self.lines += 1;
            if self.scan.opened.take().is_some() {
                self.lines += bytecount::count(&self.bytes[start..end], b'\n') as u64;
            }
            if !matches!(&self.bytes[start..end], b"" | b"\r") {
                return Some(start..end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_feeds_between_quotes_end_no_record() {
        let bytes = b"\na,b\r\n\"x\n\"\"\n\",5\" disk\n\r\nc,\"\"\n\"never\nclosed";
        let mut records = QuotedRecords::new(bytes, b',', 0);
        let mut found = Vec::new();
        while let Some(record) = records.next() {
            found.push((records.line(), &bytes[record]));
        }
        let expected: [(u64, &[u8]); 4] = [
            (2, b"a,b\r"),
            (3, b"\"x\n\"\"\n\",5\" disk"),
            (7, b"c,\"\""),
            (8, b"\"never\nclosed"),
        ];
        assert_eq!(found, expected);
        assert_eq!(records.lines(), 9);
    }

    proptest! {
        #[test]
        fn a_scan_in_pieces_is_a_scan_of_the_whole(
            text in "[a,\"\n]{0,40}",
            cuts in prop::collection::vec(0_usize..40, 0..6),
        ) {
            let bytes = text.as_bytes();
            let ends = |scan: &mut QuoteScan, bytes: &[u8]| {
                std::iter::from_fn(|| scan.next_end(bytes)).collect::<Vec<_>>()
            };
            let mut whole = QuoteScan::new(b',', 0);
            let expected = ends(&mut whole, bytes);
            let (mut pieces, mut found) = (QuoteScan::new(b',', 0), Vec::new());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            for cut in cuts.into_iter().chain([bytes.len()]) {
                found.extend(ends(&mut pieces, &bytes[..cut]));
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(pieces.open_quote(), whole.open_quote());
        }
    }
}
