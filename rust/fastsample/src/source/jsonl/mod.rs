//! JSON Lines: one object a line (`.jsonl`, `.ndjson`), plain, gzip or Zstandard.
//!
//! - [`mod@index`]: the pass through all lines that counts rows and finds the schema;
//! - [`walk`]: checks lines, their [`scalars`] among them, and notes their [`shape`]; [`stops`]: where
//!   texts may end;
//! - [`schema`]: Arrow columns of a shape; [`fit`]: those whose types are set;
//! - [`bytes`]: shapes on their way between processes;
//! - [`mod@widened`]: columns whose type is that of a few values;
//! - [`rows`]: chosen rows of a chunk as Arrow data: [`texts`] in [`mod@columns`] of our own, others
//!   by arrow-json, around a fault of it ([`surrogates`]).
//!
//! Lines end with a line feed; a carriage return before it is white space of JSON. Blank lines are
//! no rows. A byte order mark at the beginning is passed over. Every line is checked when a file is
//! opened; when rows are read, only those that are chosen are looked at.

mod bytes;
mod columns;
mod fit;
mod index;
mod rows;
mod scalars;
mod schema;
mod shape;
mod stops;
mod surrogates;
#[cfg(test)]
mod tests;
mod texts;
mod walk;
mod widened;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};

use self::rows::JsonDecoder;
pub(super) use self::shape::JsonShape;
use super::batches::Batches;
use super::column_types::ColumnTypes;
use super::file::{OpenFile, SourceFile};
use super::lines::{ChosenRecords, Conflicts, LineFile, ends_with, refuse_utf16, start};
use super::narrow::{KeptColumn, narrowed};
use super::options::OpenOptions;
use super::unit_rows::Rows;
use crate::error::{Error, Result};
use crate::exec::Context;

/// Endings that say what a file holds even if its first line does not look like it.
const ENDINGS: [&str; 3] = [".jsonl", ".ndjson", ".json"];

/// A file of JSON objects, one a line.
#[derive(Debug, Clone)]
pub(super) struct JsonlFile {
    lines: LineFile,
    schema: SchemaRef,
    conflicts: Arc<Conflicts>,
}

impl JsonlFile {
    /// The file, if it looks like one of this format. Its lines are not read yet.
    pub(super) fn recognise(file: &SourceFile, open: &OpenFile) -> Result<Option<Self>> {
        let (lines, head) = LineFile::begin(file, open)?;
        let text = &head[start(&head, true)..];
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let named = ends_with(open.path(), &ENDINGS);
        match first {
            Some(b'{') => {}
            Some(b'[') if named => {
                return Err(Error::unsupported(
                    open.path(),
                    "it begins with a list; convert it to JSON Lines, an object a line \
                     (jq -c '.[]' does that)",
                ));
            }
            _ if !named => return Ok(None),
            _ => refuse_utf16(open.path(), &head)?,
        }
        let (schema, conflicts) = (Arc::new(Schema::empty()), Arc::default());
        Ok(Some(Self { lines, schema, conflicts }))
    }

    pub(super) fn lines(&self) -> &LineFile {
        &self.lines
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn conflicts(&self) -> &Conflicts {
        &self.conflicts
    }

    /// The same file with only some leaves of some columns: other keys are passed over.
    pub(super) fn narrowed(&self, kept: &[KeptColumn<'_>]) -> Self {
        Self { schema: Arc::new(narrowed(&self.schema, kept)), ..self.clone() }
    }

    /// Reads the chosen rows of a chunk, holding a permit of `ctx` while there is work.
    pub(super) fn read(&self, ctx: &Context, rows: &Rows<'_>) -> Result<Batches<'static>> {
        let bytes = self.lines.bytes(ctx, rows)?;
        let columns = Arc::new(self.schema.project(rows.roots).map_err(Error::kernel)?);
        let at = start(&bytes, self.lines.is_first(rows.unit));
        let path = self.lines.path();
        let mut found = ChosenRecords::new(path, bytes, at, rows, JsonDecoder::new(path, columns)?);
        let ctx = ctx.clone();
        Ok(Box::new(std::iter::from_fn(move || ctx.compute(|| found.next()))))
    }
}

/// Reads all lines of the files in `parts` that are of this format: their rows, and one schema for
/// all of them, in which `types` are set. Returns what one should know of it, a sentence each.
///
/// # Errors
/// For the first line that is no object, or damaged data, or columns whose values fit no one type.
pub(super) fn index<'a>(
    ctx: &Context,
    files: impl IntoIterator<Item = &'a mut JsonlFile>,
    types: Option<&ColumnTypes>,
    options: &OpenOptions,
) -> Result<Vec<String>> {
    let mut files: Vec<&mut JsonlFile> = files.into_iter().collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut shape = JsonShape::default();
    for (number, file) in files.iter_mut().enumerate() {
        let (table, found) = index::read(ctx, &file.lines, number as u32)?;
        file.lines.set_chunks(table);
        shape.merge(found);
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.lines.path().to_path_buf()).collect();
    let (schema, conflicts) = schema::schema(&shape, &paths, types, options)?;
    let conflicts = Arc::new(conflicts);
    for file in files {
        (file.schema, file.conflicts) = (schema.clone(), conflicts.clone());
    }
    Ok(widened::notes(&shape, &paths, types, options))
}

/// Reads all lines of a file: its rows, and their shape.
pub(super) fn survey(ctx: &Context, file: &mut JsonlFile) -> Result<JsonShape> {
    let (table, shape) = index::read(ctx, &file.lines, 0)?;
    file.lines.set_chunks(table);
    Ok(shape)
}

/// The schema of files of these shapes, in their order.
pub(super) fn joined(
    shapes: impl IntoIterator<Item = (PathBuf, JsonShape)>,
    options: &OpenOptions,
) -> Result<SchemaRef> {
    let (mut all, mut paths) = (JsonShape::default(), Vec::new());
    for (path, mut shape) in shapes {
        shape.place(paths.len() as u32, 0);
        all.merge(shape);
        paths.push(path);
    }
    Ok(schema::schema(&all, &paths, None, options)?.0)
}

/// Finds the rows of a file whose columns are known.
pub(super) fn index_known(ctx: &Context, file: &mut JsonlFile, schema: &SchemaRef) -> Result<()> {
    let table = index::count(ctx, &file.lines)?;
    file.lines.set_chunks(table);
    file.schema = schema.clone();
    Ok(())
}
