//! The fuzz targets without coverage: sound bytes, kept cases, and mutants of them for some seconds.
//!
//! `make fuzz` runs the same targets with coverage, for hours. `FASTSAMPLE_FUZZ_SECONDS` says how
//! long each is run here, `FASTSAMPLE_FUZZ_SEED` which mutants are made first.

#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

use std::path::Path;
use std::time::{Duration, Instant};

use fastsample::fuzz::FuzzTarget;
use fastsample::hash::RowHash;

/// No input of some kilobytes may take longer. Machines that test are busy.
const LIMIT: Duration = Duration::from_secs(10);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// Numbers that are the same in every run.
struct Numbers {
    hash: RowHash,
    next: u64,
}

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.next += 1;
        (self.hash.of(self.next) % end.max(1) as u64) as usize
    }
}

/// Changes bytes in one to four places.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], numbers: &mut Numbers) {
    const WORDS: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];
    for _ in 0..=numbers.below(4) {
        let place = numbers.below(bytes.len() + 1);
        let rest = bytes.len() - place;
        match numbers.below(8) {
            0..3 if rest > 0 => bytes[place] ^= 1 << numbers.below(8),
            3 if rest > 0 => bytes[place] = numbers.below(256) as u8,
            4 => {
                let word = WORDS[numbers.below(WORDS.len())].to_le_bytes();
                let length = [1, 2, 4, 8][numbers.below(4)].min(rest);
                bytes[place..place + length].copy_from_slice(&word[..length]);
            }
            5 => drop(bytes.drain(place..place + numbers.below(rest.min(16) + 1))),
            6 => {
                let added = bytes[place..place + numbers.below(rest.min(32) + 1)].to_vec();
                bytes.splice(place..place, added);
            }
            // The end of another one.
            7 if numbers.below(4) == 0 => {
                let other = &others[numbers.below(others.len())];
                bytes.truncate(place);
                bytes.extend(&other[numbers.below(other.len() + 1)..]);
            }
            _ => {}
        }
    }
}

fn run(target: FuzzTarget, bytes: &[u8], what: &str) -> bool {
    let started = Instant::now();
    let outcome = std::panic::catch_unwind(|| target.run(bytes)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        words.unwrap_or_else(|| "a panic".to_owned())
    });
    let took = started.elapsed();
    let finding = match &outcome {
        Err(words) => Some(words.clone()),
        Ok(_) => (took > LIMIT).then(|| format!("it takes {took:?}")),
    };
    if let Some(finding) = finding {
        let path = std::env::temp_dir().join(format!("fastsample-finding-{}", target.name));
        std::fs::write(&path, bytes).expect("a file");
        let place = path.display();
        assert!(finding.is_empty(), "{}: {what}: {finding}; the bytes are in {place}", target.name);
    }
    outcome.unwrap_or(false)
}

fn fuzz(name: &str) {
    let target = FuzzTarget::named(name);
    let mut corpus = target.seeds();
    for (number, bytes) in corpus.iter().enumerate() {
        assert!(run(target, bytes, &format!("seed {number}")), "{name}: seed {number} is refused");
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/kept").join(name);
    for entry in std::fs::read_dir(kept).into_iter().flatten() {
        let path = entry.expect("a kept case").path();
        let bytes = std::fs::read(&path).expect("a kept case");
        run(target, &bytes, &path.display().to_string());
        corpus.push(bytes);
    }
    let seconds = Duration::from_secs(number("FASTSAMPLE_FUZZ_SECONDS", 8));
    let seed = number("FASTSAMPLE_FUZZ_SEED", 0);
    let (started, mut mutants, mut accepted) = (Instant::now(), 0, 0);
    while started.elapsed() < seconds || mutants < 50 {
        let hash = RowHash::new(seed + mutants);
        let mut numbers = Numbers { hash, next: 0 };
        let mut bytes = corpus[numbers.below(corpus.len())].clone();
        mutate(&mut bytes, &corpus, &mut numbers);
        accepted += u64::from(run(target, &bytes, &format!("mutant {}", seed + mutants)));
        mutants += 1;
    }
    println!("{name}: {mutants} mutants, {accepted} of them accepted");
    assert!(accepted > 0 && accepted < mutants, "{name}: {accepted} of {mutants} are accepted");
}

#[test]
fn parquet_files() {
    fuzz("parquet");
}

#[test]
fn footers() {
    fuzz("footer");
}

#[test]
fn pages() {
    fuzz("pages");
}

#[test]
fn ipc_files() {
    fuzz("ipc");
}

#[test]
fn json_lines() {
    fuzz("jsonl");
}

#[test]
fn csv_files() {
    fuzz("csv");
}

#[test]
fn chat_templates() {
    fuzz("chat");
}

#[test]
fn texts() {
    fuzz("text");
}

#[test]
fn states() {
    fuzz("states");
}
