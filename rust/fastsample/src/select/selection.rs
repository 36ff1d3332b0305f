//! `Selection`: the chosen rows as a predicate over row ordinals.

use std::ops::Range;

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, MutableBuffer};

use crate::error::{Error, Result};
use crate::exec::memory;
use crate::hash::RowHash;

/// The chosen rows of a source.
///
/// Invariants: `len() <= rows()`; exactly `len()` ordinals below `rows()` are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every row.
    All {
        /// Rows in the source.
        rows: u64,
    },
    /// The rows whose number lies from `from` to `tau`, on a ring: behind the largest number comes
    /// the smallest. A plain draw begins at 0. No list of rows exists.
    Threshold {
        /// Gives each row its number.
        hash: RowHash,
        /// The first number that is chosen.
        from: u64,
        /// The last number that is chosen.
        tau: u64,
        /// Rows in the source.
        rows: u64,
        /// Rows chosen.
        n: u64,
    },
    /// One bit a row.
    Bits {
        /// Set for each chosen row.
        bits: BooleanBuffer,
        /// Rows chosen.
        n: u64,
    },
}

/// The chosen rows of a range, with the easy cases by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowMask {
    /// All rows, and their number.
    AllTrue(usize),
    /// No rows, of this number.
    AllFalse(usize),
    /// Some of them; at least one bit is set and one is not.
    Values(BooleanBuffer),
}

impl RowMask {
    /// Names the easy cases of `bits`.
    #[must_use]
    pub fn new(bits: BooleanBuffer) -> Self {
        match bits.count_set_bits() {
            0 => Self::AllFalse(bits.len()),
            set if set == bits.len() => Self::AllTrue(bits.len()),
            _ => Self::Values(bits),
        }
    }

    /// Rows looked at.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a mask covers at least one row")]
    pub fn len(&self) -> usize {
        match self {
            Self::AllTrue(len) | Self::AllFalse(len) => *len,
            Self::Values(bits) => bits.len(),
        }
    }

    /// Rows chosen.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::AllTrue(len) => *len,
            Self::AllFalse(_) => 0,
            Self::Values(bits) => bits.count_set_bits(),
        }
    }

    /// Whether the row at `index` is chosen.
    #[inline]
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        match self {
            Self::AllTrue(_) => true,
            Self::AllFalse(_) => false,
            Self::Values(bits) => bits.value(index),
        }
    }

    /// The mask of a part of the rows.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        match self {
            Self::AllTrue(_) => Self::AllTrue(rows.len()),
            Self::AllFalse(_) => Self::AllFalse(rows.len()),
            Self::Values(bits) => Self::new(bits.slice(rows.start, rows.len())),
        }
    }
}

impl Selection {
    /// The rows at `ids`, of `rows` in all.
    ///
    /// # Errors
    /// [`Error::Argument`] for an ordinal that is not below `rows`, or comes twice.
    pub fn of_ids(ids: &[u64], rows: u64) -> Result<Self> {
        memory::require(rows as usize / 8, || format!("a bit for each of {rows} rows"))?;
        let mut bits = BooleanBufferBuilder::new(rows as usize);
        bits.append_n(rows as usize, false);
        for &id in ids {
            if id >= rows {
                return Err(Error::Argument(format!(
                    "there is no row {id}; the source has {rows} rows"
                )));
            }
            if bits.get_bit(id as usize) {
                return Err(Error::Argument(format!("row {id} is named twice")));
            }
            bits.set_bit(id as usize, true);
        }
        Ok(Self::Bits { bits: bits.finish(), n: ids.len() as u64 })
    }

    /// The rows whose bits are set.
    #[must_use]
    pub fn of_bits(bits: BooleanBuffer) -> Self {
        let (n, rows) = (bits.count_set_bits() as u64, bits.len() as u64);
        if n == rows { Self::All { rows } } else { Self::Bits { bits, n } }
    }

    /// The rows of a mask, numbered from 0.
    #[must_use]
    pub fn of_mask(mask: RowMask) -> Self {
        match mask {
            RowMask::AllTrue(len) => Self::All { rows: len as u64 },
            RowMask::AllFalse(len) => Self::Bits { bits: BooleanBuffer::new_unset(len), n: 0 },
            RowMask::Values(bits) => Self::of_bits(bits),
        }
    }

    /// Rows in the source.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::All { rows } | Self::Threshold { rows, .. } => *rows,
            Self::Bits { bits, .. } => bits.len() as u64,
        }
    }

    /// Rows chosen.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::All { rows } => *rows,
            Self::Threshold { n, .. } | Self::Bits { n, .. } => *n,
        }
    }

    /// Whether no row is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a row is chosen.
    #[must_use]
    pub fn has(&self, row: u64) -> bool {
        match self {
            Self::All { .. } => true,
            Self::Threshold { hash, from, tau, .. } => {
                hash.of(row).wrapping_sub(*from) <= tau.wrapping_sub(*from)
            }
            Self::Bits { bits, .. } => bits.value(row as usize),
        }
    }

    /// The chosen rows among `range`.
    #[must_use]
    pub fn mask(&self, range: Range<u64>) -> RowMask {
        let len = (range.end - range.start) as usize;
        match self {
            Self::All { .. } => RowMask::AllTrue(len),
            Self::Threshold { hash, from, tau, .. } => {
                RowMask::new(threshold_bits(*hash, *from, *tau, range))
            }
            Self::Bits { bits, .. } => RowMask::new(bits.slice(range.start as usize, len)),
        }
    }

    /// The ordinals chosen among `range`, ascending, appended to `ids`.
    pub fn extend_ids(&self, range: Range<u64>, ids: &mut Vec<u64>) {
        let start = range.start;
        match self.mask(range.clone()) {
            RowMask::AllTrue(_) => ids.extend(range),
            RowMask::AllFalse(_) => {}
            RowMask::Values(bits) => ids.extend(bits.set_indices().map(|i| start + i as u64)),
        }
    }

    /// The ordinals chosen, ascending, found some at a time.
    pub fn into_ids(self) -> impl Iterator<Item = u64> {
        let rows = self.rows();
        (0..rows).step_by(IDS_AT_ONCE).flat_map(move |start| {
            let mut ids = Vec::new();
            self.extend_ids(start..rows.min(start + IDS_AT_ONCE as u64), &mut ids);
            ids
        })
    }
}

/// Rows of which [`Selection::into_ids`] finds the chosen ones at once.
const IDS_AT_ONCE: usize = 1 << 16;

/// One bit a row: does its number lie from `from` to `tau`?
fn threshold_bits(hash: RowHash, from: u64, tau: u64, range: Range<u64>) -> BooleanBuffer {
    let width = tau.wrapping_sub(from);
    let len = (range.end - range.start) as usize;
    let words = len.div_ceil(64);
    let mut buffer = MutableBuffer::new(words * 8);
    for word in 0..words as u64 {
        let first = range.start + word * 64;
        let count = (range.end - first).min(64);
        let mut bits = 0_u64;
        for i in 0..count {
            bits |= u64::from(hash.of(first + i).wrapping_sub(from) <= width) << i;
        }
        buffer.push(bits.to_le());
    }
    BooleanBuffer::new(buffer.into(), 0, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threshold_masks_agree_with_the_predicate() {
        let hash = RowHash::new(1);
        let third = u64::MAX / 3;
        for (from, tau) in [(0, third), (third, 2 * third), (2 * third, third)] {
            let selection = Selection::Threshold { hash, from, tau, rows: 1000, n: 0 };
            let chosen =
                |u| if from <= tau { from <= u && u <= tau } else { u >= from || u <= tau };
            for range in [0..1000, 5..70, 999..1000, 64..128, 3..3] {
                let mut ids = Vec::new();
                selection.extend_ids(range.clone(), &mut ids);
                let naive: Vec<u64> = range.filter(|&i| chosen(hash.of(i))).collect();
                assert_eq!(ids, naive);
            }
            assert!((0..1000).all(|i| selection.has(i) == chosen(hash.of(i))));
        }
    }

    #[test]
    fn ids_choose_themselves() {
        let selection = Selection::of_ids(&[9, 2, 5], 10).expect("sound ids");
        let mut ids = Vec::new();
        selection.extend_ids(0..10, &mut ids);
        assert_eq!((ids, selection.len()), (vec![2, 5, 9], 3));
        assert_eq!(selection.into_ids().collect::<Vec<u64>>(), [2, 5, 9]);
        let rows = 3 * IDS_AT_ONCE as u64 + 7;
        let far: Vec<u64> = (0..rows).filter(|row| row % 65_535 == 1).collect();
        let selection = Selection::of_ids(&far, rows).expect("sound ids");
        assert_eq!(selection.into_ids().collect::<Vec<u64>>(), far);
        assert!(Selection::of_ids(&[10], 10).is_err());
        assert!(Selection::of_ids(&[3, 3], 10).is_err());
    }

    #[test]
    fn easy_masks_are_named() {
        assert_eq!(RowMask::new(BooleanBuffer::new_set(5)), RowMask::AllTrue(5));
        assert_eq!(RowMask::new(BooleanBuffer::new_unset(5)), RowMask::AllFalse(5));
        let mixed = RowMask::new(BooleanBuffer::from(vec![true, false, false]));
        assert_eq!((mixed.len(), mixed.count()), (3, 1));
        assert_eq!(mixed.slice(1..3), RowMask::AllFalse(2));
    }
}
