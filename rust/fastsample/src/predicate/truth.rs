//! `Truth`: three-valued logic over the rows of a batch, as SQL has it, or over groups of rows.

use arrow_array::{Array, BooleanArray};
use arrow_buffer::BooleanBuffer;

/// Where a condition is true, and where it is false; elsewhere it is unknown.
///
/// Of rows, none is in both masks. Of groups of rows, the masks say where it may be true of some row,
/// and where it may be false of some, so that a group may be in both; they follow the same rules.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    yes: BooleanBuffer,
    no: BooleanBuffer,
}

impl Truth {
    /// Rows that are true, the others false.
    pub(super) fn known(yes: BooleanBuffer) -> Self {
        let no = !&yes;
        Self { yes, no }
    }

    /// Groups of rows with a row of which it may be true, and those with one of which it may be false.
    pub(super) fn possible(yes: BooleanBuffer, no: BooleanBuffer) -> Self {
        Self { yes, no }
    }

    /// What a kernel found: null is unknown.
    pub(super) fn of(found: &BooleanArray) -> Self {
        let truth = Self::known(found.values().clone());
        match found.nulls() {
            Some(nulls) => truth.only(nulls.inner()),
            None => truth,
        }
    }

    /// The same for all rows.
    pub(super) fn constant(value: bool, rows: usize) -> Self {
        let (all, none) = (BooleanBuffer::new_set(rows), BooleanBuffer::new_unset(rows));
        if value { Self { yes: all, no: none } } else { Self { yes: none, no: all } }
    }

    /// Unknown outside of `rows`.
    pub(super) fn only(&self, rows: &BooleanBuffer) -> Self {
        Self { yes: &self.yes & rows, no: &self.no & rows }
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self { yes: &self.yes & &other.yes, no: &self.no | &other.no }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self { yes: &self.yes | &other.yes, no: &self.no & &other.no }
    }

    pub(super) fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }

    /// Rows that are true.
    pub(super) fn into_true(self) -> BooleanBuffer {
        self.yes
    }
}
