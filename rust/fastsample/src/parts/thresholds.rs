//! The state that finds the threshold of each group, or of keys: the rows whose numbers lie near it.
//!
//! The n-th smallest of N random numbers is near n / N of their range. So each group has a window of
//! numbers in which its threshold lies, but for a chance below 10^-6. Rows below the window are
//! drawn, a bit each; those within are sent; how many are below tells which of those are drawn, too.
//! A group whose threshold lies outside is asked again, with all of its rows in the window. A draw by
//! key is one of a single group, in which the numbers are those of keys.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer};
use arrow_schema::SchemaRef;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::{Payload, union};
use crate::exec::fields::{ByteFields, put};
use crate::hash::RowHash;
use crate::partition::{GroupColumns, RowKeys};
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::source::Source;

/// Deviations by which a threshold may lie off, and rows beyond those: by Bernstein's inequality the
/// chance of more is below 10^-6, be the group large or small.
const DEVIATIONS: f64 = 8.0;
const ROWS_BEYOND: f64 = 32.0;

/// Where the threshold of a group is looked for. Groups that give no rows have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The hash of the values of the group.
    pub(super) group: u128,
    /// Rows to draw.
    pub(super) n: u64,
    /// Rows of smaller numbers are drawn.
    pub(super) low: u64,
    /// Rows from `low` to this one are sent.
    pub(super) high: u64,
}

impl Window {
    /// The window of a group of `rows` rows, of which `n` are drawn.
    pub(super) fn new(group: u128, rows: u64, n: u64) -> Self {
        if n == rows {
            return Self { group, n, low: u64::MAX, high: u64::MAX };
        }
        let off = DEVIATIONS * (n as f64).sqrt() + ROWS_BEYOND;
        // From 0 to 2^64 - 1, whatever the rank.
        let at = |rank: f64| (rank / rows as f64 * 2_f64.powi(64)) as u64;
        Self { group, n, low: at(n as f64 - off), high: at(n as f64 + off) }
    }

    fn of_all(self) -> Self {
        Self { low: 0, high: u64::MAX, ..self }
    }
}

/// Where the number of the last of `n` rows is looked for, first and last, of `rows` rows whose
/// numbers are random: it lies elsewhere with a chance below 10^-6. Some 16 · √n rows lie within.
#[must_use]
pub fn threshold_window(rows: u64, n: u64) -> (u64, u64) {
    let Window { low, high, .. } = Window::new(0, rows, n);
    (low, high)
}

/// A hash of windows, by which states of one round are told from those of another.
pub(super) fn hash_of(windows: &[Window]) -> u64 {
    let mut bytes = Vec::new();
    write(&mut bytes, windows);
    xxh3_64(&bytes)
}

pub(super) fn write(bytes: &mut Vec<u8>, windows: &[Window]) {
    bytes.extend((windows.len() as u64).to_le_bytes());
    for Window { group, n, low, high } in windows {
        bytes.extend(group.to_le_bytes());
        bytes.extend([*n, *low, *high].into_iter().flat_map(u64::to_le_bytes));
    }
}

pub(super) fn read(bytes: &mut ByteFields<'_>) -> Option<Vec<Window>> {
    let count = bytes.count(40)?;
    let window = |_| {
        let group = bytes.u128()?;
        Some(Window { group, n: bytes.u64()?, low: bytes.u64()?, high: bytes.u64()? })
    };
    (0..count).map(window).collect()
}

/// Rows below the windows of their groups, and those within. Covers rows; parts merge in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NearThresholds {
    /// The first row of each block, and which of its rows are below.
    blocks: Vec<(u64, BooleanBuffer)>,
    /// By the place of the window.
    groups: BTreeMap<u64, Near>,
}

/// The rows of a group.
#[derive(Debug, Clone, Default, PartialEq)]
struct Near {
    /// How many are below the window.
    below: u64,
    /// The numbers and ordinals of those within.
    within: Vec<(u64, u64)>,
}

/// The rows that are drawn where all thresholds are within their windows; else where to look.
#[derive(Debug)]
pub(super) enum Threshold {
    Within(Selection),
    Outside(Vec<Window>),
}

/// What numbers are compared with: a window for each group, or one for all rows.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    all: &'a [Window],
    numbers: Numbers<'a>,
}

/// What gives rows their numbers.
#[derive(Debug)]
enum Numbers<'a> {
    /// Their ordinals; each group has a window, by the hash of its values.
    Ordinals { hash: RowHash, by: GroupColumns<'a>, places: HashMap<u128, usize> },
    /// The values of a column; all rows have one window.
    Keys(RowKeys),
}

impl<'a> Windows<'a> {
    /// Windows for groups of rows.
    pub(super) fn by(all: &'a [Window], seed: u64, by: GroupColumns<'a>) -> Self {
        let places = all.iter().enumerate().map(|(place, window)| (window.group, place));
        let numbers = Numbers::Ordinals { hash: RowHash::new(seed), by, places: places.collect() };
        Self { all, numbers }
    }

    /// One window for all rows, by the numbers of their keys.
    pub(super) fn of_keys(all: &'a [Window], keys: RowKeys) -> Self {
        Self { all, numbers: Numbers::Keys(keys) }
    }

    /// What a part says of its rows, of which `first` is the first; those `among` all rows count.
    /// `schema` has the columns that make groups.
    pub(super) fn observe(
        &self,
        ctx: &Context,
        source: &Source,
        first: u64,
        schema: &SchemaRef,
        among: &Selection,
    ) -> Result<NearThresholds> {
        ctx.begin(source.rows());
        let mut found = scan(
            ctx,
            &source.project_as(schema),
            scan::all,
            NearThresholds::default,
            |found, at, batch| self.add(found, first + at, batch, among),
            NearThresholds::merge,
        )?;
        found.blocks.sort_unstable_by_key(|(first, _)| *first);
        found.groups.values_mut().for_each(|near| near.within.sort_unstable());
        Ok(found)
    }

    fn add(
        &self,
        found: &mut NearThresholds,
        first: u64,
        batch: &RecordBatch,
        among: &Selection,
    ) -> Result<()> {
        let rows = batch.num_rows();
        let mask = among.mask(first..first + rows as u64);
        let bits = match &self.numbers {
            Numbers::Ordinals { hash, by, places } => {
                let texts = by.texts(batch)?;
                let ordinal = |row| first + row as u64;
                let place = |row| places.get(&by.key(&texts, row, ordinal(row))).copied();
                let number = |row| hash.of(ordinal(row));
                BooleanBuffer::collect_bool(rows, |row| {
                    let place = mask.has(row).then(|| place(row)).flatten();
                    place.is_some_and(|place| self.see(found, place, number(row), ordinal(row)))
                })
            }
            Numbers::Keys(keys) => {
                let numbers = keys.numbers(batch, first, &mask)?;
                BooleanBuffer::collect_bool(rows, |row| {
                    mask.has(row) && self.see(found, 0, numbers[row], first + row as u64)
                })
            }
        };
        found.blocks.push((first, bits));
        Ok(())
    }

    /// Counts or keeps a row of the window at `place`; whether it is below.
    fn see(&self, found: &mut NearThresholds, place: usize, number: u64, ordinal: u64) -> bool {
        let window = &self.all[place];
        let is_below = number < window.low;
        if is_below || number <= window.high {
            let near = found.groups.entry(place as u64).or_default();
            near.below += u64::from(is_below);
            near.within.extend((!is_below).then_some((number, ordinal)));
        }
        is_below
    }

    /// Which rows of all parts are drawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a state that is not of these windows; [`Error::Argument`] where rows of
    /// one key would be divided.
    pub(super) fn decide(&self, seen: NearThresholds) -> Result<Threshold> {
        let strange =
            || Error::Invalid("rows near thresholds that no group has; draw again".into());
        let NearThresholds { mut blocks, mut groups } = seen;
        let (mut drawn, mut again) = (Vec::new(), self.all.to_vec());
        let mut is_found = true;
        for (place, window) in (0..).zip(self.all) {
            let Near { below, mut within } = groups.remove(&place).unwrap_or_default();
            let missing = window.n.checked_sub(below).filter(|&n| n <= within.len() as u64);
            let Some(missing) = missing else {
                is_found = false;
                again[place as usize] = window.of_all();
                continue;
            };
            let missing = missing as usize;
            if 0 < missing && missing < within.len() {
                let (below, next, _) = within.select_nth_unstable(missing);
                if let (Numbers::Keys(keys), Some(last)) = (&self.numbers, below.iter().max())
                    && last.0 == next.0
                {
                    return Err(keys.divided(window.n, last.1, next.1));
                }
            }
            drawn.extend(within[..missing].iter().map(|(_, row)| *row));
        }
        if !groups.is_empty() {
            return Err(strange());
        }
        if !is_found {
            let is_new = again != self.all;
            return if is_new { Ok(Threshold::Outside(again)) } else { Err(strange()) };
        }
        blocks.sort_unstable_by_key(|(first, _)| *first);
        let rows = blocks.iter().map(|(_, bits)| bits.len()).sum();
        let mut bits = BooleanBufferBuilder::new(rows);
        blocks.iter().for_each(|(_, block)| bits.append_buffer(block));
        drawn.iter().for_each(|&row| bits.set_bit(row as usize, true));
        let rows = Selection::of_bits(bits.finish());
        let n: u64 = self.all.iter().map(|window| window.n).sum();
        if rows.len() == n { Ok(Threshold::Within(rows)) } else { Err(strange()) }
    }
}

impl Payload for NearThresholds {
    const KIND: u16 = 8;
    const VERSION: u32 = 1;
    const NAME: &'static str = "rows near thresholds";

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.blocks.len() as u64).to_le_bytes());
        for (first, bits) in &self.blocks {
            bytes.extend([*first, bits.len() as u64].into_iter().flat_map(u64::to_le_bytes));
            put(bytes, bits.sliced().as_slice());
        }
        for (place, Near { below, within }) in &self.groups {
            let numbers = [*place, *below, within.len() as u64].into_iter();
            let rows = within.iter().flat_map(|&(number, row)| [number, row]);
            bytes.extend(numbers.chain(rows).flat_map(u64::to_le_bytes));
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut groups) = (ByteFields(bytes), BTreeMap::new());
        let count = bytes.count(24)?;
        let block = |_| {
            let (first, rows) = (bytes.u64()?, usize::try_from(bytes.u64()?).ok()?);
            let packed = bytes.bytes().filter(|packed| packed.len() == rows.div_ceil(8))?;
            Some((first, BooleanBuffer::new(Buffer::from(packed), 0, rows)))
        };
        let blocks = (0..count).map(block).collect::<Option<Vec<_>>>()?;
        while bytes.end().is_none() {
            let (place, below) = (bytes.u64()?, bytes.u64()?);
            let count = bytes.count(16)?;
            let row = |_| Some((bytes.u64()?, bytes.u64()?));
            let within = (0..count).map(row).collect::<Option<Vec<_>>>()?;
            if groups.insert(place, Near { below, within }).is_some() {
                return None;
            }
        }
        Some(Self { blocks, groups })
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        let block = |(first, bits): &(u64, BooleanBuffer)| {
            Some(*first..first.checked_add(bits.len() as u64)?)
        };
        let blocks: Option<Vec<_>> = self.blocks.iter().map(block).collect();
        let Some(mut blocks) = blocks else { return false };
        blocks.retain(|block| !block.is_empty());
        let mut within = self.groups.values().flat_map(|near| &near.within);
        union::<Self>(&blocks, &[]).is_ok_and(|all| all == rows)
            && within.all(|(_, row)| rows.iter().any(|rows| rows.contains(row)))
    }

    fn merge(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
        for (place, mut near) in other.groups {
            let known = self.groups.entry(place).or_default();
            known.below = known.below.saturating_add(near.below);
            known.within.append(&mut near.within);
        }
    }
}

#[cfg(test)]
mod tests;
