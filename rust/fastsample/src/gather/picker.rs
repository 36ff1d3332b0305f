//! Random access: rows at any positions of batches in memory, for data loaders.

use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericStringArray, OffsetSizeTrait, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::interleave::interleave_record_batch;

use super::compact::finish;
use crate::error::{Error, Result};
use crate::exec::memory;
use crate::source::bytes_of;

/// Bytes that rows picked at once may have at the very most, so that 32-bit offsets hold them.
const PICK_BYTES: usize = 1 << 30;

/// Rows in memory, picked by position.
#[derive(Debug, Clone)]
pub struct Picker {
    batches: Arc<[RecordBatch]>,
    /// The first row of each batch.
    starts: Vec<usize>,
    rows: usize,
    /// Bytes that no row exceeds, once somebody needed them: rows that are mapped from a file are
    /// better not touched before.
    row_bytes: OnceLock<usize>,
}

impl Picker {
    /// Rows of `batches`, numbered through.
    #[must_use]
    pub fn new(batches: Arc<[RecordBatch]>) -> Self {
        let mut rows = 0;
        let mut start_of = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows - batch.num_rows()
        };
        let starts = batches.iter().map(&mut start_of).collect();
        Self { batches, starts, rows, row_bytes: OnceLock::new() }
    }

    /// Rows in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The batches.
    #[must_use]
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows at `positions`, in that order; in several batches if 32-bit offsets demand it.
    ///
    /// # Errors
    /// [`Error::Argument`] for a position that does not exist.
    pub fn pick(&self, schema: &SchemaRef, positions: &[usize]) -> Result<Vec<RecordBatch>> {
        let places = positions.iter().map(|&at| self.place(at)).collect::<Result<Vec<_>>>()?;
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let largest = || self.batches.iter().map(largest_row).max().unwrap_or(0);
        let safe = (PICK_BYTES / (*self.row_bytes.get_or_init(largest)).max(1)).max(1);
        let mut picked = Vec::new();
        for places in places.chunks(safe) {
            memory::require(self.bytes_at(places), || "copies of the picked rows".to_owned())?;
            let rows = interleave_record_batch(&batches, places).map_err(Error::kernel)?;
            finish(&rows, schema, &mut picked)?;
        }
        Ok(picked)
    }

    /// The bytes of the texts of column `column` at `positions`, where they lie; `None` for nulls.
    ///
    /// Nothing but these texts is touched. Whether they are UTF-8 is for the caller to check: the
    /// rows may be mapped from a file that anyone can have written.
    ///
    /// # Errors
    /// [`Error::Argument`] for a position that does not exist, [`Error::Schema`] unless the column
    /// is `string` or `large_string`, [`Error::Invalid`] for offsets outside of the data.
    pub fn texts(&self, column: usize, positions: &[usize]) -> Result<Vec<Option<&[u8]>>> {
        let text = |&position: &usize| {
            let (batch, row) = self.place(position)?;
            let column = self.batches[batch].column(column);
            match column.data_type() {
                _ if column.is_null(row) => Ok(None),
                DataType::Utf8 => text_at(column.as_string::<i32>(), row).map(Some),
                DataType::LargeUtf8 => text_at(column.as_string::<i64>(), row).map(Some),
                other => Err(Error::Schema(format!("a column of type {other} is no plain text"))),
            }
        };
        positions.iter().map(text).collect()
    }

    /// Bytes of the rows at some places.
    fn bytes_at(&self, places: &[(usize, usize)]) -> usize {
        let of_row = |&(batch, row): &(usize, usize)| {
            let columns = self.batches[batch].columns().iter();
            columns.map(|column| bytes_of(column, std::iter::once(row))).sum::<usize>()
        };
        places.iter().map(of_row).sum()
    }

    /// The batch of a row, and its place there.
    pub(crate) fn place(&self, position: usize) -> Result<(usize, usize)> {
        if position >= self.rows {
            return Err(Error::Argument(format!(
                "there is no row {position}; the sample has {} rows",
                self.rows
            )));
        }
        let batch = self.starts.partition_point(|&start| start <= position) - 1;
        Ok((batch, position - self.starts[batch]))
    }
}

fn text_at<O: OffsetSizeTrait>(column: &GenericStringArray<O>, row: usize) -> Result<&[u8]> {
    let offsets = column.value_offsets();
    let range = offsets[row].as_usize()..offsets[row + 1].as_usize();
    column.value_data().get(range).ok_or_else(|| {
        Error::Invalid("a text lies outside of its column's data; write the file again".into())
    })
}

/// Bytes that no row of a batch exceeds in any column with 32-bit offsets.
fn largest_row(batch: &RecordBatch) -> usize {
    let widest = |offsets: &[i32]| {
        offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize).max().unwrap_or(0)
    };
    let of_column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => widest(column.as_string::<i32>().value_offsets()),
        DataType::Binary => widest(column.as_binary::<i32>().value_offsets()),
        kind if kind.is_nested() => column.get_array_memory_size(),
        _ => 0,
    };
    batch.columns().iter().map(of_column).max().unwrap_or(0)
}
