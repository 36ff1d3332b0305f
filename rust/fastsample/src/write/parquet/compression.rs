//! Compression codecs of Parquet files, by name.

use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;

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
        let within = |least: u32, most: u32, default: u32| match level.map(u32::try_from) {
            None => Ok(default),
            Some(Ok(level)) if (least..=most).contains(&level) => Ok(level),
            Some(_) => Err(format!(
                "compression_level is {}; {name} has levels {least} to {most}",
                level.unwrap_or_default()
            )),
        };
        let refused = |error: ParquetError| error.to_string();
        let codec = match name {
            "zstd" => within(1, 22, 1)
                .and_then(|level| ZstdLevel::try_new(level.cast_signed()).map_err(refused))
                .map(Codec::ZSTD),
            "gzip" => within(0, 9, 6)
                .and_then(|level| GzipLevel::try_new(level).map_err(refused))
                .map(Codec::GZIP),
            "brotli" => within(0, 11, 1)
                .and_then(|level| BrotliLevel::try_new(level).map_err(refused))
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
