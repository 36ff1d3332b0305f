//! One question to a Parquet footer that its parser does not answer: is anything encrypted?
//!
//! A file may have a plain footer and encrypted columns. Its `FileMetaData` then has a field 8,
//! `encryption_algorithm` (Parquet modular encryption). Without that knowledge, encrypted pages
//! look like damage.

use arrow_buffer::Buffer;
use parquet::file::reader::Length;

use crate::error::Result;
use crate::source::file::OpenFile;

/// Thrift field of `FileMetaData` that only files with encrypted columns have.
const ENCRYPTION_ALGORITHM: i16 = 8;

/// The header that ends a struct.
const STOP: u8 = 0;

/// Nesting beyond this is not to be found in a sound footer.
const MAX_DEPTH: usize = 32;

/// The serialised `FileMetaData`; empty if the file has no sound trailer.
pub(super) fn footer_bytes(open: &OpenFile) -> Result<Buffer> {
    const TRAILER: u64 = 8;
    let body_end = Length::len(open).saturating_sub(TRAILER);
    let trailer = open.read_buffer(body_end, TRAILER.min(Length::len(open)) as usize)?;
    let length =
        trailer.first_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    match body_end.checked_sub(length) {
        Some(start) => open.read_buffer(start, length as usize),
        None => Ok(Buffer::from_vec(Vec::<u8>::new())),
    }
}

/// Whether a serialised `FileMetaData` says that columns are encrypted.
///
/// A footer that can't be read is not encrypted: its parser will say what is wrong with it.
pub(super) fn is_encrypted(footer: &[u8]) -> bool {
    Compact(footer).struct_has_field(ENCRYPTION_ALGORITHM).unwrap_or(false)
}

/// A reader of the Thrift compact protocol that skips whatever it is not asked for.
struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// The id and type of the next field; type 0 is the end of a struct.
    fn field(&mut self, last: i16) -> Option<(i16, u8)> {
        let header = self.byte()?;
        if header == STOP {
            return Some((last, STOP));
        }
        let id = match header >> 4 {
            0 => {
                let zigzag = self.varint()?;
                (zigzag >> 1) as i16 ^ -((zigzag & 1) as i16)
            }
            delta => last.wrapping_add(i16::from(delta)),
        };
        Some((id, header & 0x0f))
    }

    fn struct_has_field(&mut self, wanted: i16) -> Option<bool> {
        let mut last = 0;
        loop {
            match self.field(last)? {
                (_, STOP) => return Some(false),
                (id, _) if id == wanted => return Some(true),
                (id, kind) => {
                    self.skip(kind, false, 0)?;
                    last = id;
                }
            }
        }
    }

    fn skip(&mut self, kind: u8, in_list: bool, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            // A boolean field is its own type; in a list it takes a byte.
            1 | 2 if !in_list => Some(()),
            1..=3 => self.skip_bytes(1),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let header = self.byte()?;
                let count = match header >> 4 {
                    15 => self.varint()?,
                    short => u64::from(short),
                };
                (0..count).try_for_each(|_| self.skip(header & 0x0f, true, depth + 1))
            }
            12 => {
                // Ids do not matter here, so neither does the last one.
                loop {
                    match self.field(0)? {
                        (_, STOP) => return Some(()),
                        (_, kind) => self.skip(kind, false, depth + 1)?,
                    }
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_encrypted;

    #[test]
    fn field_eight_is_found_behind_anything() {
        // 1: i32 = 1, 2: list<struct> of one struct {4: binary "ab"}, 3: true, 8: struct {}.
        let footer = [0x15, 2, 0x19, 0x1c, 0x48, 2, b'a', b'b', 0, 0x11, 0x5c, 0, 0];
        assert!(is_encrypted(&footer));
        let plain = [&footer[..10], &[0]].concat();
        assert!(!is_encrypted(&plain));
        for end in 0..footer.len() {
            let _ = is_encrypted(&footer[..end]);
        }
        assert!(!is_encrypted(&[0xff; 64]));
    }
}
