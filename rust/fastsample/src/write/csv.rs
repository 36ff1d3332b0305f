//! CSV and TSV output: a header, and a record a row, plain or compressed by the ending of the name.
//!
//! - Records of a CSV source of the same delimiter are copied byte for byte, up to their line feed, and
//!   so is its header. Weights are a field more.
//! - Rows of other sources have quotes where they need them. A null is an empty field, an empty text
//!   `""`: so both come back.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use memchr::memchr3;

use super::lines::{self, LineCompression};
use super::values::no_text;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::files::Output;
use crate::gather::WEIGHT;
use crate::source::LINE;
use crate::text::is_text;

/// Endings of files that are written, without that of a compression, and their delimiters.
const ENDINGS: [&str; 2] = [".csv", ".tsv"];
const DELIMITERS: [u8; 2] = [b',', b'\t'];

/// Options of CSV output.
#[derive(Debug, Clone, Copy)]
pub struct CsvOptions {
    /// What stands between fields: a comma or a tab.
    pub delimiter: u8,
    /// The compression of the file.
    pub compression: LineCompression,
}

impl CsvOptions {
    /// The options of a file of this name: its ending tells the delimiter and the compression.
    ///
    /// # Errors
    /// [`Error::Argument`] for an ending of another format, or a `level` that the codec lacks.
    pub fn named(path: &Path, level: Option<i32>) -> Result<Self> {
        let (compression, place) = LineCompression::of(path, level, "CSV", &ENDINGS)?;
        Ok(Self { delimiter: DELIMITERS[place], compression })
    }
}

/// Writes `batches` into `file`. With the `header` of records that are to be copied, they have a column
/// [`LINE`], and perhaps one of weights.
pub(super) fn write(
    ctx: &Context,
    file: &Output,
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>> + Send,
    header: Option<&[u8]>,
    options: CsvOptions,
) -> Result<()> {
    let CsvOptions { delimiter, compression } = options;
    let mut head = Vec::new();
    if let Some(header) = header {
        let has_weights = schema.index_of(WEIGHT).is_ok();
        copy(header, has_weights.then_some(WEIGHT), delimiter, &mut head);
    } else {
        check(schema).map_err(|what| file.failed(&what))?;
        push_names(schema, delimiter, &mut head);
    }
    lines::write(ctx, file, compression, Some(head), batches, |batch, out| {
        if header.is_some() {
            let weights = batch.column_by_name(WEIGHT).map(AsArray::as_primitive);
            return copy_all(batch.column_by_name(LINE), weights, delimiter, out);
        }
        encode(batch, delimiter, out).map_err(|error| file.failed(&error))
    })
}

/// Fails for columns that are no fields.
fn check(schema: &Schema) -> Result<(), String> {
    for (field, place) in schema.fields().iter().zip(1..) {
        let (name, kind) = (field.name(), field.data_type());
        if name.is_empty() {
            return Err(format!(
                "column {place} has no name, which CSV files can't have; rename it"
            ));
        }
        if kind.is_nested() {
            return Err(format!(
                "column {name:?} holds {}, which CSV files can't; \
                 write JSON Lines (write_jsonl, or a name that ends in .jsonl), \
                 or leave the column out with columns=",
                nested(kind)
            ));
        }
    }
    Ok(())
}

fn nested(kind: &DataType) -> &'static str {
    match kind {
        DataType::Struct(_) => "structs",
        DataType::Map(..) => "maps",
        DataType::Union(..) => "unions",
        DataType::RunEndEncoded(..) => "runs",
        _ => "lists",
    }
}

/// Copies records, each with its weight if there are such.
fn copy_all(
    lines: Option<&ArrayRef>,
    weights: Option<&arrow_array::PrimitiveArray<Float64Type>>,
    delimiter: u8,
    out: &mut Vec<u8>,
) -> Result<()> {
    let lines = lines.ok_or_else(|| Error::Internal("there are no records to copy".into()))?;
    let lines = lines.as_binary::<i64>();
    out.reserve(lines.value_data().len() + lines.len());
    for row in 0..lines.len() {
        // The shortest digits that read back as the same number.
        let weight = weights.map(|weights| format!("{:?}", weights.value(row)));
        copy(lines.value(row), weight.as_deref(), delimiter, out);
    }
    Ok(())
}

/// Copies a record, with one more field behind the others.
fn copy(record: &[u8], more: Option<&str>, delimiter: u8, out: &mut Vec<u8>) {
    let fields = record.strip_suffix(b"\r").unwrap_or(record);
    out.extend_from_slice(fields);
    if let Some(more) = more {
        out.push(delimiter);
        out.extend_from_slice(more.as_bytes());
    }
    out.extend_from_slice(&record[fields.len()..]);
    out.push(b'\n');
}

/// A column whose values become fields.
enum CsvColumn<'a> {
    Text(StringArray),
    Other { name: &'a str, values: ArrayFormatter<'a>, nulls: Option<NullBuffer>, field: String },
}

impl<'a> CsvColumn<'a> {
    fn new(name: &'a str, column: &'a ArrayRef) -> Result<Self, ArrowError> {
        if is_text(column.data_type()) {
            return Ok(Self::Text(cast(column, &DataType::Utf8)?.as_string().clone()));
        }
        let values = ArrayFormatter::try_new(column, &FormatOptions::new())?;
        Ok(Self::Other { name, values, nulls: column.logical_nulls(), field: String::new() })
    }

    /// The field of a row; none for a null.
    fn field(&mut self, row: usize) -> Result<Option<&str>, String> {
        match self {
            Self::Text(texts) => Ok(texts.is_valid(row).then(|| texts.value(row))),
            Self::Other { nulls: Some(nulls), .. } if nulls.is_null(row) => Ok(None),
            Self::Other { name, values, field, .. } => {
                field.clear();
                values.value(row).write(field).map_err(|error| no_text(name, &error))?;
                Ok(Some(field))
            }
        }
    }
}

fn encode(batch: &RecordBatch, delimiter: u8, out: &mut Vec<u8>) -> Result<(), String> {
    let schema = batch.schema_ref();
    let columns = std::iter::zip(schema.fields(), batch.columns())
        .map(|(field, column)| CsvColumn::new(field.name(), column));
    let mut columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let is_alone = columns.len() == 1;
    for row in 0..batch.num_rows() {
        for (place, column) in columns.iter_mut().enumerate() {
            if place > 0 {
                out.push(delimiter);
            }
            push(column.field(row)?, delimiter, is_alone, out);
        }
        out.push(b'\n');
    }
    Ok(())
}

/// Writes the names of columns, with quotes where the first looks like another format.
fn push_names(schema: &Schema, delimiter: u8, out: &mut Vec<u8>) {
    let is_alone = schema.fields().len() == 1;
    for (place, field) in schema.fields().iter().enumerate() {
        let name = field.name().as_bytes();
        if place > 0 {
            out.push(delimiter);
        } else if name.trim_ascii_start().starts_with(b"{") {
            quote(name, out);
            continue;
        }
        push(Some(field.name()), delimiter, is_alone, out);
    }
    out.push(b'\n');
}

/// Writes a field, or a null. A record may have only one.
fn push(field: Option<&str>, delimiter: u8, is_alone: bool, out: &mut Vec<u8>) {
    match field {
        // A line of nothing is no record.
        None if is_alone => out.extend_from_slice(b"\"\""),
        None => {}
        Some(text) if needs_quotes(text.as_bytes(), delimiter, is_alone) => {
            quote(text.as_bytes(), out);
        }
        Some(text) => out.extend_from_slice(text.as_bytes()),
    }
}

fn needs_quotes(text: &[u8], delimiter: u8, is_alone: bool) -> bool {
    text.is_empty()
        || memchr3(delimiter, b'"', b'\n', text).is_some()
        || text.contains(&b'\r')
        // The mark at the beginning of a file is passed over.
        || text.starts_with(b"\xef\xbb\xbf")
        // A header of one column with another delimiter in it looks like a mistake.
        || (is_alone && text.iter().any(|byte| matches!(byte, b',' | b';' | b'\t')))
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut at = 0;
    for quote in memchr::memchr_iter(b'"', text) {
        out.extend_from_slice(&text[at..=quote]);
        at = quote;
    }
    out.extend_from_slice(&text[at..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(field: Option<&str>, is_alone: bool) -> String {
        let mut out = Vec::new();
        push(field, b',', is_alone, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_have_quotes_where_they_need_them() {
        for (field, expected) in [
            (Some("a b;c"), "a b;c"),
            (None, ""),
            (Some(""), "\"\""),
            (Some("x,y"), "\"x,y\""),
            (Some("\"q\"\n"), "\"\"\"q\"\"\n\""),
            (Some("a\rb"), "\"a\rb\""),
            (Some(" "), " "),
        ] {
            assert_eq!(pushed(field, false), expected);
        }
        assert_eq!(pushed(None, true), "\"\"");
        assert_eq!(pushed(Some("a;b"), true), "\"a;b\"");
    }

    #[test]
    fn records_are_copied_with_a_field_more() {
        let copied = |record: &[u8], more| {
            let mut out = Vec::new();
            copy(record, more, b'\t', &mut out);
            out
        };
        assert_eq!(copied(b"a\t\"b\"\r", Some("2.5")), b"a\t\"b\"\t2.5\r\n");
        assert_eq!(copied(b"a\tb", None), b"a\tb\n");
    }
}
