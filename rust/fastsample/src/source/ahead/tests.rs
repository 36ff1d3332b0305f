//! Tests of planned reads, against an object that remembers what it was asked for.

use std::path::Path;

use proptest::prelude::*;

use super::*;

/// An object whose bytes tell where they are.
#[derive(Debug)]
struct Recorded {
    size: u64,
    asked: Mutex<Vec<Vec<Range<u64>>>>,
}

fn byte(at: u64) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

impl Object for Recorded {
    fn name(&self) -> &Path {
        Path::new("s3://bucket/object")
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> String {
        "1".into()
    }

    fn is_far(&self) -> bool {
        true
    }

    fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        assert!(ranges.iter().all(|range| range.start < range.end && range.end <= self.size));
        lock(&self.asked).push(ranges.to_vec());
        Ok(ranges.iter().map(|range| range.clone().map(byte).collect()).collect())
    }

    fn read(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::Error::other("not used"))
    }

    fn verify(&self) -> Result<()> {
        Ok(())
    }
}

fn object(size: u64) -> Arc<Recorded> {
    Arc::new(Recorded { size, asked: Mutex::default() })
}

fn read(ahead: &Ahead, range: Range<u64>) {
    let mut out = vec![0; (range.end - range.start) as usize];
    let mut filled = 0;
    while filled < out.len() {
        let read = ahead.read(&mut out[filled..], range.start + filled as u64).expect("no fault");
        assert!(read > 0, "{range:?} ends early");
        filled += read;
    }
    let wrong = range.zip(&out).find(|(at, found)| byte(*at) != **found);
    assert_eq!(wrong, None);
}

#[test]
fn what_is_planned_comes_in_one_go() {
    let object = object(100 << 20);
    let ahead = Ahead::new(object.clone());
    // Two columns: pages close to each other, and one far off that takes two pieces.
    let far = (50 << 20)..(60 << 20);
    let columns = [vec![0..1000, 900_000..1_000_000], vec![far]];
    ahead.plan(columns.to_vec());
    assert!(lock(&object.asked).is_empty());
    for range in columns.concat() {
        assert!(ahead.covers(&range));
        read(&ahead, range);
    }
    let asked = vec![vec![0..1_000_000, (50 << 20)..(58 << 20), (58 << 20)..(60 << 20)]];
    assert_eq!(*lock(&object.asked), asked);
}

#[test]
fn more_than_is_held_comes_column_by_column() {
    let object = object(400 << 20);
    let ahead = Ahead::new(object.clone());
    let columns = [0..(150 << 20), (200 << 20)..(350 << 20)];
    ahead.plan(columns.iter().cloned().map(|column| vec![column]).collect());
    // Read side by side, a megabyte of each.
    for at in (0..150_u64 << 20).step_by(1 << 20) {
        for column in &columns {
            read(&ahead, column.start + at..column.start + at + (1 << 20));
            let held = |queue: &RangeQueue| {
                queue.held.iter().map(|piece| piece.bytes.len()).sum::<usize>()
            };
            let held: usize = lock(&ahead.state).queues.iter().map(held).sum();
            assert!(held as u64 <= HELD);
        }
    }
    let asked = lock(&object.asked);
    assert!(asked.iter().flatten().all(|range| range.end - range.start <= PIECE));
    assert_eq!(asked.len(), 2 * 150_usize.div_ceil(32));
}

#[test]
fn what_is_read_in_order_grows() {
    let object = object(100 << 20);
    let ahead = Ahead::in_order(object.clone(), 0..object.size);
    read(&ahead, 0..10);
    let least = 0..LEAST;
    assert_eq!(*lock(&object.asked), [vec![least]]);
    read(&ahead, 10..100 << 20);
    let sizes = |asked: &[Vec<Range<u64>>]| -> Vec<u64> {
        asked.iter().map(|ranges| ranges.iter().map(|r| r.end - r.start).sum()).collect()
    };
    let sizes = sizes(&lock(&object.asked));
    assert_eq!(sizes[..5], [64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20]);
    assert_eq!((sizes[5], sizes.len()), (32 << 20, 8));
}

proptest! {
    /// Whatever is planned, every read gives the bytes of the object.
    #[test]
    fn reads_are_right_whatever_is_planned(
        plan in prop::collection::vec(prop::collection::vec((0_u64..4_000_000, 1_u64..500_000), 0..4), 0..4),
        reads in prop::collection::vec((0_u64..3_000_000, 1_u64..100_000), 1..10),
    ) {
        let object = object(3_100_000);
        let ahead = Ahead::new(object.clone());
        let column = |ranges: Vec<(u64, u64)>| ranges.into_iter().map(|(at, len)| at..at + len).collect();
        ahead.plan(plan.into_iter().map(column).collect());
        for (at, len) in reads {
            read(&ahead, at..(at + len).min(object.size));
        }
        prop_assert_eq!(ahead.read(&mut [0; 10], object.size).expect("the end"), 0);
    }
}
