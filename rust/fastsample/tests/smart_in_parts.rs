//! A smart draw from parts of a source, as on a cluster: features as bytes, merged in any order.

#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use fastsample::hash::RowHash;
use fastsample::smart::extract::{self, Extracted, SourcePart};
use fastsample::smart::pilot::{self, PilotShingles};
use fastsample::smart::terms::commonness::Commonness;
use fastsample::smart::terms::importance::ImportanceRatio;
use fastsample::smart::terms::weight::Terms;
use fastsample::smart::{self, Rule, Target};
use fastsample::{Context, Smart, Source};

/// More than a pilot counts, so that parts of the pilot lie in parts of the rows.
const ROWS: u64 = 34_000;
const PARTS: usize = 13;

/// Rows of words of which some are far more common than others; every tenth row is a copy, and
/// every seventh nearly one.
fn texts() -> Vec<String> {
    let hash = RowHash::new(5);
    let word = |i: u64| {
        let code = |j: u64| 0x4e00 + (hash.of(i * 4 + j) % 8_000) as u32;
        (0..4).filter_map(|j| char::from_u32(code(j))).collect::<String>()
    };
    let text = |row: u64| {
        let words = (0..8 + row % 30).map(|i| {
            let number = hash.of(row * 1_000 + i);
            word(number % (1 + number / 7 % 500))
        });
        words.collect::<String>()
    };
    let row = |row: u64| match row {
        _ if row % 10 == 9 => text(row - 5),
        _ if row % 7 == 6 => text(row - 3) + "。",
        _ => text(row),
    };
    (0..ROWS).map(row).collect()
}

fn source(texts: &[String]) -> Source {
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_from_iter([("text", column)]).expect("one column");
    Source::from_batches(batch.schema(), vec![batch], None).expect("a plain table")
}

/// The parts of the rows, cut at random places, in random order: first ordinal and rows.
fn parts(texts: &[String], seed: u64) -> Vec<(u64, Source)> {
    let hash = RowHash::new(seed);
    let mut cuts: Vec<u64> = (1..PARTS as u64).map(|i| 1 + hash.of(i) % (ROWS - 1)).collect();
    cuts.extend([0, ROWS]);
    cuts.sort_unstable();
    cuts.dedup();
    let part = |ends: &[u64]| (ends[0], source(&texts[ends[0] as usize..ends[1] as usize]));
    let mut parts: Vec<_> = cuts.windows(2).map(part).collect();
    parts.sort_by_key(|(first, _)| hash.of(!first));
    parts
}

#[test]
fn thirteen_parts_in_any_order_draw_the_same_rows() {
    let texts = texts();
    let (whole, target) = (source(&texts), source(&texts[100..200]));
    let ctx = Context::new(Some(2));
    let target = Target { source: target, strength: 2.0, clip: 2.0 };
    let smart = Smart { commonness: 0.5, target: Some(target.clone()), ..Smart::default() };
    let rule = Rule::Weighted(smart.clone());
    let expected = smart::draw(&ctx, &whole, 500, 3, &rule, true).expect("a sound source");
    let terms = Terms::new(&smart).expect("strengths in range");

    for seed in 0..4 {
        let parts = parts(&texts, seed);
        let part_of = |(first, source)| SourcePart { source, columns: &[0], first };
        let each = || parts.iter().map(|(first, source)| part_of((*first, source)));

        let pilot = pilot::pilot_rows(&ctx, ROWS).expect("not cancelled");
        let mut counts = PilotShingles::default();
        for part in each() {
            let bytes =
                extract::pilot_shingles(&ctx, part, &pilot).expect("a sound part").to_bytes();
            counts.merge(PilotShingles::from_bytes(&bytes).expect("sound bytes"));
        }
        let of_target = part_of((0, &target.source));
        let all = pilot::pilot_rows(&ctx, target.source.rows()).expect("not cancelled");
        let wanted =
            extract::pilot_shingles(&ctx, of_target, &all).expect("a sound target").into_counts();
        let counts = counts.into_counts();
        let importance = ImportanceRatio::new(wanted.iter(), counts.iter());
        let commonness = Commonness::new(counts.iter());

        let mut total = Extracted::default();
        for part in each() {
            let survey = Extracted::of(&ctx, part, &pilot, Some(&commonness), Some(&importance));
            let bytes = survey.expect("a sound part").to_bytes();
            total.merge(Extracted::from_bytes(&bytes).expect("sound bytes"));
        }
        let text = vec!["text".to_string()];
        let features = total.into_features();
        let found = smart::choose(&ctx, features, 500, 3, &terms, true, text).expect("drawn");
        assert_eq!(found.selection, expected.selection, "parts of seed {seed}");
        assert_eq!(found.weights, expected.weights);
        assert_eq!(found.report, expected.report);
    }
}
