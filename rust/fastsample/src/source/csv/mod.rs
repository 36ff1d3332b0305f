//! CSV and TSV: a header, then a record a row (`.csv`, `.tsv`), plain, gzip or Zstandard.
//!
//! - [`fields`]: a record cut into fields; [`header`]: the names of the columns;
//! - [`kind`]: the Arrow type of a column, from all of its fields; [`mod@column`]: what is seen of one, whose
//!   type may be set;
//! - [`widened`]: columns whose type is that of a few fields;
//! - [`mod@index`]: the pass through all records that counts rows and finds the types;
//! - [`rows`]: chosen rows of a chunk as Arrow data.
//!
//! Records are those of RFC 4180: quotes may stand around line feeds and delimiters, and are doubled
//! within. The ending of the name tells the delimiter. Every record is checked when a file is opened;
//! when rows are read, only those that are chosen are looked at.

mod column;
mod fields;
mod header;
mod index;
mod kind;
mod rows;
#[cfg(test)]
mod tests;
mod widened;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub(super) use self::column::CsvColumnSeen;
use self::header::CsvHeader;
use self::rows::CsvDecoder;
use super::batches::Batches;
use super::column_types::ColumnTypes;
use super::file::{OpenFile, SourceFile};
use super::lines::{
    ChosenRecords, Conflicts, LineFile, LineLayout, QuotedRecords, ends_with, refuse_utf16, start,
};
use super::narrow::{KeptColumn, narrowed};
use super::options::OpenOptions;
use super::unit_rows::Rows;
use crate::error::Result;
use crate::exec::Context;

/// Endings, and the delimiter that each stands for.
const DELIMITERS: [(&str, u8); 2] = [(".csv", b','), (".tsv", b'\t')];

/// A file of records with a header.
#[derive(Debug, Clone)]
pub(super) struct CsvFile {
    lines: LineFile,
    delimiter: u8,
    header: CsvHeader,
    schema: SchemaRef,
    conflicts: Arc<Conflicts>,
}

impl CsvFile {
    /// The file, if it is named like one of this format. Its records are not read yet.
    pub(super) fn recognise(file: &SourceFile, open: &OpenFile) -> Result<Option<Self>> {
        let named = DELIMITERS.iter().find(|(ending, _)| ends_with(open.path(), &[ending]));
        let Some(&(_, delimiter)) = named else { return Ok(None) };
        let (lines, head) = LineFile::begin(file, open)?;
        refuse_utf16(open.path(), &head)?;
        let (header, schema) = (CsvHeader::default(), Arc::new(Schema::empty()));
        Ok(Some(Self { lines, delimiter, header, schema, conflicts: Arc::default() }))
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

    /// The name of the format.
    pub(super) fn format(&self) -> &'static str {
        if self.delimiter == b'\t' { "tsv" } else { "csv" }
    }

    /// How records are copied.
    pub(super) fn layout(&self) -> LineLayout {
        let CsvHeader { names, line } = self.header.clone();
        LineLayout::Csv { delimiter: self.delimiter, names, header: line }
    }

    /// The same file with only some leaves of some columns.
    pub(super) fn narrowed(&self, kept: &[KeptColumn<'_>]) -> Self {
        Self { schema: Arc::new(narrowed(&self.schema, kept)), ..self.clone() }
    }

    /// Reads the chosen rows of a chunk, holding a permit of `ctx` while there is work.
    pub(super) fn read(&self, ctx: &Context, rows: &Rows<'_>) -> Result<Batches<'static>> {
        let bytes = self.lines.bytes(ctx, rows)?;
        let is_first = self.lines.is_first(rows.unit);
        let mut at = start(&bytes, is_first);
        if is_first {
            let header = QuotedRecords::new(&bytes, self.delimiter, at).next();
            at = header.map_or(bytes.len(), |header| header.end + 1);
        }
        let path = self.lines.path();
        let decoder = CsvDecoder::new(path, self.delimiter, &self.schema, rows.roots)?;
        let mut found = ChosenRecords::new(path, bytes, at, rows, decoder);
        let ctx = ctx.clone();
        Ok(Box::new(std::iter::from_fn(move || ctx.compute(|| found.next()))))
    }
}

/// Reads all records of the files in `parts` that are of this format: their rows, and their columns,
/// of which `types` are set. Columns of one name have one type in all files. Returns what one should
/// know of these types, a sentence each.
///
/// # Errors
/// For the first record with a fault, or damaged data, or a field that is not of the type that is set.
pub(super) fn index<'a>(
    ctx: &Context,
    files: impl IntoIterator<Item = &'a mut CsvFile>,
    types: Option<&ColumnTypes>,
    options: &OpenOptions,
) -> Result<Vec<String>> {
    let mut files: Vec<&mut CsvFile> = files.into_iter().collect();
    let mut seen: HashMap<String, CsvColumnSeen> = HashMap::new();
    let mut conflicts = Conflicts::default();
    for (number, file) in files.iter_mut().enumerate() {
        let (lines, delimiter) = (&file.lines, file.delimiter);
        let (header, table, columns) = index::read(ctx, lines, number as u32, delimiter, types)?;
        file.lines.set_chunks(table);
        for (name, column) in std::iter::zip(header.names.iter(), columns) {
            if let Some(error) = column.error(file.lines.path(), name) {
                conflicts.add(name, options.wants(name), error)?;
            }
            match seen.get_mut(name) {
                Some(seen) => seen.merge(column),
                None => drop(seen.insert(name.clone(), column)),
            }
        }
        file.header = header;
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.lines.path().to_path_buf()).collect();
    let (mut names, mut notes): (Vec<&String>, Vec<String>) = (Vec::new(), Vec::new());
    for name in files.iter().flat_map(|file| file.header.names.iter()) {
        if options.wants(name) && !names.contains(&name) {
            names.push(name);
            notes.extend(seen.get(name).iter().flat_map(|seen| seen.notes(&paths, name)));
        }
    }
    let conflicts = Arc::new(conflicts);
    for file in files {
        let field = |name: &String| {
            let kind = seen.get(name).map_or(DataType::Null, CsvColumnSeen::data_type);
            Field::new(name.as_str(), kind, true)
        };
        file.schema =
            Arc::new(Schema::new(file.header.names.iter().map(field).collect::<Vec<_>>()));
        file.conflicts = conflicts.clone();
    }
    Ok(notes)
}

/// Reads all records of a file: its rows, and its columns with what was seen of each.
pub(super) fn survey(ctx: &Context, file: &mut CsvFile) -> Result<Vec<(String, CsvColumnSeen)>> {
    let (header, table, columns) = index::read(ctx, &file.lines, 0, file.delimiter, None)?;
    file.lines.set_chunks(table);
    Ok(header.names.iter().cloned().zip(columns).collect())
}

/// The types of the columns of all files, by name.
pub(super) fn joined<'a>(
    files: impl IntoIterator<Item = &'a [(String, CsvColumnSeen)]>,
) -> SchemaRef {
    let (mut names, mut seen) = (Vec::new(), HashMap::<&str, CsvColumnSeen>::new());
    for (name, column) in files.into_iter().flatten() {
        let known = seen.entry(name).or_insert_with(|| {
            names.push(name.as_str());
            CsvColumnSeen::default()
        });
        known.merge(column.clone());
    }
    let field = |name: &&str| Field::new(*name, seen[name].data_type(), true);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

/// The columns of a file of these names, with the types of all files.
pub(super) fn columns<'a>(names: impl Iterator<Item = &'a str>, types: &Schema) -> Schema {
    let field = |name: &str| {
        let known = types.field_with_name(name).ok();
        Field::new(name, known.map_or(DataType::Null, |field| field.data_type().clone()), true)
    };
    Schema::new(names.map(field).collect::<Vec<_>>())
}

/// Finds the rows of a file, whose columns have types that are known.
pub(super) fn index_known(ctx: &Context, file: &mut CsvFile, types: &Schema) -> Result<()> {
    let (header, table) = index::count(ctx, &file.lines, file.delimiter)?;
    file.lines.set_chunks(table);
    file.schema = Arc::new(columns(header.names.iter().map(String::as_str), types));
    file.header = header;
    Ok(())
}
