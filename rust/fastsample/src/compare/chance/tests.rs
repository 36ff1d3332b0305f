//! Rates of false alarms and of biases found, over many sources and samples.

use super::*;
use crate::hash::RowHash;

/// Of a test at this level, over all sources together.
const ALPHA: f64 = 0.01;
const SOURCES: u64 = 6;
const SAMPLES: u64 = 250;

/// N-grams of rows: each row is about something, some rows are a hundred times as long as
/// others, and n-grams of a row come together.
fn rows(rows: usize, seed: u64) -> Vec<Vec<usize>> {
    let hash = RowHash::new(seed);
    let share = |i: u64| hash.of(i) as f64 / u64::MAX as f64;
    let row = |row: u64| {
        let length = 20.0 / (share(row << 20) + 0.01).powf(0.9);
        let about = hash.of(row << 20 | 1) % 40 * 25;
        (0..length as u64)
            .map(|i| {
                let u = share(row << 20 | (i + 2));
                let class = if i % 3 == 0 { about as f64 + u * 25.0 } else { u.powi(3) * 1e3 };
                class as usize % CLASSES
            })
            .collect()
    };
    (0..rows as u64).map(row).collect()
}

fn groups<'a>(rows: impl Iterator<Item = (u64, &'a Vec<usize>)>, number: usize) -> Groups {
    let mut groups = Groups::new(number);
    for (random, row) in rows {
        groups.add_row(random);
        row.iter().for_each(|&class| groups.counts_of(random)[class] += 1);
    }
    groups
}

/// The distance of the rows that come first by `rank` from all.
fn distance_of(rows: &[Vec<usize>], size: Size, rank: impl Fn(usize) -> u64) -> f64 {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| rank(row));
    let count = |chosen: &[usize]| groups(chosen.iter().map(|&row| (0, &rows[row])), 1).total();
    distance(&count(&order), &count(&order[..size.sample as usize]), size)
}

/// Calls of bias among random samples, and among those that rather leave out what is about the
/// first half of all things.
fn alarms(number: usize, share: f64) -> (u64, u64) {
    let ctx = Context::new(Some(2));
    let (mut alarms, mut seen) = (0, 0);
    for source in 0..SOURCES {
        let rows = rows(number, source);
        let hash = RowHash::new(source + 100);
        let of_source = groups((0..).map(|row| hash.of(row)).zip(&rows), GROUPS);
        let n = (number as f64 * share) as usize;
        let size = Size { sample: n as f64, source: number as f64, contained: true };
        let chance = Chance::new(&ctx, &of_source, size).expect("not cancelled");
        for sample in 0..SAMPLES {
            let hash = RowHash::new(sample + 1_000);
            let distance = distance_of(&rows, size, |row| hash.of(row as u64));
            alarms += u64::from(chance.judge(distance, ALPHA).is_bias());
        }
        for sample in 0..10 {
            let hash = RowHash::new(sample + 9_000);
            let about = |row: usize| rows[row].iter().step_by(3).all(|&class| class < 500);
            let rank = |row: usize| hash.of(row as u64) >> 1 | u64::from(about(row)) << 63;
            let distance = distance_of(&rows, size, rank);
            seen += u64::from(chance.judge(distance, ALPHA).is_bias());
        }
    }
    (alarms, seen)
}

#[test]
fn random_samples_are_called_biased_as_often_as_promised() {
    for (number, share) in
        [(1_000, 0.02), (1_000, 0.1), (1_000, 0.5), (1_000, 0.9), (1_000, 0.97), (3_000, 0.95)]
    {
        let (alarms, seen) = alarms(number, share);
        let trials = (SOURCES * SAMPLES) as f64;
        // Samples of one source share its draws, whose limit is off by a third as a rule.
        let spread = (trials * ALPHA * (1.0 - ALPHA)).sqrt() + trials * ALPHA / 3.0;
        let most = trials * ALPHA + 3.0 * spread;
        assert!((alarms as f64) < most, "{alarms} of {trials} at {share} of {number}");
        // Of 20 rows, and of 30 that are left out, too few tell.
        let least = if (0.05..0.96).contains(&share) { 40 } else { 0 };
        assert!(seen >= least, "only {seen} of 60 biased samples at {share} of {number}");
    }
}

#[test]
fn ranks_are_those_of_a_permutation_test() {
    let chance = Chance((0..999).map(f64::from).collect());
    // The tenth largest is not among 1 %, what lies above it is.
    assert!(!chance.judge(989.0, 0.01).is_bias() && chance.judge(989.5, 0.01).is_bias());
    let (tenth, first) = (chance.judge(989.5, 0.01), chance.judge(2e3, 0.01));
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    assert!(close(tenth.limit, 989.0) && close(tenth.p, 0.01) && close(first.p, 0.001));
    assert!(!chance.judge(2e3, 0.0005).is_bias(), "too few draws tell nothing");
}

#[test]
fn a_whole_and_a_single_row() {
    let ctx = Context::new(Some(1));
    let rows = rows(3, 1);
    let source = groups((0..).zip(&rows), GROUPS);
    let whole = Size { sample: 3.0, source: 3.0, contained: true };
    let same = grams(&ctx, &source, &source, whole, ALPHA).expect("not cancelled");
    assert!(!same.is_bias() && same.value < 1e-12);
    let one = groups((0..1).zip(&rows), 1);
    let size = Size { sample: 1.0, ..whole };
    assert!(!grams(&ctx, &source, &one, size, ALPHA).expect("not cancelled").is_bias());
    let other = grams(&ctx, &source, &one, whole, ALPHA).expect("not cancelled");
    assert!(other.is_bias(), "a whole that is not the source");
}
