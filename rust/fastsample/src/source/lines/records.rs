//! The records of a chunk: its lines without those that are blank.

use std::ops::Range;

use memchr::memchr;

/// What some editors put in front of a text: it is passed over.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where the records of a chunk begin: behind a mark at the beginning of the file.
pub(in crate::source) fn start(bytes: &[u8], is_first: bool) -> usize {
    if is_first && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

/// Whether a line holds nothing but spaces, tabs and a carriage return.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The records of a chunk, in order: where each lies, without its line feed.
#[derive(Debug, Clone)]
pub(in crate::source) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Lines passed, blank ones among them.
    lines: u64,
}

impl<'a> Records<'a> {
    /// The records of `bytes` from the one on that begins at `at`.
    pub(in crate::source) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, lines: 0 }
    }

    /// Lines up to the record that came last, itself included; at the end, all lines.
    pub(in crate::source) fn lines(&self) -> u64 {
        self.lines
    }
}

impl Iterator for Records<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while self.at < self.bytes.len() {
            let start = self.at;
            let end = memchr(b'\n', &self.bytes[start..])
                .map_or(self.bytes.len(), |length| start + length);
            self.at = end + 1;
            self.lines += 1;
            // A record begins with something else most of the time.
            let may_be_blank = self.bytes[start..end].first().is_none_or(|&byte| byte <= b' ');
            if !may_be_blank || !is_blank(&self.bytes[start..end]) {
                return Some(start..end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_no_records() {
        let bytes = b"\n{}\r\n \t\r\n[]\n\n x";
        let mut records = Records::new(bytes, 0);
        let found: Vec<_> = records.by_ref().map(|record| &bytes[record]).collect();
        assert_eq!(found, [&b"{}\r"[..], b"[]", b" x"]);
        assert_eq!(records.lines(), 6);
        assert_eq!(Records::new(b"", 0).count() + Records::new(b" \n", 0).count(), 0);
    }
}
