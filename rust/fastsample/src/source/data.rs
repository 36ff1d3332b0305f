//! Formats of a source: a variant of `Data` for each. All else of a format is in its own file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;

use super::batches::Batches;
use super::csv::CsvFile;
use super::extremes::{Extremes, PageExtremes};
use super::file::{OpenFile, SourceFile};
use super::ipc::{self, IpcFile};
use super::jsonl::JsonlFile;
use super::lines::{Conflicts, LineFile, LineLayout};
use super::narrow::{KeptColumn, narrow, narrowed};
use super::object::Object;
use super::parquet::{self, ParquetFile, Wanted};
use super::unit_rows::Rows;
use super::valid;
use super::width::require_rows;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::RowMask;

/// Uncompressed bytes that a span should have: enough that opening it and reading a page twice at
/// its ends cost nothing, few enough that many are under way at once in bounded memory.
const SPAN_BYTES: usize = 64 << 20;

/// Rows of an in-memory or IPC batch that are filtered at once.
const SLICE_ROWS: usize = 32 * 1024;

/// Bytes that tell the format of an object far away, and that hold most footers.
const HEAD_BYTES: u64 = 4 << 10;
const TAIL_BYTES: u64 = 256 << 10;

/// What is known of a part without reading its rows, see [`crate::Source::inspect`].
#[derive(Debug, Clone)]
pub struct PartInfo {
    /// The file; none for a table, or an object of a store.
    pub path: Option<PathBuf>,
    /// The URL of an object of a store.
    pub url: Option<String>,
    /// `parquet`, `arrow`, `jsonl`, `csv`, `tsv` or `memory`.
    pub format: &'static str,
    /// Rows of each row group, record batch or chunk of lines.
    pub fragments: Vec<u64>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Compression codecs of a Parquet file's columns, or of a file of lines.
    pub codecs: Vec<String>,
}

fn of_parquet(rows: &Rows<'_>, file: &ParquetFile) -> Wanted {
    Wanted::new(file, rows.unit, rows.range.clone(), rows.mask, rows.roots, rows.buffers)
}

/// The data of a part.
#[derive(Debug)]
pub(super) enum Data {
    Parquet(ParquetFile),
    Ipc(IpcFile),
    Jsonl(JsonlFile),
    Csv(CsvFile),
    Batches { schema: SchemaRef, batches: Vec<RecordBatch> },
}

impl Data {
    /// Tells what a file is by its first bytes, not by its name.
    pub(super) fn open(file: &SourceFile) -> Result<Self> {
        let (path, open) = (file.path(), file.open()?);
        // Footers are at the end.
        open.plan(vec![vec![0..HEAD_BYTES, open.size().saturating_sub(TAIL_BYTES)..open.size()]]);
        let head = open.read_buffer(0, open.size().min(8) as usize)?;
        match head.as_slice() {
            [] => Err(Error::corrupt(path, "the file is empty (0 bytes); fetch or write it again")),
            [b'P', b'A', b'R', b'1', ..] => Ok(Self::Parquet(ParquetFile::open(file, &open)?)),
            [b'P', b'A', b'R', b'E', ..] => Err(Error::unsupported(
                path,
                "the file is encrypted, which is not supported; write a decrypted copy first",
            )),
            [b'F', b'E', b'A', b'1', ..] => Err(Error::unsupported(
                path,
                "Feather version 1 is not supported; write the file again as Feather version 2",
            )),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => {
                Ok(Self::Ipc(IpcFile::open(file, &open)?))
            }
            _ if ipc::is_old_stream(&open) => Ok(Self::Ipc(IpcFile::open(file, &open)?)),
            other => Self::of_lines(file, &open)?.ok_or_else(|| {
                let what = format!(
                    "neither Parquet nor Arrow IPC nor JSON Lines: it begins with {:?}; \
                     give a file of one of these formats, or CSV that is called .csv or .tsv, \
                     or convert it to one",
                    String::from_utf8_lossy(&other[..other.len().min(4)])
                );
                Error::corrupt(path, what)
            }),
        }
    }

    /// A file of lines. Those of CSV look like any others, so the name tells.
    fn of_lines(file: &SourceFile, open: &OpenFile) -> Result<Option<Self>> {
        if let Some(file) = JsonlFile::recognise(file, open)? {
            return Ok(Some(Self::Jsonl(file)));
        }
        Ok(CsvFile::recognise(file, open)?.map(Self::Csv))
    }

    /// The file, if it is one of lines.
    fn lines(&self) -> Option<&LineFile> {
        match self {
            Self::Jsonl(file) => Some(file.lines()),
            Self::Csv(file) => Some(file.lines()),
            _ => None,
        }
    }

    /// How the rows can be copied as they are, if they are lines.
    pub(super) fn layout(&self) -> Option<LineLayout> {
        match self {
            Self::Jsonl(_) => Some(LineLayout::Jsonl),
            Self::Csv(file) => Some(file.layout()),
            _ => None,
        }
    }

    /// The same data with only some leaves of some columns, by index.
    pub(super) fn narrowed(&self, kept: &[KeptColumn<'_>]) -> Result<Self> {
        Ok(match self {
            Self::Parquet(file) => Self::Parquet(file.narrowed(kept)),
            Self::Ipc(file) => Self::Ipc(file.narrowed(kept)),
            Self::Jsonl(file) => Self::Jsonl(file.narrowed(kept)),
            Self::Csv(file) => Self::Csv(file.narrowed(kept)),
            Self::Batches { schema, batches } => {
                let batches =
                    batches.iter().map(|batch| narrow(batch, kept)).collect::<Result<_>>()?;
                Self::Batches { schema: Arc::new(narrowed(schema, kept)), batches }
            }
        })
    }

    /// Whether it is a file of lines.
    pub(super) fn is_of_lines(&self) -> bool {
        self.lines().is_some()
    }

    /// Fails if the values of a column, which is not kept, fit no one type.
    pub(super) fn check_column(&self, column: &str) -> Result<()> {
        self.conflicts().map_or(Ok(()), |conflicts| conflicts.check(column))
    }

    fn conflicts(&self) -> Option<&Conflicts> {
        match self {
            Self::Jsonl(file) => Some(file.conflicts()),
            Self::Csv(file) => Some(file.conflicts()),
            _ => None,
        }
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        match self {
            Self::Parquet(file) => file.schema(),
            Self::Ipc(file) => file.schema(),
            Self::Jsonl(file) => file.schema(),
            Self::Csv(file) => file.schema(),
            Self::Batches { schema, .. } => schema,
        }
    }

    pub(super) fn file(&self) -> Option<&SourceFile> {
        match self {
            Self::Parquet(file) => Some(file.file()),
            Self::Ipc(file) => Some(file.file()),
            Self::Jsonl(_) | Self::Csv(_) => self.lines().map(LineFile::file),
            Self::Batches { .. } => None,
        }
    }

    /// The file or the URL; none for rows in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file().map(SourceFile::path)
    }

    /// The file, if it is one of this machine.
    pub(super) fn local(&self) -> Option<&Path> {
        self.path().filter(|_| self.stored().is_none())
    }

    /// The object of a store, if it is one.
    pub(super) fn stored(&self) -> Option<&Arc<dyn Object>> {
        self.file()?.stored()
    }

    /// Rows of each row group, record batch or chunk.
    pub(super) fn units(&self) -> Vec<u64> {
        match self {
            Self::Parquet(file) => file.units().collect(),
            Self::Ipc(file) => file.units().collect(),
            Self::Jsonl(_) | Self::Csv(_) => {
                self.lines().map_or(Vec::new(), |f| f.units().collect())
            }
            Self::Batches { batches, .. } => batches.iter().map(|b| b.num_rows() as u64).collect(),
        }
    }

    /// The least and the greatest value of a column in each unit, where the format tells.
    pub(super) fn extremes(&self, column: &str) -> Option<Extremes> {
        match self {
            Self::Parquet(file) => file.extremes(column),
            Self::Ipc(_) | Self::Jsonl(_) | Self::Csv(_) | Self::Batches { .. } => None,
        }
    }

    /// Pages of a column in some units, where the format tells.
    pub(super) fn pages_of(&self, column: &str, units: &[usize]) -> Option<PageExtremes> {
        match self {
            Self::Parquet(file) => file.pages_of(column, units),
            Self::Ipc(_) | Self::Jsonl(_) | Self::Csv(_) | Self::Batches { .. } => None,
        }
    }

    /// What is known without reading rows.
    pub(super) fn info(&self) -> PartInfo {
        let (format, bytes, codecs) = match self {
            Self::Parquet(file) => ("parquet", file.len(), file.codecs()),
            Self::Ipc(file) => ("arrow", file.len(), Vec::new()),
            Self::Jsonl(file) => ("jsonl", file.lines().len(), file.lines().codecs()),
            Self::Csv(file) => (file.format(), file.lines().len(), file.lines().codecs()),
            Self::Batches { batches, .. } => {
                let bytes = batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum();
                ("memory", bytes, Vec::new())
            }
        };
        let path = self.local().map(Path::to_path_buf);
        let url = self.stored().map(|object| object.name().display().to_string());
        PartInfo { path, url, format, fragments: self.units(), bytes, codecs }
    }

    /// Rows of a unit of `rows` rows at which it may be cut into spans.
    pub(super) fn splits(&self, unit: usize, rows: u64, roots: &[usize]) -> Vec<u64> {
        match self {
            Self::Parquet(file) => parquet::splits(file, unit, roots, SPAN_BYTES),
            Self::Ipc(_) | Self::Jsonl(_) | Self::Csv(_) => Vec::new(),
            Self::Batches { .. } => {
                let slice = SLICE_ROWS as u64;
                (1..rows.div_ceil(slice)).map(|index| index * slice).collect()
            }
        }
    }

    /// Uncompressed bytes of some columns of a unit; none where units are large in any case.
    pub(super) fn unit_bytes(&self, unit: usize, roots: &[usize]) -> Option<usize> {
        match self {
            Self::Parquet(file) => Some(file.bytes(unit, roots)),
            _ => None,
        }
    }

    /// Rows of a unit at which slices of a file may best be cut: where pages begin, if that is known.
    pub(super) fn page_rows(&self, unit: usize) -> Vec<u64> {
        match self {
            Self::Parquet(file) => parquet::page_rows(file, unit),
            _ => Vec::new(),
        }
    }

    /// Reads the chosen rows, in order. Text may come in another layout than the schema says.
    pub(super) fn read(&self, rows: &Rows<'_>) -> Result<Batches<'static>> {
        if rows.mask.count() == 0 {
            return Ok(Box::new(std::iter::empty()));
        }
        match self {
            Self::Parquet(file) => parquet::read(file, &of_parquet(rows, file), rows.roots),
            Self::Ipc(file) => {
                let batch = file.read(rows.unit, rows.roots)?;
                Ok(Box::new(filtered(batch, rows.range.start as usize, rows.mask.clone())))
            }
            Self::Jsonl(file) => file.read(&Context::new(Some(1)), rows),
            Self::Csv(file) => file.read(&Context::new(Some(1)), rows),
            Self::Batches { batches, .. } => {
                let batch = batches[rows.unit].project(rows.roots).map_err(Error::kernel)?;
                let found = filtered(batch, rows.range.start as usize, rows.mask.clone());
                Ok(Box::new(found.map(|batch| {
                    let batch = batch?;
                    valid::check_text(&batch)?;
                    Ok(batch)
                })))
            }
        }
    }

    /// As [`Data::read`], if the format takes permits of `ctx` itself: on several threads, where it
    /// can read columns apart and that pays, or waiting for what other threads inflate.
    pub(super) fn read_in_lanes(
        &self,
        ctx: &Context,
        rows: &Rows<'_>,
    ) -> Result<Option<Batches<'static>>> {
        match self {
            Self::Parquet(file) if rows.mask.count() > 0 => {
                parquet::read_in_lanes(ctx, file, &of_parquet(rows, file), rows.roots)
            }
            Self::Jsonl(file) if rows.mask.count() > 0 => file.read(ctx, rows).map(Some),
            Self::Csv(file) if rows.mask.count() > 0 => file.read(ctx, rows).map(Some),
            _ => Ok(None),
        }
    }
}

/// The rows of `batch` from `start` on that `mask` chooses, some thousand rows at a time.
fn filtered(
    batch: RecordBatch,
    start: usize,
    mask: RowMask,
) -> impl Iterator<Item = Result<RecordBatch>> + Send {
    let slices = (0..mask.len()).step_by(SLICE_ROWS);
    slices.filter_map(move |at| {
        let len = SLICE_ROWS.min(mask.len() - at);
        let rows = batch.slice(start + at, len);
        match mask.slice(at..at + len) {
            RowMask::AllTrue(_) => Some(Ok(rows)),
            RowMask::AllFalse(_) => None,
            RowMask::Values(bits) => {
                Some(require_rows(&rows, || bits.set_indices()).and_then(|()| {
                    filter_record_batch(&rows, &BooleanArray::from(bits)).map_err(Error::kernel)
                }))
            }
        }
    })
}
