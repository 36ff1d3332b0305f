//! The decoder of `parquet` over our pages, window by window.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection, RowSelector};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;

use super::catch::catch;
use super::file::ParquetFile;
use super::row_group::RowGroup;
use super::wanted::{Wanted, window};
use crate::error::{Error, Result};
use crate::select::RowMask;
use crate::source::file::OpenFile;

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

impl Decoded {
    /// A reader of some columns of `file`, of which `open` is a handle.
    pub(super) fn open(
        file: &ParquetFile,
        open: OpenFile,
        wanted: &Wanted,
        roots: &[usize],
    ) -> Result<Self> {
        let Wanted { group, range, mask, batch_rows, .. } = wanted;
        let open = Arc::new(open);
        let selection = row_selection(range.start as usize, mask);
        let reader = reader(file, &open, *group, roots, *batch_rows, selection)
            .map_err(|error| blame(file, *group, range, roots, open.explain(error)))?;
        Ok(Self {
            reader: Some(reader),
            open,
            origin: file.clone(),
            group: *group,
            range: range.clone(),
            roots: roots.to_vec(),
            expected: mask.count(),
        })
    }
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
                Some(blame(&self.origin, self.group, &self.range, &self.roots, error))
            }
        };
        self.reader = None;
        failure.map(Err)
    }
}

fn reader(
    file: &ParquetFile,
    open: &Arc<OpenFile>,
    group: usize,
    roots: &[usize],
    batch_rows: usize,
    selection: RowSelection,
) -> Result<ParquetRecordBatchReader> {
    let schema = file.metadata().file_metadata().schema_descr();
    let projection = ProjectionMask::leaves(schema, file.leaves(roots));
    let fields = file.parsed().schema().fields();
    catch(file.path(), || {
        let levels = parquet_to_arrow_field_levels(schema, projection, Some(fields))?;
        let row_group = RowGroup::new(open, file, group);
        ParquetRecordBatchReader::try_new_with_row_groups(
            &levels,
            &row_group,
            batch_rows,
            Some(selection),
        )
    })
}

/// Finds out which column a failure comes from by reading each alone, and says so.
fn blame(
    file: &ParquetFile,
    group: usize,
    range: &Range<u64>,
    roots: &[usize],
    error: Error,
) -> Error {
    let (Error::Corrupt { path, what } | Error::Unsupported { path, what }) = &error else {
        return error;
    };
    let broken = |root: usize| -> Result<()> {
        let skip = RowSelector::skip(range.start as usize);
        let select = RowSelector::select((range.end - range.start) as usize);
        let selection = vec![skip, select].into();
        let open = Arc::new(file.open_again()?);
        let window = window(file, group, &[root]);
        let reader = reader(file, &open, group, &[root], window, selection)?;
        catch(file.path(), || {
            for batch in reader {
                batch.map_err(ParquetError::from)?;
            }
            Ok(())
        })
    };
    let Some(&root) = roots.iter().find(|&&root| broken(root).is_err()) else { return error };
    let name = file.schema().field(root).name();
    let what = format!("column {name:?}, row group {group}: {what}");
    match &error {
        Error::Corrupt { .. } => Error::Corrupt { path: path.clone(), what },
        _ => Error::Unsupported { path: path.clone(), what },
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
