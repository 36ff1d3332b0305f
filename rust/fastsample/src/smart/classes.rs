//! The n rows of highest priority, class by class: weighted rows, rows of weight 0, copies.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use crate::error::Result;
use crate::exec::{Context, map};
use crate::select::{Candidate, Selection, at_rank};

/// The order in which rows are drawn: a class is drawn from when the one before is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Rows with a weight.
    Weighted,
    /// Rows of weight 0.
    Excluded,
    /// Rows with the same texts as a row that ranks before them.
    Copy,
    /// Rows that may not be drawn.
    Barred,
}

/// The classes that are drawn from, in their order.
pub(super) const CLASSES: [Class; 3] = [Class::Weighted, Class::Excluded, Class::Copy];

/// Rows looked at by one task: whole words of bits.
const ROWS_PER_TASK: usize = 1 << 17;

/// The rows drawn, and where each class was cut off.
#[derive(Debug)]
pub struct ClassDraw {
    /// The rows.
    pub selection: Selection,
    /// For each class: rows drawn, and the best row that was left behind, if one was.
    pub classes: [(u64, Option<Candidate>); CLASSES.len()],
}

/// Draws the `n` best rows: class by class, by priority within a class.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn draw(
    ctx: &Context,
    classes: &[Class],
    n: usize,
    key: impl Fn(usize) -> Candidate + Sync,
) -> Result<ClassDraw> {
    let rows = classes.len();
    let mut left = n as u64;
    let mut found = [(0, None); CLASSES.len()];
    for (class, found) in CLASSES.into_iter().zip(&mut found) {
        if left == 0 {
            break;
        }
        let of_class = |row: u64| (classes[row as usize] == class).then(|| key(row as usize));
        let next = at_rank(ctx, rows as u64, left, of_class, Candidate::rank_key)?;
        let all = || classes.iter().filter(|&&other| other == class).count() as u64;
        let count = next.map_or_else(all, |_| left);
        (*found, left) = ((count, next), left - count);
    }
    let is_drawn = |row: usize| match found.get(classes[row] as usize) {
        Some((1.., next)) => next.is_none_or(|next| key(row) < next),
        _ => false,
    };
    let blocks = map(ctx, rows.div_ceil(ROWS_PER_TASK), |task| {
        let first = task * ROWS_PER_TASK;
        let len = ROWS_PER_TASK.min(rows - first);
        Ok(BooleanBuffer::collect_bool(len, |row| is_drawn(first + row)))
    })?;
    let mut bits = BooleanBufferBuilder::new(rows);
    blocks.iter().for_each(|block| bits.append_buffer(block));
    debug_assert_eq!(left, 0, "the caller checks that there are enough rows");
    Ok(ClassDraw {
        selection: Selection::Bits { bits: bits.finish(), n: n as u64 },
        classes: found,
    })
}
