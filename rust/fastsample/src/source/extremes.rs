//! Extremes: what is known of the row groups of a file before they are read.

use arrow_array::{ArrayRef, UInt64Array};

/// The least and the greatest value of a column in each unit of a part, and how many are null. What is
/// not known is null.
///
/// They are bounds: a long text may be cut in a way that keeps it one.
#[derive(Debug, Clone)]
pub(crate) struct Extremes {
    pub(crate) least: ArrayRef,
    pub(crate) greatest: ArrayRef,
    pub(crate) nulls: UInt64Array,
}
