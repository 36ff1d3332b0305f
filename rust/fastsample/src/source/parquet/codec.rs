//! Decompression of whole pages, into memory that is used again.
//!
//! A header claims how long a page is when it is inflated. No more than that is ever written, and
//! no more is set aside than the codec can make of the bytes there are. A page that grows more than
//! [`USUAL_RATIO`]-fold also counts against the [`Budget`] of its file.

use std::io::Read;

use brotli::Decompressor as Brotli;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::compression::{CodecOptions, create_codec};

use super::budget::{Budget, Charge};
use super::snappy;
use crate::error::{Error, Result, is_want_of_memory};
use crate::exec::memory;
use crate::source::file::OpenFile;

/// More than a byte of Snappy can stand for: three bytes copy 64 at most.
const SNAPPY_EXPANSION: usize = 22;

/// More than a byte of LZ4 can stand for, and what its frames may add.
const LZ4_EXPANSION: usize = 256;

/// More than a byte of DEFLATE can stand for.
const GZIP_EXPANSION: usize = 1040;

/// Four bytes of Zstandard stand for a block of 128 KiB at most.
const ZSTD_EXPANSION: usize = 1 << 15;

/// Real text is never compressed better than this; zeros are.
pub(crate) const USUAL_RATIO: usize = 200;

/// Bytes and what they were charged.
struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Inflates a page whose first `levels` bytes are not compressed, to `len` bytes in all.
pub(super) fn inflate(
    codec: Compression,
    page: &Bytes,
    levels: usize,
    len: usize,
    open: &OpenFile,
    budget: &Budget,
) -> Result<Bytes> {
    if codec == Compression::UNCOMPRESSED {
        return Ok(page.clone());
    }
    let damaged = |what: &str| {
        Error::corrupt(open.path(), format!("damaged data ({what}); fetch or write the file again"))
    };
    let (levels, compressed) = page
        .split_at_checked(levels)
        .ok_or_else(|| damaged("the levels are longer than their page"))?;
    let left = len
        .checked_sub(levels.len())
        .ok_or_else(|| damaged("the levels are longer than their page"))?;
    if left > most(codec, compressed.len()) {
        let found = compressed.len();
        return Err(damaged(&format!("{found} compressed bytes claim to hold {left}")));
    }
    let charge = if left > compressed.len() * USUAL_RATIO {
        let charge = budget.charge(len as u64).ok_or_else(|| {
            Error::unsupported(
                open.path(),
                &format!(
                    "its pages take more than {} MiB of memory at a time, for {} bytes in the \
                     file, which is not supported; write it with smaller pages or a dictionary",
                    budget.limit() >> 20,
                    open.size()
                ),
            )
        })?;
        Some(charge)
    } else {
        None
    };
    open.require(len)?;
    let mut room = open.buffers().take(len);
    let (head, tail) = room.as_mut().split_at_mut(levels.len());
    head.copy_from_slice(levels);
    fill(codec, compressed, tail)
        .map_err(|what| if is_want_of_memory(&what) { Error::NoMemory } else { damaged(&what) })?;
    let bytes = room.freeze();
    Ok(match charge {
        Some(charge) => Bytes::from_owner(Charged { bytes, _charge: charge }),
        None => bytes,
    })
}

/// The most that so many compressed bytes can hold.
fn most(codec: Compression, compressed: usize) -> usize {
    let expansion = match codec {
        Compression::SNAPPY => SNAPPY_EXPANSION,
        Compression::LZ4 | Compression::LZ4_RAW => LZ4_EXPANSION,
        Compression::GZIP(_) => GZIP_EXPANSION,
        Compression::ZSTD(_) => ZSTD_EXPANSION,
        // A few bytes of Brotli copy 16 MiB.
        _ => 16 << 20,
    };
    compressed.saturating_mul(expansion)
}

/// Inflates exactly as much as `out` holds.
fn fill(codec: Compression, compressed: &[u8], out: &mut [u8]) -> std::result::Result<(), String> {
    // A page without values may have no compressed bytes at all, not even of a frame.
    if compressed.is_empty() && out.is_empty() {
        return Ok(());
    }
    let differs =
        |found: usize| format!("a page holds {found} bytes, not as many as its header says");
    match codec {
        Compression::SNAPPY => {
            let (found, elements) =
                snappy::open(compressed).ok_or("a page does not say how long it is")?;
            if found != out.len() {
                return Err(differs(found));
            }
            snappy::inflate(elements, out).ok_or_else(|| "a page is not Snappy".into())
        }
        Compression::ZSTD(_) => {
            let mut decoder = zstd::bulk::Decompressor::new().map_err(|error| error.to_string())?;
            let found =
                decoder.decompress_to_buffer(compressed, out).map_err(|error| error.to_string())?;
            if found == out.len() { Ok(()) } else { Err(differs(found)) }
        }
        Compression::GZIP(_) => exactly(MultiGzDecoder::new(compressed), out),
        Compression::BROTLI(_) => exactly(Brotli::new(compressed, 64 << 10), out),
        other => {
            let codec = create_codec(other, &CodecOptions::default());
            let codec = codec.map_err(|error| error.to_string())?;
            let mut codec = codec.ok_or_else(|| format!("no decoder for {other}"))?;
            let mut found = Vec::new();
            memory::grow(&mut found, out.len(), "a page").map_err(|error| error.to_string())?;
            codec
                .decompress(compressed, &mut found, Some(out.len()))
                .map_err(|error| error.to_string())?;
            if found.len() != out.len() {
                return Err(differs(found.len()));
            }
            out.copy_from_slice(&found);
            Ok(())
        }
    }
}

/// Reads exactly as much as `out` holds, and makes sure that there is no more.
fn exactly(mut decoder: impl Read, out: &mut [u8]) -> std::result::Result<(), String> {
    decoder.read_exact(out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "a page is shorter than its header says".to_owned(),
        _ => error.to_string(),
    })?;
    match decoder.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err("a page is longer than its header says".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_nothing_hold_nothing() {
        let snappy = Compression::SNAPPY;
        assert!(fill(snappy, &[], &mut []).is_ok());
        assert!(fill(snappy, &[0], &mut []).is_ok());
        // The middle of a page, where a damaged length of the levels leads.
        assert!(fill(snappy, &[0, 254, 3], &mut []).is_err());
        assert!(fill(snappy, &[], &mut [0]).is_err());
    }
}
