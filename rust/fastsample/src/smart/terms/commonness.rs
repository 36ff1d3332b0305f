//! Commonness: the mean logarithm of the document frequencies of a row's shingles.

use std::hint::select_unpredictable;

use crate::hash::mix_two;
use crate::select::fixed_point::{FRACTION_BITS, log2};

/// Bits after the point of a shingle's log count, and of a row's mean.
const CODE_BITS: u32 = 3;
const VALUE_BITS: u32 = 11;

/// 2^16 buckets of four bytes: 256 KiB.
const MOST_BITS: u32 = 16;

/// The most shingles of a row that are looked up, evenly spread.
const JUDGED: usize = 64;

/// Shares of rows below and above which commonness no longer counts: what is rarest is noise, and
/// the most common rows are templates, which have a module of their own.
const TAILS: (f64, f64) = (0.05, 0.8);

/// The value of a row without shingles: the largest commonness.
const EMPTY: u16 = u16::MAX;

/// Log counts of shingles, ready to be looked up.
///
/// ```text
/// hash ─▶ bucket (top bits): two places of 16 bits ─▶ 8 bits of hash | log2(rows + 1), 3 fraction bits
/// ```
///
/// Small enough for a core's second-level cache: a larger table costs a walk to memory a shingle. Of
/// more than two shingles in a bucket the most common two stay; a rare shingle passes for a common
/// one once in some hundred times.
#[derive(Debug, Clone)]
pub struct Commonness {
    shift: u32,
    buckets: Vec<[u16; 2]>,
    /// What a code says of a row that was counted itself: one row fewer has the shingle.
    without_self: [u8; 256],
}

impl Commonness {
    /// Prepares the counts of a pilot: each shingle with the number of rows that have it.
    #[must_use]
    pub fn new(counts: impl Iterator<Item = (u64, u32)> + Clone) -> Self {
        // A shingle of one row says nothing of the others if that row is the one to be judged.
        let known = counts.filter(|(_, rows)| *rows > 1);
        let bits = (2 * known.clone().count()).next_power_of_two().ilog2().clamp(1, MOST_BITS);
        let shift = u64::BITS - bits;
        let mut buckets = vec![[0; 2]; 1 << bits];
        for (hash, rows) in known {
            let entry = u16::from(code(rows)) << 8 | u16::from(hash as u8);
            let [first, second] = &mut buckets[(hash >> shift) as usize];
            if entry > *first {
                (*first, *second) = (entry, *first);
            } else if entry > *second {
                *second = entry;
            }
        }
        Self::of_buckets(shift, buckets)
    }

    fn of_buckets(shift: u32, buckets: Vec<[u16; 2]>) -> Self {
        let mut without_self = [0; 256];
        (0..=u8::MAX).for_each(|code| without_self[usize::from(code)] = code);
        for rows in (1..64).rev() {
            without_self[usize::from(code(rows))] = if rows > 2 { code(rows - 1) } else { 0 };
        }
        Self { shift, buckets, without_self }
    }

    /// The mean of `log2(other rows with the shingle + 1)` over the row's shingles, with 11 bits
    /// after the point; over every second, third, ... of a row of many. `counted` says whether the
    /// row is one of those that were counted.
    #[must_use]
    pub fn of(&self, shingles: &[u64], counted: bool) -> u16 {
        if shingles.is_empty() {
            return EMPTY;
        }
        let step = shingles.len().div_ceil(JUDGED);
        let judged = shingles.iter().step_by(step).map(|&hash| self.code(hash));
        let sum: u64 = if counted {
            judged.map(|code| u64::from(self.without_self[code])).sum()
        } else {
            judged.map(|code| code as u64).sum()
        };
        ((sum << (VALUE_BITS - CODE_BITS)) / shingles.len().div_ceil(step) as u64) as u16
    }

    /// The table as bytes: 256 KiB at most.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.buckets.iter().flatten().flat_map(|entry| entry.to_le_bytes()).collect()
    }

    /// What [`Commonness::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, []) = bytes.as_chunks::<4>() else { return None };
        let bits = entries.len().checked_ilog2()?;
        let is_sound = entries.len() == 1 << bits && (1..=MOST_BITS).contains(&bits);
        let bucket =
            |&[a, b, c, d]: &[u8; 4]| [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
        let buckets = entries.iter().map(bucket).collect();
        is_sound.then(|| Self::of_buckets(u64::BITS - bits, buckets))
    }

    /// A hash of the table: rows that were judged by another one can't be compared.
    pub(crate) fn fingerprint(&self) -> u64 {
        let numbers = self.buckets.iter().flatten().copied().map(u64::from);
        numbers.fold(u64::from(self.shift), mix_two)
    }

    #[inline]
    fn code(&self, hash: u64) -> usize {
        let bucket = self.buckets[(hash >> self.shift) as usize];
        let mine = |entry: u16| {
            select_unpredictable(entry as u8 == hash as u8, usize::from(entry >> 8), 0)
        };
        mine(bucket[0]).max(mine(bucket[1]))
    }
}

/// The code of a shingle with document frequency `rows`; those below two have one code.
fn code(rows: u32) -> u8 {
    const HALF: i64 = 1 << (FRACTION_BITS - CODE_BITS - 1);
    ((log2(u64::from(rows) + 1) + HALF) >> (FRACTION_BITS - CODE_BITS)) as u8
}

/// Values between which commonness counts, and that of the row in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommonnessLimits {
    low: u16,
    middle: u16,
    high: u16,
}

impl CommonnessLimits {
    /// The 5 %, 50 % and 80 % quantiles of all rows that have shingles.
    #[must_use]
    pub fn new(values: &[u16]) -> Self {
        let mut counts = vec![0_u64; 1 << 16];
        values.iter().for_each(|&value| counts[usize::from(value)] += 1);
        counts[usize::from(EMPTY)] = 0;
        let rows: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (rows as f64 * share) as u64;
            let mut seen = 0;
            let found = counts.iter().position(|&count| {
                seen += count;
                seen > rank
            });
            found.unwrap_or(0) as u16
        };
        Self { low: quantile(TAILS.0), middle: quantile(0.5), high: quantile(TAILS.1) }
    }

    /// `log2` of the factor of a row: `2^-commonness`, between the limits.
    #[must_use]
    pub fn log_factor(self, value: u16) -> i64 {
        let above = value.clamp(self.low, self.high) - self.low;
        -(i64::from(above) << (FRACTION_BITS - VALUE_BITS))
    }

    /// That of a row in the middle.
    #[must_use]
    pub fn middle_log_factor(self) -> i64 {
        self.log_factor(self.middle)
    }
}

/// The mean log count that a row's value stands for.
#[must_use]
pub fn mean_log_count(value: u16) -> f32 {
    if value == EMPTY { f32::NAN } else { f32::from(value) / f32::from(1_u16 << VALUE_BITS) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::fixed_point::ONE;

    fn spread(i: u64) -> u64 {
        crate::hash::RowHash::new(0).of(i)
    }

    #[test]
    fn values_are_the_mean_log_counts() {
        // Few of the 1,000 shingles fall into full buckets.
        let mut counts: Vec<(u64, u32)> = (0..1000).map(|i| (spread(i), i as u32 + 1)).collect();
        counts.sort_unstable();
        let table = Commonness::new(counts.iter().copied());
        let asked: Vec<u64> = (0..2000).map(spread).collect();
        // In rows of as many shingles as are judged, and then of all, of which the mean is near.
        let mean = |counted| {
            let values = asked.chunks(JUDGED).map(|row| (row.len(), table.of(row, counted)));
            values.map(|(len, value)| len as f64 * f64::from(mean_log_count(value))).sum::<f64>()
                / asked.len() as f64
        };
        for counted in [false, true] {
            let others = |i: u64| {
                let rows = if i < 1000 { i as u32 + 1 } else { 0 };
                let rows = if rows > 1 { rows - u32::from(counted) } else { 0 };
                if rows > 1 { f64::from(rows) } else { 0.0 }
            };
            let naive = (0..2000).map(|i| (others(i) + 1.0).log2()).sum::<f64>() / 2000.0;
            let found = mean(counted);
            assert!((naive - found).abs() < 0.05 * naive, "{naive}, not {found}");
            let spread = f64::from(mean_log_count(table.of(&asked, counted)));
            assert!((naive - spread).abs() < 0.3 * naive, "{naive}, not {spread}");
        }
        assert!(mean_log_count(table.of(&[], true)).is_nan());
    }

    #[test]
    fn tails_are_cut() {
        let mut values: Vec<u16> = (0..1000).map(|i| i * 8).collect();
        values.extend([EMPTY; 3000]);
        let limits = CommonnessLimits::new(&values);
        assert_eq!(limits, CommonnessLimits { low: 400, middle: 4000, high: 6400 });
        assert_eq!([0, 400].map(|value| limits.log_factor(value)), [0, 0]);
        assert_eq!(limits.log_factor(400 + (1 << VALUE_BITS)), -ONE);
        assert_eq!(limits.log_factor(EMPTY), limits.log_factor(6400));
        assert_eq!(limits.middle_log_factor(), limits.log_factor(4000));
    }
}
