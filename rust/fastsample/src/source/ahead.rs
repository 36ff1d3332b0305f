//! Planned reads of an object far away: a reader says what it is going to read, and gets it in few
//! requests, many of which are under way at once.
//!
//! ```text
//!  plan    page  page      page            ranges of each column that will be read
//!  merge   ───────────     ────            gaps of up to a megabyte are read along
//!  cut     ─────|─────     ────            pieces of 8 MiB at most
//!  fetch   all of it, if that is 64 MiB or less; else so much of each column as is its share
//! ```
//!
//! What was not planned is read when it is asked for, 64 KiB at least: a header is followed by more.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::object::Object;
use crate::error::{Error, Result};
use crate::exec::lock;

/// Bytes that one request asks for, at most.
const PIECE: u64 = 8 << 20;

/// Bytes between two ranges that are cheaper to read than another request.
const GAP: u64 = 1 << 20;

/// Bytes that a reader holds of what it has planned.
const HELD: u64 = 64 << 20;

/// Bytes that are asked for at least where nothing was planned, and first where all is read in order.
const LEAST: u64 = 64 << 10;

/// By how much more is asked for each time where all is read in order.
const GROWTH: u64 = 4;

/// An object, and what was read ahead of it.
#[derive(Debug)]
pub(super) struct Ahead {
    object: Arc<dyn Object>,
    state: Mutex<AheadState>,
}

#[derive(Debug, Default)]
struct AheadState {
    queues: Vec<RangeQueue>,
    /// What was read last without a plan.
    recent: Option<Fetched>,
}

/// Ranges that are read one after the other.
#[derive(Debug)]
struct RangeQueue {
    to_come: VecDeque<Range<u64>>,
    /// Bytes to be asked for next, and how many that may become.
    next: u64,
    most: u64,
    held: Vec<Fetched>,
}

#[derive(Debug)]
struct Fetched {
    start: u64,
    bytes: Bytes,
}

impl Fetched {
    /// The bytes from `offset` on, if it is among them.
    fn from(&self, offset: u64) -> Option<&[u8]> {
        let skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(skip..).filter(|rest| !rest.is_empty())
    }
}

impl RangeQueue {
    /// Whether all of `range` is to come, or here.
    fn covers(&self, range: &Range<u64>) -> bool {
        let within = |found: &Range<u64>| found.start <= range.start && range.end <= found.end;
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else {
            return self.to_come.iter().any(within);
        };
        let held = first.start..last.start + last.bytes.len() as u64;
        self.to_come.iter().any(within) || within(&held)
    }

    /// Takes the ranges to ask for next off what is to come. Where that is not all, what lies before
    /// `offset` was passed over.
    fn take(&mut self, offset: u64) -> Vec<Range<u64>> {
        if self.to_come.iter().map(|range| range.end - range.start).sum::<u64>() > self.next {
            self.to_come.retain(|range| range.end > offset);
        }
        let (mut taken, mut left) = (Vec::new(), self.next);
        while let Some(range) = self.to_come.pop_front() {
            let end = range.end.min(range.start.saturating_add(left));
            taken.extend(pieces(range.start..end));
            left -= end - range.start;
            if end < range.end {
                self.to_come.push_front(end..range.end);
            }
            if left == 0 {
                break;
            }
        }
        self.next = self.next.saturating_mul(GROWTH).min(self.most);
        taken
    }
}

impl Ahead {
    pub(super) fn new(object: Arc<dyn Object>) -> Self {
        Self { object, state: Mutex::default() }
    }

    /// An object of which `range` is read in order, perhaps not to its end.
    pub(super) fn in_order(object: Arc<dyn Object>, range: Range<u64>) -> Self {
        let queue =
            RangeQueue { to_come: [range].into(), next: LEAST, most: HELD / 2, held: Vec::new() };
        Self { object, state: Mutex::new(AheadState { queues: vec![queue], recent: None }) }
    }

    /// Plans to read some ranges of each of several columns, which are read side by side. What was
    /// planned before is forgotten.
    pub(super) fn plan(&self, columns: Vec<Vec<Range<u64>>>) {
        let size = self.object.size();
        let within = |column: Vec<Range<u64>>| {
            let cut = column.into_iter().map(|range| range.start..range.end.min(size));
            merged(cut.filter(|range| range.start < range.end).collect())
        };
        let columns: Vec<VecDeque<_>> = columns.into_iter().map(within).collect();
        let together = merged(columns.iter().flatten().cloned().collect());
        let bytes: u64 = together.iter().map(|range| range.end - range.start).sum();
        let share = (HELD / columns.len().max(1) as u64).max(GAP);
        let queue = |to_come, most| RangeQueue { to_come, next: most, most, held: Vec::new() };
        let queues = if bytes <= HELD {
            vec![queue(together, HELD)]
        } else {
            columns.into_iter().map(|column| queue(column, share)).collect()
        };
        *lock(&self.state) = AheadState { queues, recent: None };
    }

    /// Whether all of a range is planned.
    pub(super) fn covers(&self, range: &Range<u64>) -> bool {
        lock(&self.state).queues.iter().any(|queue| queue.covers(range))
    }

    /// Reads some bytes at an offset; none at the end.
    pub(super) fn read(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.object.size().saturating_sub(offset);
        if out.is_empty() || left == 0 {
            return Ok(0);
        }
        let mut state = lock(&self.state);
        if let Some(read) = state.copy(out, offset) {
            return Ok(read);
        }
        let at = offset..offset + 1;
        if let Some(queue) = state.queues.iter_mut().find(|queue| queue.covers(&at)) {
            while queue.to_come.iter().any(|range| range.contains(&offset)) {
                let ranges = queue.take(offset);
                queue.held.clear();
                queue.held = self.fetch(&ranges).map_err(io::Error::other)?;
            }
            if let Some(read) = state.copy(out, offset) {
                return Ok(read);
            }
        }
        drop(state);
        let wanted = LEAST.max(out.len() as u64).min(left);
        let found = self.fetch(&pieces(offset..offset + wanted)).map_err(io::Error::other)?;
        let mut filled = 0;
        for piece in &found {
            let len = piece.bytes.len().min(out.len() - filled);
            out[filled..filled + len].copy_from_slice(&piece.bytes[..len]);
            filled += len;
        }
        lock(&self.state).recent = found.into_iter().next().filter(|_| wanted <= LEAST);
        Ok(filled)
    }

    fn fetch(&self, ranges: &[Range<u64>]) -> Result<Vec<Fetched>> {
        let found = self.object.ranges(ranges)?;
        let lengths = ranges.iter().map(|range| range.end - range.start);
        if !found.iter().map(|bytes| bytes.len() as u64).eq(lengths) {
            return Err(Error::Internal("a store gave other bytes than were asked for".into()));
        }
        let pieces = ranges.iter().zip(found);
        Ok(pieces.map(|(range, bytes)| Fetched { start: range.start, bytes }).collect())
    }
}

impl AheadState {
    /// Copies bytes at `offset` that are here.
    fn copy(&self, out: &mut [u8], offset: u64) -> Option<usize> {
        let held = self.queues.iter().flat_map(|queue| &queue.held).chain(&self.recent);
        let found = held.into_iter().find_map(|piece| piece.from(offset))?;
        let len = found.len().min(out.len());
        out[..len].copy_from_slice(&found[..len]);
        Some(len)
    }
}

/// Ranges in order, those that are close to each other as one.
fn merged(mut ranges: Vec<Range<u64>>) -> VecDeque<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: VecDeque<Range<u64>> = VecDeque::new();
    for range in ranges {
        match merged.back_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push_back(range),
        }
    }
    merged
}

/// A range, cut into pieces that are asked for in one request each.
fn pieces(range: Range<u64>) -> Vec<Range<u64>> {
    let starts = range.clone().step_by(PIECE as usize);
    starts.map(|start| start..range.end.min(start + PIECE)).collect()
}

#[cfg(test)]
mod tests;
