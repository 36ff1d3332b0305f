//! Survey: what each file says of itself, as bytes that parts send, and the columns of all files.
//!
//! ```text
//!  file ─▶ FileFacts: rows, and a schema, a shape of JSON or kinds of CSV ─▶ bytes
//!  FileFacts of all files, in order ─▶ JointColumns ─▶ every part is read with these
//! ```

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Schema, SchemaRef};

use super::csv::{self, CsvColumnSeen};
use super::data::Data;
use super::joint::{joint, keep};
use super::jsonl::{self, JsonShape};
use super::options::OpenOptions;
use super::unify::unify;
use crate::error::Result;
use crate::exec::Context;
use crate::exec::fields::{ByteFields, put};

/// What a file, or a slice of one, says of itself.
#[derive(Debug, Clone)]
pub(crate) struct FileFacts {
    pub(super) name: String,
    /// Rows of the slice.
    pub(crate) rows: u64,
    pub(super) columns: FileColumns,
}

/// Columns of a file, as far as it tells them alone.
#[derive(Debug, Clone)]
pub(super) enum FileColumns {
    /// Of a format that tells its types.
    Schema(SchemaRef),
    Jsonl(Box<JsonShape>),
    Csv(Vec<(String, CsvColumnSeen)>),
}

impl FileFacts {
    pub(super) fn columns_of(ctx: &Context, data: &mut Data) -> Result<FileColumns> {
        Ok(match data {
            Data::Jsonl(file) => FileColumns::Jsonl(Box::new(jsonl::survey(ctx, file)?)),
            Data::Csv(file) => FileColumns::Csv(csv::survey(ctx, file)?),
            _ => FileColumns::Schema(data.schema().clone()),
        })
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.name.as_bytes());
        bytes.extend(self.rows.to_le_bytes());
        match &self.columns {
            FileColumns::Schema(schema) => {
                bytes.push(0);
                put_schema(bytes, schema);
            }
            FileColumns::Jsonl(shape) => {
                bytes.push(1);
                shape.write(bytes);
            }
            FileColumns::Csv(columns) => {
                bytes.push(2);
                bytes.extend((columns.len() as u64).to_le_bytes());
                for (name, seen) in columns {
                    put(bytes, name.as_bytes());
                    bytes.push(seen.to_byte());
                }
            }
        }
    }

    pub(crate) fn read(bytes: &mut ByteFields<'_>) -> Option<Self> {
        let (name, rows) = (bytes.text()?, bytes.u64()?);
        let columns = match bytes.u8()? {
            0 => FileColumns::Schema(take_schema(bytes)?),
            1 => FileColumns::Jsonl(Box::new(JsonShape::read(bytes)?)),
            2 => {
                let count = bytes.count(9)?;
                let column = |_| Some((bytes.text()?, CsvColumnSeen::from_byte(bytes.u8()?)));
                FileColumns::Csv((0..count).map(column).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        Some(Self { name, rows, columns })
    }
}

/// Columns of a whole source, as each of its files is read with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JointColumns {
    pub(crate) schema: SchemaRef,
    /// Of all files of JSON Lines.
    pub(super) jsonl: SchemaRef,
    /// The types of all files of CSV, by name.
    pub(super) csv: SchemaRef,
}

impl JointColumns {
    /// The columns of files, in their order: all, or those that are asked for. With them come the
    /// columns `others`, kept or not, as far as some file has them.
    ///
    /// # Errors
    /// As for a source of these files.
    pub(crate) fn of(
        files: &[&FileFacts],
        columns: Option<&[String]>,
        others: &[String],
    ) -> Result<(Self, SchemaRef)> {
        let read = columns.map(|columns| [columns, others].concat());
        let options = OpenOptions { columns: read, ..OpenOptions::default() };
        let shapes = files.iter().filter_map(|file| match &file.columns {
            FileColumns::Jsonl(shape) => Some((PathBuf::from(&file.name), JsonShape::clone(shape))),
            _ => None,
        });
        let mut shapes = shapes.peekable();
        let jsonl = match shapes.peek() {
            Some(_) => jsonl::joined(shapes, &options)?,
            None => Arc::new(Schema::empty()),
        };
        let csv = csv::joined(files.iter().filter_map(|file| match &file.columns {
            FileColumns::Csv(columns) => Some(columns.as_slice()),
            _ => None,
        }));
        let schema = |file: &&FileFacts| match &file.columns {
            FileColumns::Schema(schema) => schema.clone(),
            FileColumns::Jsonl(_) => jsonl.clone(),
            FileColumns::Csv(columns) => {
                Arc::new(csv::columns(columns.iter().map(|(name, _)| name.as_str()), &csv))
            }
        };
        let mut schemas: Vec<(String, SchemaRef)> =
            files.iter().map(|file| (file.name.clone(), schema(file))).collect();
        // Slices of one file, and files written by one program, say the same.
        schemas.dedup_by(|next, known| next.1 == known.1);
        let columns = Self { schema: joint(&schemas, columns)?, jsonl, csv };
        for (_, schema) in &mut schemas {
            *schema = Arc::new(keep(schema, others));
        }
        Ok((columns, unify(&schemas)?))
    }

    /// Of a source without columns.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        let none = Arc::new(Schema::empty());
        Self { schema: none.clone(), jsonl: none.clone(), csv: none }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        for schema in [&self.schema, &self.jsonl, &self.csv] {
            put_schema(bytes, schema);
        }
    }

    pub(crate) fn read(bytes: &mut ByteFields<'_>) -> Option<Self> {
        let (schema, jsonl) = (take_schema(bytes)?, take_schema(bytes)?);
        Some(Self { schema, jsonl, csv: take_schema(bytes)? })
    }
}

/// A schema with all its metadata, as an IPC stream without rows. One that IPC does not have comes
/// as nothing, and is refused where it is read.
pub(crate) fn put_schema(bytes: &mut Vec<u8>, schema: &Schema) {
    let stream = StreamWriter::try_new(Vec::new(), schema).and_then(StreamWriter::into_inner);
    put(bytes, &stream.unwrap_or_default());
}

pub(crate) fn take_schema(bytes: &mut ByteFields<'_>) -> Option<SchemaRef> {
    let stream = StreamReader::try_new(Cursor::new(bytes.bytes()?), None).ok()?;
    Some(stream.schema())
}
