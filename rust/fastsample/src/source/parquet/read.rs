//! Decoding of the chosen rows of a row group, window by window.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection, RowSelector};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Type;
use parquet::errors::ParquetError;

use super::chunk::RowGroup;
use super::header::HUGE_PAGE;
use super::stream::Stream;
use super::zip::{Batches, Part, Zip};
use super::{ParquetFile, catch};
use crate::error::{Error, Result};
use crate::select::RowMask;
use crate::source::buffers::Buffers;
use crate::source::file::OpenFile;

/// Rows decoded at once, at most: the decoder's own default of 1,024 is slow, and more than this
/// gains nothing.
const WINDOW_ROWS: usize = 32 * 1024;

/// Text decoded at once, about: a window holds the pages it touches in memory.
const WINDOW_BYTES: usize = 16 << 20;

/// Rows to be read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(super) group: usize,
    /// Rows of the row group.
    pub(super) range: Range<u64>,
    /// Which rows of the range.
    pub(super) mask: RowMask,
    /// Rows of a batch; all columns agree on it, however they are read.
    pub(super) batch_rows: usize,
    /// Memory to read into.
    pub(super) buffers: Buffers,
}

impl ParquetFile {
    /// The rows of `range` in a row group that `mask` chooses, in batches that suit the columns
    /// `roots`, to be read into `buffers`.
    pub(crate) fn wanted(
        &self,
        group: usize,
        range: Range<u64>,
        mask: &RowMask,
        roots: &[usize],
        buffers: &Buffers,
    ) -> Wanted {
        let window = self.window(group, roots);
        let share = window as u128 * mask.count() as u128 / mask.len().max(1) as u128;
        let batch_rows = (share as usize).max(1);
        Wanted { group, range, mask: mask.clone(), batch_rows, buffers: buffers.clone() }
    }

    /// Rows that are decoded at once.
    fn window(&self, group: usize, roots: &[usize]) -> usize {
        let rows = self.metadata().row_group(group).num_rows() as usize;
        let row_bytes = (self.decoded_bytes(group, roots) / rows.max(1)).max(1);
        (WINDOW_BYTES / row_bytes).clamp(1, WINDOW_ROWS)
    }

    /// About the bytes that the columns `roots` of a row group have when they are decoded: values
    /// of lists and of fixed lengths may be there many times without taking room in a page.
    fn decoded_bytes(&self, group: usize, roots: &[usize]) -> usize {
        const LIST_VALUE_BYTES: usize = 16;
        let group = self.metadata().row_group(group);
        let bytes = self.leaves(roots).into_iter().map(|leaf| {
            let column = group.column(leaf);
            let descriptor = column.column_descr();
            let width = match descriptor.physical_type() {
                Type::FIXED_LEN_BYTE_ARRAY => descriptor.type_length().max(1) as usize,
                _ if descriptor.max_rep_level() > 0 => LIST_VALUE_BYTES,
                _ => 0,
            };
            let decoded = (column.num_values() as usize).saturating_mul(width);
            decoded.max(column.uncompressed_size() as usize)
        });
        bytes.fold(0, usize::saturating_add)
    }

    /// Reads some columns, each in the way that suits it, window by window.
    ///
    /// Columns come in the order of `roots`. Text and binary columns come as views, which refer to
    /// the decompressed pages instead of copying them; those with huge pages come as copies of the
    /// chosen values.
    pub(crate) fn read(&self, wanted: &Wanted, roots: &[usize]) -> Result<Batches> {
        let mut parts = Vec::new();
        let mut others = Vec::new();
        for (place, &root) in roots.iter().enumerate() {
            let open = self.file.open()?;
            match self.streamable(&open, wanted.group, root, HUGE_PAGE) {
                Some(pages) => {
                    let stream = Stream::new(self, open, wanted, root, pages);
                    parts.push(Part::new(vec![place], Box::new(stream)));
                }
                None => others.push((place, root)),
            }
        }
        if parts.is_empty() {
            return Ok(Box::new(self.decode(wanted, roots)?));
        }
        if !others.is_empty() {
            let (places, roots): (Vec<usize>, Vec<usize>) = others.into_iter().unzip();
            parts.push(Part::new(places, Box::new(self.decode(wanted, &roots)?)));
        }
        Ok(Box::new(Zip::new(parts)))
    }

    /// Reads columns with the decoder of `parquet`.
    pub(super) fn decode(&self, wanted: &Wanted, roots: &[usize]) -> Result<Decoded> {
        let Wanted { group, range, mask, batch_rows, buffers } = wanted;
        let open = Arc::new(self.file.open()?.with_buffers(buffers));
        let selection = row_selection(range.start as usize, mask);
        let reader = self
            .reader(&open, *group, roots, *batch_rows, selection)
            .map_err(|error| self.blame(*group, range, roots, open.explain(error)))?;
        Ok(Decoded {
            reader: Some(reader),
            open,
            origin: self.clone(),
            group: *group,
            range: range.clone(),
            roots: roots.to_vec(),
            expected: mask.count(),
        })
    }

    fn reader(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        roots: &[usize],
        batch_rows: usize,
        selection: RowSelection,
    ) -> Result<ParquetRecordBatchReader> {
        let schema = self.metadata().file_metadata().schema_descr();
        let projection = ProjectionMask::roots(schema, roots.iter().copied());
        let fields = self.metadata.schema().fields();
        catch(self.file.path(), || {
            let levels = parquet_to_arrow_field_levels(schema, projection, Some(fields))?;
            let row_group = RowGroup::new(open, self, group);
            ParquetRecordBatchReader::try_new_with_row_groups(
                &levels,
                &row_group,
                batch_rows,
                Some(selection),
            )
        })
    }

    /// Finds out which column a failure comes from by reading each alone, and says so.
    fn blame(&self, group: usize, range: &Range<u64>, roots: &[usize], error: Error) -> Error {
        let (Error::Corrupt { path, what } | Error::Unsupported { path, what }) = &error else {
            return error;
        };
        let broken = |root: usize| -> Result<()> {
            let skip = RowSelector::skip(range.start as usize);
            let select = RowSelector::select((range.end - range.start) as usize);
            let selection = vec![skip, select].into();
            let open = Arc::new(self.file.open()?);
            let window = self.window(group, &[root]);
            let reader = self.reader(&open, group, &[root], window, selection)?;
            catch(self.file.path(), || {
                for batch in reader {
                    batch.map_err(ParquetError::from)?;
                }
                Ok(())
            })
        };
        let Some(&root) = roots.iter().find(|&&root| broken(root).is_err()) else { return error };
        let name = self.schema.field(root).name();
        let what = format!("column {name:?}, row group {group}: {what}");
        match &error {
            Error::Corrupt { .. } => Error::Corrupt { path: path.clone(), what },
            _ => Error::Unsupported { path: path.clone(), what },
        }
    }
}

/// The chosen rows of some columns of a span, window by window.
pub(super) struct Decoded {
    reader: Option<ParquetRecordBatchReader>,
    open: Arc<OpenFile>,
    origin: ParquetFile,
    group: usize,
    range: Range<u64>,
    roots: Vec<usize>,
    expected: usize,
}

impl Iterator for Decoded {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let path = self.open.path();
        let next = catch(path, || reader.next().transpose().map_err(ParquetError::from));
        let failure = match next {
            Ok(Some(batch)) => {
                self.expected = self.expected.saturating_sub(batch.num_rows());
                return Some(Ok(batch));
            }
            Ok(None) if self.expected > 0 => Some(Error::corrupt(
                path,
                format!(
                    "damaged: row group {} ends {} rows early; fetch or write the file again",
                    self.group, self.expected
                ),
            )),
            Ok(None) => self.open.verify().err(),
            Err(error) => {
                let error = self.open.explain(error);
                Some(self.origin.blame(self.group, &self.range, &self.roots, error))
            }
        };
        self.reader = None;
        failure.map(Err)
    }
}

/// The rows of a row group to read: none before `start`, then those that `mask` chooses.
pub(super) fn row_selection(start: usize, mask: &RowMask) -> RowSelection {
    match mask {
        RowMask::AllTrue(len) => vec![RowSelector::skip(start), RowSelector::select(*len)].into(),
        RowMask::AllFalse(len) => vec![RowSelector::skip(start + len)].into(),
        RowMask::Values(bits) if start == 0 => RowSelection::from_boolean_buffer(bits.clone()),
        RowMask::Values(bits) => {
            let mut all = BooleanBufferBuilder::new(start + bits.len());
            all.append_buffer(&BooleanBuffer::new_unset(start));
            all.append_buffer(bits);
            RowSelection::from_boolean_buffer(all.build())
        }
    }
}
