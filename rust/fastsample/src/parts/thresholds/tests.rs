//! Thresholds of groups against a naive draw.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use proptest::prelude::*;

use super::*;
use crate::partition::key;

/// Windows of groups by the column of all tests.
fn by(windows: &[Window], seed: u64) -> Windows<'_> {
    Windows::by(windows, seed, GroupColumns::by(const { &[String::new()] }))
}

/// What parts that end at `cuts` say of rows of these groups, merged from the last to the first.
fn observed(windows: &Windows, of: &[u32], cuts: &[usize]) -> NearThresholds {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % of.len()).chain([of.len()]).collect();
    ends.sort_unstable();
    let mut start = 0;
    let mut parts = Vec::new();
    for end in ends {
        let values = of[start..end].iter().map(|group| Some(group.to_string()));
        let column: ArrayRef = Arc::new(values.collect::<StringViewArray>());
        let batch = RecordBatch::try_from_iter([("", column)]).expect("a column");
        let (mut part, all) = (NearThresholds::default(), Selection::All { rows: of.len() as u64 });
        windows.add(&mut part, start as u64, &batch, &all).expect("no nulls");
        let mut bytes = Vec::new();
        part.write(&mut bytes);
        assert_eq!(NearThresholds::read(&bytes).as_ref(), Some(&part));
        parts.push(part);
        start = end;
    }
    let mut all = parts.pop().expect("a part");
    parts.into_iter().rev().for_each(|part| all.merge(part));
    all
}

/// A window for each group that gives rows.
fn windows_of(of: &[u32], share: f64, window: impl Fn(u128, u64, u64) -> Window) -> Vec<Window> {
    let windows = (0_u32..4).filter_map(|group| {
        let rows = of.iter().filter(|&&g| g == group).count() as u64;
        let n = (rows as f64 * share) as u64;
        let hash = key([Some(group.to_string().as_str())].into_iter());
        (n > 0).then(|| window(hash, rows, n))
    });
    windows.collect()
}

fn naive(of: &[u32], share: f64, seed: u64) -> Vec<u64> {
    let (hash, mut all) = (RowHash::new(seed), Vec::new());
    for group in 0..4 {
        let mut rows: Vec<u64> =
            (0..of.len() as u64).filter(|&row| of[row as usize] == group).collect();
        rows.sort_by_key(|&row| hash.of(row));
        rows.truncate((rows.len() as f64 * share) as usize);
        all.append(&mut rows);
    }
    all.sort_unstable();
    all
}

fn ids(rows: &Selection) -> Vec<u64> {
    let mut ids = Vec::new();
    rows.extend_ids(0..rows.rows(), &mut ids);
    ids
}

proptest! {
    #[test]
    fn the_rows_are_the_naive_ones(
        of in prop::collection::vec(0_u32..4, 1..3000), share in 0.0..=1.0, seed: u64,
        cuts in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        let made = windows_of(&of, share, Window::new);
        let windows = by(&made, seed);
        let found = windows.decide(observed(&windows, &of, &cuts)).expect("sound");
        let Threshold::Within(rows) = found else { panic!("a threshold outside of its window") };
        prop_assert_eq!(ids(&rows), naive(&of, share, seed));
    }

    #[test]
    fn a_window_that_misses_is_made_wider(
        of in prop::collection::vec(0_u32..4, 1..500), share in 0.2..=1.0, seed: u64,
        low: u64, width: u64,
    ) {
        let narrow = |group, _, n| Window { group, n, low, high: low.saturating_add(width) };
        let made = windows_of(&of, share, narrow);
        let windows = by(&made, seed);
        let rows = match windows.decide(observed(&windows, &of, &[7])).expect("sound") {
            Threshold::Within(rows) => rows,
            Threshold::Outside(wider) => {
                prop_assert_ne!(hash_of(&wider), hash_of(&made));
                let windows = by(&wider, seed);
                match windows.decide(observed(&windows, &of, &[])).expect("sound") {
                    Threshold::Within(rows) => rows,
                    Threshold::Outside(_) => panic!("a window of all rows misses"),
                }
            }
        };
        prop_assert_eq!(ids(&rows), naive(&of, share, seed));
    }
}

#[test]
fn windows_are_narrow() {
    let (low, high) = threshold_window(1 << 30, 1 << 20);
    let within = (high - low) as f64 / 2_f64.powi(64) * f64::from(1 << 30);
    assert!((16_000.0..17_000.0).contains(&within), "{within} rows are sent");
    let few = Window::new(0, 100, 1);
    assert_eq!(few.low, 0);
    assert_eq!(Window::new(0, 7, 7).low, u64::MAX);
}

#[test]
fn strange_states_are_refused() {
    let of = [0, 1, 0, 1, 1, 0];
    let made = windows_of(&of, 0.7, Window::new);
    let windows = by(&made, 5);
    let sound = observed(&windows, &of, &[2]);
    assert!(sound.covers(std::slice::from_ref(&(0..6))) && !sound.covers(&[0..5, 7..8]));
    let mut other = sound.clone();
    other.groups.insert(9, Near { below: 1, within: Vec::new() });
    assert!(windows.decide(other).is_err(), "no such group");
    let mut twice = sound.clone();
    let near = twice.groups.get_mut(&0).expect("rows of the first group");
    near.within = vec![near.within[0]; near.within.len()];
    assert!(windows.decide(twice).is_err(), "a row that comes twice");
    let mut outside = sound;
    outside.groups.get_mut(&0).expect("rows of the first group").within.push((9, 6));
    assert!(!outside.covers(std::slice::from_ref(&(0..6))));
}
