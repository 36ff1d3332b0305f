//! Examples: the shingles of some rows, row by row, for a target that is learned.

use std::ops::Range;

use crate::exec::envelope::Payload;
use crate::smart::pilot::OfPilot;
use crate::smart::terms::classifier::{MOST_SHINGLES, class_of};

/// Rows by a hash of their texts, with the classes of their first shingles. Parts merge in any
/// order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examples(Vec<(u64, Vec<u16>)>);

impl Examples {
    /// Takes in one more row.
    pub fn add(&mut self, exact: u64, shingles: &[u64]) {
        let first = &shingles[..shingles.len().min(MOST_SHINGLES)];
        self.0.push((exact, first.iter().map(|&hash| class_of(hash)).collect()));
    }

    /// The rows by their hashes, so in random order, and in the same one however they were read. A
    /// row without a shingle teaches nothing.
    #[must_use]
    pub fn into_rows(mut self) -> Vec<Vec<u16>> {
        self.0.sort_unstable_by_key(|(exact, _)| *exact);
        self.0.into_iter().map(|(_, row)| row).filter(|row| !row.is_empty()).collect()
    }
}

impl OfPilot for Examples {
    fn see(&mut self, exact: u64, shingles: &[u64]) {
        self.add(exact, shingles);
    }

    fn join(&mut self, other: Self) {
        self.merge(other);
    }
}

impl Payload for Examples {
    const KIND: u16 = 3;
    const VERSION: u32 = 1;
    const NAME: &'static str = "examples";

    fn write(&self, bytes: &mut Vec<u8>) {
        for (exact, row) in &self.0 {
            bytes.extend(exact.to_le_bytes());
            bytes.extend((row.len() as u32).to_le_bytes());
            bytes.extend(row.iter().flat_map(|class| class.to_le_bytes()));
        }
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut rows = Vec::new();
        while let Some((exact, rest)) = bytes.split_first_chunk() {
            let (length, rest) = rest.split_first_chunk()?;
            let length = u32::from_le_bytes(*length) as usize;
            let (row, rest) = rest.split_at_checked(length.checked_mul(2)?)?;
            let (classes, _) = row.as_chunks();
            let row = classes.iter().map(|&class| u16::from_le_bytes(class)).collect();
            rows.push((length <= MOST_SHINGLES).then_some((u64::from_le_bytes(*exact), row))?);
            bytes = rest;
        }
        bytes.is_empty().then_some(Self(rows))
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        self.0.len() as u64 <= rows.iter().map(|rows| rows.end - rows.start).sum()
    }

    fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(class: u64) -> u64 {
        class << 48
    }

    #[test]
    fn rows_have_one_order_however_they_were_read() {
        let rows = [(5, vec![hash(1), hash(2)]), (3, vec![hash(7)]), (9, vec![])];
        let of = |order: [usize; 3]| {
            let mut all = Examples::default();
            for row in order {
                let mut part = Examples::default();
                part.add(rows[row].0, &rows[row].1);
                all.merge(part);
            }
            all.into_rows()
        };
        assert_eq!(of([0, 1, 2]), [vec![7], vec![1, 2]]);
        assert_eq!(of([2, 0, 1]), of([0, 1, 2]));
    }

    /// Frozen: parts of one job may be made by other builds.
    #[test]
    fn the_bytes_are_pinned() {
        let mut rows = Examples::default();
        rows.add(9, &[hash(4), hash(3)]);
        let mut bytes = Vec::new();
        rows.write(&mut bytes);
        assert_eq!(bytes, [9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 3, 0]);
        assert_eq!(Examples::read(&bytes), Some(rows));
        assert_eq!(Examples::read(&bytes[1..]), None);
        bytes[9] = 0;
        assert_eq!(Examples::read(&bytes[..15]), None, "half a class");
    }

    #[test]
    fn long_rows_are_cut() {
        let mut rows = Examples::default();
        rows.add(1, &vec![hash(2); 5000]);
        assert_eq!(rows.into_rows(), [vec![2; MOST_SHINGLES]]);
    }
}
