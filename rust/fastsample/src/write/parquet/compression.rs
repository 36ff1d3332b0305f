//! Compression codecs of Parquet files, by name.

use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};

use crate::error::{Error, Result};

/// A compression codec by name, with its level where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression(pub(super) Codec);

impl Compression {
    /// `zstd` (level 1 to 22, default 1), `gzip` (0 to 9), `brotli` (0 to 11), `snappy`, `lz4` or
    /// `none`.
    ///
    /// # Errors
    /// [`Error::Argument`] for another name, or a level that the codec does not have.
    pub fn new(name: &str, level: Option<i32>) -> Result<Self> {
        let no_level = |codec| match level {
            None => Ok(codec),
            Some(_) => Err(format!("{name} has no compression levels; leave the level out")),
        };
        let unsigned = |default: u32| level.map_or(Ok(default), u32::try_from);
        let codec = match name {
            "zstd" => {
                ZstdLevel::try_new(level.unwrap_or(1)).map(Codec::ZSTD).map_err(|e| e.to_string())
            }
            "gzip" => unsigned(6)
                .map_err(|e| e.to_string())
                .and_then(|level| GzipLevel::try_new(level).map_err(|e| e.to_string()))
                .map(Codec::GZIP),
            "brotli" => unsigned(1)
                .map_err(|e| e.to_string())
                .and_then(|level| BrotliLevel::try_new(level).map_err(|e| e.to_string()))
                .map(Codec::BROTLI),
            "snappy" => no_level(Codec::SNAPPY),
            "lz4" => no_level(Codec::LZ4_RAW),
            "none" | "uncompressed" => no_level(Codec::UNCOMPRESSED),
            other => Err(format!(
                "unknown compression {other:?}; use zstd, snappy, gzip, lz4, brotli or none"
            )),
        };
        codec.map(Self).map_err(Error::Argument)
    }
}

impl Default for Compression {
    /// Zstandard at level 1: on text as fast to write as Snappy, smaller, and faster to read.
    fn default() -> Self {
        Self(Codec::ZSTD(ZstdLevel::default()))
    }
}
