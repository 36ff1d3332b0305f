//! A request for rows: which rows and columns of a row group, a record batch or a chunk of lines.

use std::ops::Range;

use super::buffers::Buffers;
use super::lines::Passes;
use crate::select::RowMask;

/// Rows of one unit (a row group, a record batch or a chunk of lines) to read.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) unit: usize,
    /// Rows of the unit.
    pub(super) range: Range<u64>,
    /// Which rows of the range.
    pub(super) mask: &'a RowMask,
    /// The top-level columns, by index, ascending.
    pub(super) roots: &'a [usize],
    /// Memory to read into.
    pub(super) buffers: &'a Buffers,
    /// How far compressed files of lines have been read.
    pub(super) passes: &'a Passes,
    /// Whether lines are wanted as they are, in a column behind the others.
    pub(super) lines: bool,
}
