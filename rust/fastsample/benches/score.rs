//! Benchmark of scoring: bytes a second on one core, by language and by term.
//!
//! `cargo bench -p fastsample --bench score`. Time is processor time where the system tells it, so
//! that other work on a shared machine counts little.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fastsample::hash::RowHash;
use fastsample::smart::entropy::Entropy;
use fastsample::smart::extractor::{Extractor, Tables};
use fastsample::smart::features::Features;
use fastsample::smart::pilot::{DocumentFrequencies, PilotShingles};
use fastsample::smart::terms::commonness::Commonness;
use fastsample::smart::terms::importance::ImportanceRatio;
use fastsample::smart::terms::target::{TargetTable, TargetTables};
use fastsample::text::hash_of;
use fastsample::text::shingle::Shingles;

/// The time that this thread has run, from the scheduler's statistics of Linux, else the clock.
struct ThreadTime(WallTime);

fn thread_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

impl Measurement for ThreadTime {
    type Intermediate = (Instant, Option<Duration>);
    type Value = Duration;

    fn start(&self) -> Self::Intermediate {
        (Instant::now(), thread_time())
    }
    fn end(&self, (wall, thread): Self::Intermediate) -> Duration {
        match (thread, thread_time()) {
            (Some(start), Some(end)) => end.saturating_sub(start).max(Duration::from_nanos(1)),
            _ => wall.elapsed(),
        }
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        self.0.add(a, b)
    }
    fn zero(&self) -> Duration {
        self.0.zero()
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        self.0.to_f64(value)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}

/// Pairs of texts, made of pieces of which some are far more common than others, as words are.
fn rows(pieces: &[String], separator: &str, count: u64, mean_pieces: u64) -> Vec<[String; 2]> {
    let hash = RowHash::new(7);
    let mut state = 0_u64;
    let mut number = |below: u64| {
        state += 1;
        hash.of(state) % below
    };
    let mut text = |mean: u64| {
        let pieces: Vec<&str> = (0..mean / 2 + number(mean))
            .map(|_| {
                let most = number(pieces.len() as u64) + 1;
                pieces[number(most) as usize].as_str()
            })
            .collect();
        pieces.join(separator)
    };
    (0..count).map(|_| [text(mean_pieces / 2), text(mean_pieces)]).collect()
}

fn chinese() -> Vec<[String; 2]> {
    let hash = RowHash::new(8);
    let character = |i: u64| char::from_u32(0x4e00 + (hash.of(i) % 6000) as u32).unwrap_or('的');
    let word = |i: u64| (0..=i % 3).map(|j| character(i * 4 + j)).collect::<String>();
    let mut words: Vec<String> = (0..20_000).map(word).collect();
    words[..3].clone_from_slice(&["，", "。", "的"].map(String::from));
    rows(&words, "", 8_000, 70)
}

fn english() -> Vec<[String; 2]> {
    let hash = RowHash::new(9);
    let letter = |i: u64| char::from(b"etaoinshrdlucmfwypvbgkqjxz"[(hash.of(i) % 18) as usize]);
    let word = |i: u64| (0..2 + i % 8).map(|j| letter(i * 16 + j)).collect::<String>();
    let words: Vec<String> = (0..20_000).map(word).collect();
    rows(&words, " ", 4_000, 70)
}

fn counts(texts: &[[String; 2]]) -> DocumentFrequencies {
    let (mut grams, mut shingles) = (PilotShingles::default(), Shingles::default());
    for row in texts {
        shingles.clear();
        row.iter().for_each(|text| shingles.add(text));
        grams.add(shingles.hashes());
    }
    grams.into_counts()
}

fn score(bench: &mut Criterion<ThreadTime>) {
    for (language, texts) in [("Chinese", chinese()), ("English", english())] {
        let bytes: usize = texts.iter().flatten().map(String::len).sum();
        assert!((2_000_000..12_000_000).contains(&bytes), "{language}: {bytes} bytes");
        let counts = counts(&texts);
        let commonness = Commonness::new(counts.iter());
        let ratio = ImportanceRatio::new(counts.iter().step_by(2), counts.iter());
        let target = TargetTables::new(vec![TargetTable::Ratio(ratio)]).ok();
        let mut group = bench.benchmark_group("score");
        group.throughput(Throughput::Bytes(bytes as u64)).sample_size(20);
        let tables = [
            ("duplicates, length, repetition", None, None),
            ("and commonness", Some(&commonness), None),
            ("and commonness, target", Some(&commonness), target.as_ref()),
        ];
        for (terms, commonness, target) in tables {
            let tables = Tables { commonness, target, ..Tables::default() };
            group.bench_function(BenchmarkId::new(terms, language), |bench| {
                let mut extractor = Extractor::new(tables);
                bench.iter(|| {
                    let mut features = Features::default();
                    for row in &texts {
                        let texts = row.each_ref().map(String::as_str);
                        extractor.add(texts.into_iter(), hash_of(&texts), false, &mut features);
                    }
                    black_box(features)
                });
            });
        }
        group.bench_function(BenchmarkId::new("shingles alone", language), |bench| {
            let mut shingles = Shingles::default();
            bench.iter(|| {
                for row in &texts {
                    shingles.clear();
                    row.iter().for_each(|text| shingles.add(text));
                    black_box(shingles.hashes());
                }
            });
        });
        group.bench_function(BenchmarkId::new("entropy", language), |bench| {
            let mut entropy = Entropy::default();
            bench.iter(|| {
                texts.iter().map(|[prompt, _]| entropy.of([prompt.as_str()])).sum::<u64>()
            });
        });
        group.finish();
    }
}

fn config() -> Criterion<ThreadTime> {
    let seconds = Duration::from_secs(3);
    Criterion::default().with_measurement(ThreadTime(WallTime)).measurement_time(seconds)
}

criterion_group! { name = benches; config = config(); targets = score }
criterion_main!(benches);
