//! Row selection within a row group, and how many rows make a batch.

use std::ops::Range;

use parquet::basic::Type;

use super::file::ParquetFile;
use crate::select::RowMask;
use crate::source::buffers::Buffers;

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

impl Wanted {
    /// The rows of `range` in a row group that `mask` chooses, in batches that suit the columns
    /// `roots`, to be read into `buffers`.
    pub(crate) fn new(
        file: &ParquetFile,
        group: usize,
        range: Range<u64>,
        mask: &RowMask,
        roots: &[usize],
        buffers: &Buffers,
    ) -> Self {
        let window = window(file, group, roots);
        let share = window as u128 * mask.count() as u128 / mask.len().max(1) as u128;
        let batch_rows = (share as usize).max(1);
        Self { group, range, mask: mask.clone(), batch_rows, buffers: buffers.clone() }
    }
}

/// Rows that are decoded at once.
pub(super) fn window(file: &ParquetFile, group: usize, roots: &[usize]) -> usize {
    let rows = file.metadata().row_group(group).num_rows() as usize;
    let row_bytes = (decoded_bytes(file, group, roots) / rows.max(1)).max(1);
    (WINDOW_BYTES / row_bytes).clamp(1, WINDOW_ROWS)
}

/// About the bytes that the columns `roots` of a row group have when they are decoded: values
/// of lists and of fixed lengths may be there many times without taking room in a page.
fn decoded_bytes(file: &ParquetFile, group: usize, roots: &[usize]) -> usize {
    const LIST_VALUE_BYTES: usize = 16;
    let group = file.metadata().row_group(group);
    let bytes = file.leaves(roots).into_iter().map(|leaf| {
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
