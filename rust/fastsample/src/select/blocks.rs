//! Blocks of neighbouring rows, at random: a pilot, which tells what a source is like.
//!
//! Blocks touch few pages of a file. They are chosen by a hash of their position, so that any
//! partition of the source finds the same ones.

use std::ops::Range;

use arrow_buffer::BooleanBufferBuilder;

use super::{RowMask, Selection, uniform};
use crate::error::Result;
use crate::exec::Context;

/// Some blocks of rows, or all rows.
#[derive(Debug, Clone)]
pub enum Blocks {
    /// All rows: there are no more than the blocks would have.
    All,
    /// Blocks by number, ascending.
    Some {
        /// Rows of a block.
        rows: u64,
        /// The numbers of the blocks.
        numbers: Vec<u64>,
    },
}

impl Blocks {
    /// `count` blocks of `block` rows, out of `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn new(ctx: &Context, rows: u64, block: u64, count: u64, seed: u64) -> Result<Self> {
        if rows <= count * block {
            return Ok(Self::All);
        }
        let mut numbers = Vec::with_capacity(count as usize);
        let all = rows / block;
        uniform(ctx, all, count, seed)?.extend_ids(0..all, &mut numbers);
        Ok(Self::Some { rows: block, numbers })
    }

    /// Which rows of a range of ordinals belong to the blocks.
    #[must_use]
    pub fn mask(&self, ordinals: Range<u64>) -> RowMask {
        let len = (ordinals.end - ordinals.start) as usize;
        let Self::Some { rows, numbers } = self else { return RowMask::AllTrue(len) };
        let first = numbers.partition_point(|number| (number + 1) * rows <= ordinals.start);
        let within = numbers[first..].iter().take_while(|&number| number * rows < ordinals.end);
        let mut bits = BooleanBufferBuilder::new(len);
        for number in within {
            let start = (number * rows).max(ordinals.start) - ordinals.start;
            let end = ((number + 1) * rows).min(ordinals.end) - ordinals.start;
            bits.append_n(start as usize - bits.len(), false);
            bits.append_n(end as usize - bits.len(), true);
        }
        if bits.is_empty() {
            return RowMask::AllFalse(len);
        }
        bits.append_n(len - bits.len(), false);
        RowMask::Values(bits.finish())
    }

    /// The blocks of a source of `rows` rows as a selection.
    #[must_use]
    pub fn selection(&self, rows: u64) -> Selection {
        match (self, self.mask(0..rows)) {
            (Self::Some { rows: block, numbers }, RowMask::Values(bits)) => {
                Selection::Bits { bits, n: block * numbers.len() as u64 }
            }
            _ => Selection::All { rows },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_ranges_are_parts_of_the_whole() {
        let ctx = Context::new(Some(1));
        for (rows, block, count) in [(100, 7, 3), (100, 10, 10), (101, 10, 10), (5, 10, 1)] {
            let blocks = Blocks::new(&ctx, rows, block, count, 3).expect("not cancelled");
            let whole = blocks.selection(rows);
            assert_eq!(whole.len(), rows.min(block * count));
            for start in 0..rows {
                for end in start + 1..=rows {
                    let mask = blocks.mask(start..end);
                    let found: Vec<bool> = (0..mask.len()).map(|row| mask.has(row)).collect();
                    let expected: Vec<bool> = (start..end).map(|row| whole.has(row)).collect();
                    assert_eq!(found, expected);
                }
            }
        }
    }
}
