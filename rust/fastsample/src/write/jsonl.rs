//! JSON Lines output: an object a line, plain or compressed by the ending of the name.
//!
//! - Lines of a JSON Lines source are copied byte for byte, up to their line feed. Where a column of
//!   weights is added, it is put behind the last key of each object.
//! - Rows of other sources are encoded by arrow-json, nulls included, as `datasets` does.
//!
//! Compressed files are written as members (gzip) or frames (Zstandard) of some megabytes: threads
//! compress them side by side, and readers may inflate them so.

use std::io::{self, Write};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use arrow_json::WriterBuilder;
use arrow_json::writer::LineDelimited;
use arrow_schema::{DataType, Field, SchemaRef};
use flate2::write::GzEncoder;

use super::outgoing::Outgoing;
use super::pieces;
use super::unstorable::check_types;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::files::{Output, reason};
use crate::gather::WEIGHT;
use crate::source::LINE;

/// Endings of files that are written, without that of a compression.
const ENDINGS: [&str; 2] = [".jsonl", ".ndjson"];

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
    /// The compression that the ending of `path` tells, at `level` or the codec's own default.
    ///
    /// # Errors
    /// [`Error::Argument`] for an ending of another format, or a level that the codec lacks.
    pub fn of(path: &Path, level: Option<i32>) -> Result<Self> {
        let shown = path.display();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let (found, levels) = if is_lines(&name, "") {
            (Self::None, None)
        } else if is_lines(&name, ".gz") {
            (Self::Gzip(level.unwrap_or(6) as u32), Some(0..=9))
        } else if is_lines(&name, ".zst") {
            (Self::Zstd(level.unwrap_or(1)), Some(1..=22))
        } else {
            return Err(Error::Argument(format!(
                "{shown}: JSON Lines files end in {}, alone or with .gz or .zst",
                ENDINGS.join(", ")
            )));
        };
        match level {
            Some(level) if !levels.is_some_and(|levels| levels.contains(&level)) => {
                Err(Error::Argument(format!(
                    "compression_level is {level}, which {shown} can't have; \
                 .gz has levels 0 to 9, .zst 1 to 22, plain files none"
                )))
            }
            _ => Ok(found),
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

fn is_lines(name: &str, compressed: &str) -> bool {
    name.strip_suffix(compressed).is_some_and(|name| ENDINGS.iter().any(|end| name.ends_with(end)))
}

/// Options of JSON Lines output.
#[derive(Debug, Clone, Copy)]
pub struct JsonlOptions {
    /// The compression of the file.
    pub compression: LineCompression,
}

/// Writes `batches` into `file`. If `are_lines`, they have a column [`LINE`] to be copied, and perhaps
/// one of weights.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>> + Send,
    are_lines: bool,
    options: JsonlOptions,
) -> Result<()> {
    if !are_lines {
        check_types(schema, file, "JSON Lines", refusal)?;
    }
    let fail = |error: &io::Error| file.failed(&reason(error));
    let mut handle = Outgoing::create(file)?;
    let mut is_empty = true;
    let encode = |batches: &[RecordBatch]| {
        let mut bytes = Vec::new();
        for batch in batches {
            match batch.column_by_name(LINE).filter(|_| are_lines) {
                Some(lines) => copy(lines, batch.column_by_name(WEIGHT), &mut bytes),
                None => encode(batch, &mut bytes).map_err(|error| file.failed(&error))?,
            }
        }
        options.compression.compress(bytes).map_err(|error| fail(&error))
    };
    pieces::in_order(ctx, batches, encode, |piece| {
        is_empty = false;
        handle.write_all(&piece).map_err(|error| fail(&error))
    })?;
    if is_empty {
        // A compressed file of nothing has a member of nothing.
        let piece = encode(&[])?;
        handle.write_all(&piece).map_err(|error| fail(&error))?;
    }
    handle.flush().map_err(|error| fail(&error))
}

/// Why an object can't have a type, if so.
fn refusal(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::Union(..) => Some("unions"),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.first().is_some_and(|key| is_text(key)) => None,
            _ => Some("maps whose keys are not strings"),
        },
        _ => None,
    }
}

fn is_text(key: &Field) -> bool {
    matches!(key.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn encode(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), arrow_schema::ArrowError> {
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, LineDelimited>(out);
    writer.write(batch)?;
    writer.finish()
}

/// Copies lines, each with its weight if there are such.
fn copy(lines: &dyn Array, weights: Option<&arrow_array::ArrayRef>, out: &mut Vec<u8>) {
    let lines = lines.as_binary::<i64>();
    out.reserve(lines.value_data().len() + lines.len());
    for row in 0..lines.len() {
        let line = lines.value(row);
        match weights {
            None => out.extend_from_slice(line),
            Some(weights) => {
                add_weight(line, weights.as_primitive::<Float64Type>().value(row), out);
            }
        }
        out.push(b'\n');
    }
}

/// Copies an object with one more key behind the others.
fn add_weight(line: &[u8], weight: f64, out: &mut Vec<u8>) {
    let object = line.trim_ascii_end();
    let inside = object.strip_suffix(b"}").unwrap_or(object).trim_ascii_end();
    out.extend_from_slice(inside);
    if !inside.ends_with(b"{") {
        out.extend_from_slice(b", ");
    }
    // The shortest digits that read back as the same number.
    out.extend_from_slice(format!("{WEIGHT:?}: {weight:?}}}").as_bytes());
    out.extend_from_slice(&line[object.len()..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stand_behind_the_last_key() {
        let added = |line: &str| {
            let mut out = Vec::new();
            add_weight(line.as_bytes(), 2.5, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(added(r#"{"a":"}"}"#), r#"{"a":"}", "_weight": 2.5}"#);
        assert_eq!(added("{ \"a\" : {} } \r"), "{ \"a\" : {}, \"_weight\": 2.5} \r");
        assert_eq!(added("{ }"), "{\"_weight\": 2.5}");
    }

    #[test]
    fn the_ending_tells_the_compression() {
        let of = |name, level| LineCompression::of(Path::new(name), level);
        assert_eq!(of("a.JSONL", None).unwrap(), LineCompression::None);
        assert_eq!(of("a.ndjson.gz", None).unwrap(), LineCompression::Gzip(6));
        assert_eq!(of("a.jsonl.zst", Some(9)).unwrap(), LineCompression::Zstd(9));
        for (name, level) in
            [("a.json", None), ("a.gz", None), ("a.jsonl", Some(1)), ("a.jsonl.gz", Some(10))]
        {
            assert!(of(name, level).is_err(), "{name}");
        }
    }
}
