//! Pilot: document frequencies of shingles in a small part of the rows, for commonness and target.
//!
//! The part is made of blocks of neighbouring rows, so that few pages of a file are touched, chosen
//! by a hash of their position, so that any partition of the source finds the same ones.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use crate::error::Result;
use crate::exec::Context;
use crate::exec::envelope::Payload;
use crate::hash::{AsItIs, sorted};
use crate::select::{Blocks, Selection};

/// Rows of a block, and blocks of a pilot.
const BLOCK_ROWS: u64 = 256;
const BLOCKS: u64 = 128;

/// Shingles of a row that are counted.
const COUNTED: usize = 1024;

/// Frozen: another one would change the weights of every row.
const SEED: u64 = 0x7069_6c6f_7400;

/// The rows of the pilot of a source of `rows` rows.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn pilot_rows(ctx: &Context, rows: u64) -> Result<Selection> {
    Ok(Blocks::new(ctx, rows, BLOCK_ROWS, BLOCKS, SEED)?.selection(rows))
}

/// What the rows of a pilot are read for. Parts join in any order.
pub trait OfPilot: Clone + Default + Send + Sync {
    /// Takes in one more row: a hash of its texts, and its shingles.
    fn see(&mut self, exact: u64, shingles: &[u64]);

    /// Takes in what another part has seen.
    fn join(&mut self, other: Self);
}

impl OfPilot for PilotShingles {
    fn see(&mut self, _exact: u64, shingles: &[u64]) {
        self.add(shingles);
    }

    fn join(&mut self, other: Self) {
        self.merge(other);
    }
}

/// What is not needed sees nothing.
impl<A: OfPilot> OfPilot for Option<A> {
    fn see(&mut self, exact: u64, shingles: &[u64]) {
        if let Some(seen) = self {
            seen.see(exact, shingles);
        }
    }

    fn join(&mut self, other: Self) {
        if let (Some(mine), Some(other)) = (self, other) {
            mine.join(other);
        }
    }
}

/// Both in one pass.
impl<A: OfPilot, B: OfPilot> OfPilot for (A, B) {
    fn see(&mut self, exact: u64, shingles: &[u64]) {
        self.0.see(exact, shingles);
        self.1.see(exact, shingles);
    }

    fn join(&mut self, other: Self) {
        self.0.join(other.0);
        self.1.join(other.1);
    }
}

/// The shingles of some rows, each once a row. Parts merge in any order.
#[derive(Debug, Clone, Default)]
pub struct PilotShingles {
    rows: u64,
    hashes: Vec<u64>,
    /// Those of the current row.
    row: HashSet<u64, BuildHasherDefault<AsItIs>>,
}

impl PilotShingles {
    /// Counts the shingles of one more row.
    pub fn add(&mut self, shingles: &[u64]) {
        self.rows += 1;
        let counted = &shingles[..shingles.len().min(COUNTED)];
        self.row.clear();
        self.hashes.extend(counted.iter().filter(|&&hash| self.row.insert(hash)));
    }

    /// Rows that were counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The document frequencies.
    #[must_use]
    pub fn into_counts(self) -> DocumentFrequencies {
        DocumentFrequencies(sorted(self.hashes.iter().copied()))
    }
}

impl Payload for PilotShingles {
    const KIND: u16 = 1;
    const VERSION: u32 = 1;
    const NAME: &'static str = "pilot shingles";

    fn write(&self, bytes: &mut Vec<u8>) {
        let numbers = [self.rows].into_iter().chain(self.hashes.iter().copied());
        bytes.extend(numbers.flat_map(u64::to_le_bytes));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks::<8>() else { return None };
        let mut numbers = words.iter().map(|word| u64::from_le_bytes(*word));
        let rows = numbers.next()?;
        Some(Self { rows, hashes: numbers.collect(), row: HashSet::default() })
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        let most = rows.iter().map(|rows| rows.end - rows.start).sum();
        self.rows <= most && self.hashes.len() as u64 <= self.rows.saturating_mul(COUNTED as u64)
    }

    fn merge(&mut self, mut other: Self) {
        self.rows += other.rows;
        if self.hashes.is_empty() {
            self.hashes = other.hashes;
        } else {
            self.hashes.append(&mut other.hashes);
        }
    }
}

/// Document frequencies: in how many rows each shingle occurs.
#[derive(Debug, Clone, Default)]
pub struct DocumentFrequencies(Vec<u64>);

impl DocumentFrequencies {
    /// Every shingle with the number of rows that have it, ascending by hash.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + Clone {
        self.0.chunk_by(|a, b| a == b).map(|group| (group[0], group.len() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shingle_counts_once_a_row() {
        let mut shingles = PilotShingles::default();
        shingles.add(&[3, 1, 3]);
        shingles.add(&[1, 2]);
        shingles.add(&[]);
        assert_eq!(shingles.rows(), 3);
        assert!(shingles.into_counts().iter().eq([(1, 2), (2, 1), (3, 1)]));
    }

    /// Frozen: parts of one job may be made by other builds.
    #[test]
    fn the_bytes_are_pinned() {
        let mut shingles = PilotShingles::default();
        shingles.add(&[9, 8]);
        let mut bytes = Vec::new();
        shingles.write(&mut bytes);
        let expected: Vec<u8> = [1, 9, 8].into_iter().flat_map(u64::to_le_bytes).collect();
        assert_eq!(bytes, expected);
        let same = PilotShingles::read(&bytes).expect("sound");
        assert_eq!((same.rows, same.hashes), (shingles.rows, shingles.hashes));
        assert!(PilotShingles::read(&bytes[1..]).is_none() && PilotShingles::read(&[]).is_none());
    }

    #[test]
    fn a_pilot_is_blocks_and_does_not_depend_on_the_cut() {
        let ctx = Context::new(Some(2));
        assert_eq!(pilot_rows(&ctx, 1000).expect("not cancelled"), Selection::All { rows: 1000 });
        let rows = 1_000_003;
        let selection = pilot_rows(&ctx, rows).expect("not cancelled");
        let mut ids = Vec::new();
        selection.extend_ids(0..rows, &mut ids);
        assert_eq!(ids.len() as u64, selection.len());
        assert!(ids.chunks(256).all(|block| block[0] % 256 == 0 && block[255] == block[0] + 255));
        let part = selection.mask(999_000..rows);
        let chosen = (999_000..rows).filter(|&row| part.has((row - 999_000) as usize));
        assert!(chosen.eq(ids.iter().copied().filter(|&row| row >= 999_000)));
    }
}
