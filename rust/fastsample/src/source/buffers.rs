//! Buffer pool: memory of pages that were read, reused once nothing refers to it.
//!
//! Pages have similar sizes and short lifetimes. Memory that is allocated anew for each page is cleared
//! each time, by the system and by the allocating code. That is much of the cost of reading beside
//! decompression.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;

use crate::exec::lock;

/// Spare pieces of memory. Clones share them; with the last clone they are given back.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Spare>);

type Spare = Mutex<Pieces>;

/// Pieces by their length: there are as many as pages that were in use at once, thousands in a file
/// of many columns.
#[derive(Debug, Default)]
struct Pieces(BTreeMap<usize, Vec<Vec<u8>>>);

impl Pieces {
    /// The smallest piece that is neither too small nor so large that a small page would hold on to
    /// much memory.
    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let (&found, _) = self.0.range(len..=len.saturating_mul(2)).next()?;
        self.remove(found)
    }

    fn remove(&mut self, len: usize) -> Option<Vec<u8>> {
        let alike = self.0.get_mut(&len)?;
        let piece = alike.pop();
        if alike.is_empty() {
            self.0.remove(&len);
        }
        piece
    }

    /// Gives up the largest piece.
    fn drop_one(&mut self) {
        if let Some((&largest, _)) = self.0.last_key_value() {
            drop(self.remove(largest));
        }
    }

    fn put(&mut self, piece: Vec<u8>) {
        self.0.entry(piece.len()).or_default().push(piece);
    }
}

impl Buffers {
    /// `len` bytes of whatever content, to be written and then frozen.
    pub(super) fn take(&self, len: usize) -> Lent {
        let mut spare = lock(&self.0);
        let found = spare.take(len);
        if found.is_none() {
            spare.drop_one();
        }
        drop(spare);
        // With room for a next page that is a little longer.
        let bytes = found.unwrap_or_else(|| vec![0; len + len / 8]);
        Lent { bytes, len, home: Arc::downgrade(&self.0) }
    }
}

/// Bytes that return to where they came from, if that is still there.
#[derive(Debug)]
pub(super) struct Lent {
    bytes: Vec<u8>,
    len: usize,
    home: Weak<Spare>,
}

impl Lent {
    /// The bytes, from now on read-only.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl AsMut<[u8]> for Lent {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            lock(&home).put(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_reused_once_nothing_refers_to_it() {
        let buffers = Buffers::default();
        let mut first = buffers.take(1000);
        first.as_mut().fill(7);
        let place = first.as_ref().as_ptr();
        let bytes = first.freeze();
        let part = bytes.slice(10..20);
        drop(bytes);
        assert_ne!(buffers.take(1000).as_ref().as_ptr(), place);
        assert_eq!(part.as_ref(), [7; 10]);
        drop(part);
        let places = [buffers.take(900), buffers.take(900)].map(|lent| lent.as_ref().as_ptr());
        assert!(places.contains(&place));
    }

    #[test]
    fn memory_that_is_kept_keeps_no_other() {
        let buffers = Buffers::default();
        let kept = buffers.take(10).freeze();
        drop([buffers.take(1000), buffers.take(2000)]);
        let spare = Arc::downgrade(&buffers.0);
        drop(buffers);
        assert!(spare.upgrade().is_none());
        assert_eq!(kept.len(), 10);
    }

    #[test]
    fn a_small_page_does_not_take_much_memory() {
        let buffers = Buffers::default();
        drop(buffers.take(1 << 20));
        let small = buffers.take(10);
        assert!(small.bytes.len() < 20 && small.as_ref().len() == 10);
        assert!(lock(&buffers.0).0.is_empty());
        assert_eq!(buffers.take(0).freeze().len(), 0);
    }
}
