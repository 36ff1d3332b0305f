//! Files of lines: compressed by the ending of the name, encoded on all cores.
//!
//! Compressed files are written as members (gzip) or frames (Zstandard) of some megabytes: threads
//! compress them side by side, and readers may inflate them so.

use std::io::{self, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use flate2::write::GzEncoder;

use super::pieces;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::files::{Outgoing, Output, reason};

/// How lines are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineCompression {
    /// Not at all.
    None,
    /// gzip at a level from 0 to 9.
    Gzip(u32),
    /// Zstandard at a level from 1 to 22.
    Zstd(i32),
}

impl LineCompression {
    /// The compression that the ending of `path` tells, at `level` or the codec's own default, and
    /// which of the `endings` of `format` stands before it.
    ///
    /// # Errors
    /// [`Error::Argument`] for an ending of another format, or a level that the codec lacks.
    pub(super) fn of(
        path: &Path,
        level: Option<i32>,
        format: &str,
        endings: &[&str],
    ) -> Result<(Self, usize)> {
        let shown = path.display();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let (plain, found, levels) = if let Some(plain) = name.strip_suffix(".gz") {
            (plain, Self::Gzip(level.unwrap_or(6) as u32), Some(0..=9))
        } else if let Some(plain) = name.strip_suffix(".zst") {
            (plain, Self::Zstd(level.unwrap_or(1)), Some(1..=22))
        } else {
            (name.as_str(), Self::None, None)
        };
        let Some(place) = endings.iter().position(|ending| plain.ends_with(ending)) else {
            return Err(Error::Argument(format!(
                "{shown}: {format} files end in {}, alone or with .gz or .zst",
                endings.join(", ")
            )));
        };
        match level {
            Some(level) if !levels.is_some_and(|levels| levels.contains(&level)) => {
                Err(Error::Argument(format!(
                    "compression_level is {level}, which {shown} can't have; \
                 .gz has levels 0 to 9, .zst 1 to 22, plain files none"
                )))
            }
            _ => Ok((found, place)),
        }
    }

    fn compress(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip(level) => {
                let level = flate2::Compression::new(level);
                let mut member = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), level);
                member.write_all(&bytes)?;
                member.finish()
            }
            Self::Zstd(level) => {
                let mut frame = zstd::bulk::Compressor::new(level)?;
                frame.include_checksum(true)?;
                frame.compress(&bytes)
            }
        }
    }
}

/// Writes `head`, if there is one, and behind it what `encode` makes of each of `batches`.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    compression: LineCompression,
    head: Option<Vec<u8>>,
    batches: impl Iterator<Item = Result<RecordBatch>> + Send,
    encode: impl Fn(&RecordBatch, &mut Vec<u8>) -> Result<()> + Sync,
) -> Result<()> {
    let fail = |error: &io::Error| file.failed(&reason(error));
    let compress = |bytes| compression.compress(bytes).map_err(|error| fail(&error));
    let mut handle = Outgoing::create(file)?;
    let mut is_empty = head.is_none();
    if let Some(head) = head {
        handle.write_all(&compress(head)?).map_err(|error| fail(&error))?;
    }
    let encode = |batches: &[RecordBatch]| {
        let mut bytes = Vec::new();
        batches.iter().try_for_each(|batch| encode(batch, &mut bytes))?;
        compress(bytes)
    };
    pieces::in_order(ctx, batches, encode, |piece| {
        is_empty = false;
        handle.write_all(&piece).map_err(|error| fail(&error))
    })?;
    if is_empty {
        // A compressed file of nothing has a member of nothing.
        handle.write_all(&compress(Vec::new())?).map_err(|error| fail(&error))?;
    }
    handle.flush().map_err(|error| fail(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_compression() {
        let of = |name, level| {
            LineCompression::of(Path::new(name), level, "JSON Lines", &[".jsonl", ".ndjson"])
        };
        assert_eq!(of("a.JSONL", None).unwrap(), (LineCompression::None, 0));
        assert_eq!(of("a.ndjson.gz", None).unwrap(), (LineCompression::Gzip(6), 1));
        assert_eq!(of("a.jsonl.zst", Some(9)).unwrap(), (LineCompression::Zstd(9), 0));
        for (name, level) in
            [("a.json", None), ("a.gz", None), ("a.jsonl", Some(1)), ("a.jsonl.gz", Some(10))]
        {
            assert!(of(name, level).is_err(), "{name}");
        }
    }
}
