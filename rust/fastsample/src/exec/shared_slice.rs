//! A slice whose disjoint parts are written by several threads.

use std::sync::Mutex;

use crate::exec::lock;

/// Items of a chunk, which one thread writes at a time. The first write to fresh memory faults its
/// pages in, which takes longer than the write itself, so several threads should do it.
const CHUNK: usize = 1 << 16;

/// A slice in which each thread writes its part, at any position.
#[derive(Debug)]
pub(crate) struct SharedSlice<'a, T> {
    chunks: Vec<Mutex<&'a mut [T]>>,
    len: usize,
}

impl<'a, T: Copy> SharedSlice<'a, T> {
    pub(crate) fn new(items: &'a mut [T]) -> Self {
        Self { len: items.len(), chunks: items.chunks_mut(CHUNK).map(Mutex::new).collect() }
    }

    /// Writes `items` from position `first` on.
    ///
    /// # Panics
    /// If they do not fit in.
    pub(crate) fn put(&self, first: usize, items: &[T]) {
        assert!(first + items.len() <= self.len, "no room at {first} for {}", items.len());
        let (mut place, mut rest) = (first, items);
        while !rest.is_empty() {
            let mut chunk = lock(&self.chunks[place / CHUNK]);
            let chunk = &mut chunk[place % CHUNK..];
            let (here, others) = rest.split_at(rest.len().min(chunk.len()));
            chunk[..here.len()].copy_from_slice(here);
            (place, rest) = (place + here.len(), others);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_where_they_were_put() {
        let whole: Vec<u32> = (0..3 * CHUNK as u32 + 5).collect();
        let cuts = [0, 1, 1, CHUNK - 1, CHUNK + 1, 3 * CHUNK, whole.len()];
        let mut found = vec![0; whole.len()];
        let shared = SharedSlice::new(&mut found);
        std::thread::scope(|scope| {
            for part in cuts.windows(2).rev() {
                let (shared, items) = (&shared, &whole[part[0]..part[1]]);
                scope.spawn(move || shared.put(part[0], items));
            }
        });
        assert_eq!(found, whole);
    }

    #[test]
    #[should_panic(expected = "no room at 2 for 2")]
    fn there_is_no_chunk_beyond_the_end() {
        SharedSlice::new(&mut [0; 3]).put(2, &[1, 2]);
    }
}
