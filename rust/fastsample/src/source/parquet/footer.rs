//! One question to a Parquet footer that its parser does not answer: is anything encrypted?
//!
//! A file may have a plain footer and encrypted columns. Its `FileMetaData` then has a field 8,
//! `encryption_algorithm` (Parquet modular encryption). Without that knowledge, encrypted pages
//! look like damage.

use arrow_buffer::Buffer;
use parquet::file::reader::Length;

use super::thrift::Compact;
use crate::error::Result;
use crate::source::file::OpenFile;

/// Thrift field of `FileMetaData` that only files with encrypted columns have.
const ENCRYPTION_ALGORITHM: i16 = 8;

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
    let mut found = false;
    let _ = Compact(footer).fields(|_, id, _| {
        found = id == ENCRYPTION_ALGORITHM;
        (!found).then_some(false)
    });
    found
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
