//! JSON Lines output: an object a line, plain or compressed by the ending of the name.
//!
//! - Lines of a JSON Lines source are copied byte for byte, up to their line feed. Where a column of
//!   weights is added, it is put behind the last key of each object.
//! - Rows of other sources are encoded by arrow-json, nulls included, as `datasets` does.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use arrow_json::WriterBuilder;
use arrow_json::writer::LineDelimited;
use arrow_schema::{DataType, Field, SchemaRef};
use memchr::memmem;

use super::lines::{self, LineCompression};
use super::unstorable::check_types;
use super::values::check_values;
use crate::error::Result;
use crate::exec::Context;
use crate::files::Output;
use crate::gather::WEIGHT;
use crate::source::LINE;

/// Endings of files that are written, without that of a compression.
const ENDINGS: [&str; 2] = [".jsonl", ".ndjson"];

/// Options of JSON Lines output.
#[derive(Debug, Clone, Copy)]
pub struct JsonlOptions {
    /// The compression of the file.
    pub compression: LineCompression,
}

impl JsonlOptions {
    /// The options of a file of this name: its ending tells the compression.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) for an ending of another format, or a `level` that
    /// the codec lacks.
    pub fn named(path: &Path, level: Option<i32>) -> Result<Self> {
        let (compression, _) = LineCompression::of(path, level, "JSON Lines", &ENDINGS)?;
        Ok(Self { compression })
    }
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
    lines::write(ctx, file, options.compression, None, batches, |batch, out| {
        match batch.column_by_name(LINE).filter(|_| are_lines) {
            Some(lines) => copy(lines, batch.column_by_name(WEIGHT), out),
            None => encode(batch, out).map_err(|error| file.failed(&error))?,
        }
        Ok(())
    })
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

/// What arrow-json writes for a value that it has no text for.
const NO_TEXT: &[u8] = b"\"ERROR: ";

fn encode(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, LineDelimited>(&mut *out);
    let written = writer.write(batch).and_then(|()| writer.finish());
    written.map_err(|error| error.to_string())?;
    // A text of the source may begin so, too.
    if memmem::find(&out[start..], NO_TEXT).is_some() { check_values(batch) } else { Ok(()) }
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
}
