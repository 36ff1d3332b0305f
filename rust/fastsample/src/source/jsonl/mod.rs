//! JSON Lines: one object a line (`.jsonl`, `.ndjson`), plain, gzip or Zstandard.
//!
//! - [`mod@index`]: the pass through all lines that counts rows and finds the schema;
//! - [`walk`]: checks a line and notes its [`shape`]; [`schema`]: Arrow columns of a shape;
//! - [`rows`]: chosen rows of a chunk as Arrow data, around a fault of arrow-json ([`surrogates`]).
//!
//! Lines end with a line feed; a carriage return before it is white space of JSON. Blank lines are
//! no rows. A byte order mark at the beginning is passed over. Every line is checked when a file is
//! opened; when rows are read, only those that are chosen are looked at.

mod index;
mod rows;
mod schema;
mod shape;
mod surrogates;
#[cfg(test)]
mod tests;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;

use self::rows::LineRows;
use self::shape::JsonShape;
use super::batches::Batches;
use super::file::{OpenFile, SourceFile};
use super::lines::{BYTE_ORDER_MARK, Chunk, Forward, LineCodec, damaged, head};
use super::narrow::{KeptColumn, narrowed};
use super::unit_rows::Rows;
use crate::error::{Error, Result};
use crate::exec::{Context, lock};

/// Endings that say what a file holds even if its first line does not look like it.
const ENDINGS: [&str; 3] = [".jsonl", ".ndjson", ".json"];

/// A file of JSON objects, one a line.
#[derive(Debug, Clone)]
pub(super) struct JsonlFile {
    file: SourceFile,
    compression: LineCodec,
    schema: SchemaRef,
    chunks: Arc<[Chunk]>,
    /// Rows of each chunk.
    rows: Arc<[u64]>,
}

impl JsonlFile {
    /// The file, if it looks like one of this format. Its lines are not read yet.
    pub(super) fn recognise(file: &SourceFile, open: &OpenFile) -> Result<Option<Self>> {
        let start = open.read_buffer(0, open.size().min(8) as usize)?;
        let compression = LineCodec::of(&start);
        let head =
            head(open, compression).map_err(|error| damaged(open, compression, 0, &error))?;
        let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let named = named_so(open.path());
        match first {
            Some(b'{') => {}
            Some(b'[') if named => {
                return Err(Error::unsupported(
                    open.path(),
                    "it begins with a list; convert it to JSON Lines, an object a line \
                     (jq -c '.[]' does that)",
                ));
            }
            _ if is_utf16(&head) && named => {
                return Err(Error::unsupported(
                    open.path(),
                    "the text is UTF-16; write it again as UTF-8 (iconv -f UTF-16 -t UTF-8)",
                ));
            }
            _ if !named => return Ok(None),
            _ => {}
        }
        let schema = Arc::new(Schema::empty());
        let (chunks, rows) = (Arc::default(), Arc::default());
        Ok(Some(Self { file: file.clone(), compression, schema, chunks, rows }))
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn len(&self) -> u64 {
        self.file.len()
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same file with only some leaves of some columns: other keys are passed over.
    pub(super) fn narrowed(&self, kept: &[KeptColumn<'_>]) -> Self {
        Self { schema: Arc::new(narrowed(&self.schema, kept)), ..self.clone() }
    }

    /// Rows of each chunk.
    pub(super) fn units(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter().copied()
    }

    /// The name of the compression, if there is one.
    pub(super) fn codecs(&self) -> Vec<String> {
        self.compression.name().map(str::to_owned).into_iter().collect()
    }

    /// Reads the chosen rows of a chunk, holding a permit of `ctx` while there is work.
    pub(super) fn read(&self, ctx: &Context, rows: &Rows<'_>) -> Result<Batches<'static>> {
        let bytes = self.bytes(ctx, rows)?;
        let columns = Arc::new(self.schema.project(rows.roots).map_err(Error::kernel)?);
        let (is_first, mask) = (rows.unit == 0, rows.mask.clone());
        let mut found = LineRows::new(self.path(), bytes, is_first, mask, columns, rows.lines)?;
        let ctx = ctx.clone();
        Ok(Box::new(std::iter::from_fn(move || ctx.compute(|| found.next()))))
    }

    /// The lines of a chunk.
    fn bytes(&self, ctx: &Context, rows: &Rows<'_>) -> Result<Bytes> {
        let open = self.file.open()?.with_buffers(rows.buffers);
        let chunk = self.chunks[rows.unit];
        let bytes = match self.compression {
            LineCodec::None => ctx.compute(|| open.read_lent(chunk.from, chunk.len as usize)),
            codec if Forward::is_near(chunk) => ctx
                .compute(|| Forward::alone(&open, codec, chunk))
                .map_err(|error| damaged(&open, codec, 0, &error)),
            codec => {
                let pass = rows.passes.through(self.path());
                let mut pass = lock(&pass);
                // Threads that wait for the inflater leave the cores to others.
                let most = 2 * ctx.threads() + 2;
                ctx.compute(|| pass.take(&open, codec, &self.chunks, rows.unit, most))
                    .map_err(|error| damaged(&open, codec, 0, &error))
            }
        }?;
        open.verify()?;
        Ok(bytes)
    }
}

/// Reads all lines of the files in `parts` that are of this format: their rows, and one schema for
/// all of them. `columns` are those that will be read, if not all.
///
/// # Errors
/// For the first line that is no object, or damaged data, or columns of several types.
pub(super) fn index<'a>(
    ctx: &Context,
    files: impl IntoIterator<Item = &'a mut JsonlFile>,
    columns: Option<&[String]>,
) -> Result<()> {
    let mut files: Vec<&mut JsonlFile> = files.into_iter().collect();
    if files.is_empty() {
        return Ok(());
    }
    let mut shape = JsonShape::default();
    for (number, file) in files.iter_mut().enumerate() {
        let found = index::read(ctx, &file.file, file.compression, number as u32)?;
        (file.chunks, file.rows) = (found.chunks.into(), found.rows.into());
        shape.merge(found.shape);
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_path_buf()).collect();
    let schema = schema::schema(&shape, &paths, columns)?;
    files.iter_mut().for_each(|file| file.schema = schema.clone());
    Ok(())
}

fn named_so(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_utf16(head: &[u8]) -> bool {
    matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}
