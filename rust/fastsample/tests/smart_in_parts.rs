//! A smart draw from parts of a source, as on a cluster: features as bytes, merged in any order.

#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use fastsample::exec::envelope::{Job, Payload, State};
use fastsample::hash::RowHash;
use fastsample::select::Selection;
use fastsample::smart::examples::Examples;
use fastsample::smart::extract::{self, Extracted, SourcePart};
use fastsample::smart::extractor::Tables;
use fastsample::smart::pilot::{self, PilotShingles};
use fastsample::smart::terms::classifier::Classifier;
use fastsample::smart::terms::commonness::Commonness;
use fastsample::smart::terms::importance::ImportanceRatio;
use fastsample::smart::terms::target::{TargetTable, TargetTables};
use fastsample::smart::terms::weight::Terms;
use fastsample::smart::{
    self, Avoid, Judging, KindsFound, Rule, SmartReport, Target, TargetKind, TargetMethod,
};
use fastsample::text::TextColumns;
use fastsample::{Context, Result, Smart, Source};

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

/// The column of a source.
fn text_of(source: &Source) -> TextColumns {
    TextColumns::named(source.schema(), &["text".into()], |_| false).expect("text")
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

/// A source as its only part.
fn whole<'a>(source: &'a Source, text: &'a TextColumns) -> SourcePart<'a> {
    SourcePart { source, text, first: 0, job: Job::new(source.rows()) }
}

/// States that come as bytes, merged.
fn sent<P: Payload>(parts: impl IntoIterator<Item = Vec<u8>>) -> Result<State<P>> {
    let mut parts = parts.into_iter();
    let mut total = State::from_bytes(&parts.next().expect("a part"))?;
    parts.try_for_each(|part| total.merge(State::from_bytes(&part)?))?;
    Ok(total)
}

#[test]
fn thirteen_parts_in_any_order_draw_the_same_rows() {
    draw_in_parts(TargetMethod::Ratio);
}

#[test]
fn thirteen_parts_teach_a_classifier_the_same() {
    draw_in_parts(TargetMethod::Classifier);
}

fn draw_in_parts(method: TargetMethod) {
    let texts = texts();
    let (all_rows, target) = (source(&texts), source(&texts[100..200]));
    let ctx = Context::new(Some(2));
    let avoid = Avoid { source: source(&texts[20_000..20_050]), strength: 3.0, clip: 1.5 };
    let kinds = vec![TargetKind { name: "good".into(), source: target.clone() }];
    let wanted = Target { kinds, method, strength: 2.0, clip: 2.0 };
    let smart = Smart {
        commonness: 0.5,
        target: Some(wanted),
        avoid: Some(Box::new(avoid.clone())),
        ..Smart::default()
    };
    let rule = Rule::Weighted(smart.clone());
    let among = Selection::All { rows: ROWS };
    let by = Judging { source: &all_rows, among: &among, seed: 3, rule: &rule, factors: None };
    let expected = smart::draw(&ctx, &by, 500, true).expect("a sound source");
    let text = text_of(&all_rows);
    let terms = Terms::new(&smart).expect("strengths in range");
    let job = smart.job(ROWS, &["text".to_string()]);

    for seed in 0..4 {
        let parts = parts(&texts, seed);
        let part_of = |(first, source)| SourcePart { source, text: &text, first, job };
        let each = || parts.iter().map(|(first, source)| part_of((*first, source)));

        let pilot = pilot::pilot_rows(&ctx, ROWS).expect("not cancelled");
        let counts = sent(each().map(|part| {
            extract::pilot_state::<PilotShingles>(&ctx, part, &pilot)
                .expect("a sound part")
                .to_bytes()
        }));
        let counts: State<PilotShingles> = counts.expect("a whole");
        let counts = counts.finish().expect("no gap").into_counts();
        let examples = |source: &Source| {
            let all = pilot::pilot_rows(&ctx, source.rows()).expect("not cancelled");
            let found = extract::pilot_state::<Examples>(&ctx, whole(source, &text), &all);
            found.expect("a sound source").finish().expect("no gap").into_rows()
        };
        let rows =
            |part| extract::pilot_state::<Examples>(&ctx, part, &pilot).expect("a sound part");
        let others: State<Examples> =
            sent(each().map(|part| rows(part).to_bytes())).expect("a whole");
        let others = others.finish().expect("no gap").into_rows();
        let table = match method {
            TargetMethod::Ratio => {
                let all = pilot::pilot_rows(&ctx, target.rows()).expect("not cancelled");
                let wanted =
                    extract::pilot_state::<PilotShingles>(&ctx, whole(&target, &text), &all)
                        .expect("a sound target");
                let wanted = wanted.finish().expect("no gap").into_counts();
                TargetTable::Ratio(ImportanceRatio::new(wanted.iter(), counts.iter()))
            }
            TargetMethod::Classifier => {
                let learned = Classifier::learn(&ctx, &examples(&target), &others);
                TargetTable::Classifier(learned.expect("text on both sides"))
            }
        };
        let commonness = Commonness::new(counts.iter());

        let table = TargetTables::new(vec![table]).expect("one target");
        let avoided = Classifier::learn(&ctx, &examples(&avoid.source), &others);
        let avoided = avoided.expect("text on both sides");

        let tables =
            Tables { commonness: Some(&commonness), target: Some(&table), avoid: Some(&avoided) };
        let extracted = sent(each().map(|part| {
            let extracted = Extracted::of(&ctx, part, &pilot, tables);
            extracted.expect("a sound part").to_bytes()
        }));
        let extracted: State<Extracted> = extracted.expect("a whole");
        let features = extracted.finish().expect("no gap").into_features();
        let found =
            smart::choose(&ctx, features, 500, 3, &terms, true, text.clone()).expect("drawn");
        assert_eq!(found.selection, expected.selection, "parts of seed {seed}");
        assert_eq!(found.weights, expected.weights);
        // What is found of kinds stands in the report of a whole draw alone.
        let report = SmartReport { kinds: KindsFound::default(), ..expected.report.clone() };
        assert_eq!(found.report, report);
    }
}

/// Parts that are lost, doubled, cut short, swapped for those of another job or another state.
#[test]
fn parts_that_do_not_fit_are_refused() {
    let texts = texts();
    let ctx = Context::new(Some(2));
    let pilot = pilot::pilot_rows(&ctx, ROWS).expect("not cancelled");
    let (parts, text) = (parts(&texts, 1), text_of(&source(&texts)));
    let states = |job: Job, table: Option<&Commonness>| -> Vec<Vec<u8>> {
        let state = |(first, source): &(u64, Source)| {
            let part = SourcePart { source, text: &text, first: *first, job };
            let tables = Tables { commonness: table, ..Tables::default() };
            Extracted::of(&ctx, part, &pilot, tables).expect("a sound part").to_bytes()
        };
        parts.iter().map(state).collect()
    };
    let refusal = |parts: &[Vec<u8>]| {
        let whole = sent::<Extracted>(parts.iter().cloned()).and_then(State::finish);
        whole.expect_err("parts that do not fit").to_string()
    };
    let smart = Smart::default();
    let job = smart.job(ROWS, &["text".to_string()]);
    let sound = states(job, None);
    assert!(sent::<Extracted>(sound.clone()).and_then(State::finish).is_ok());

    for place in [0, 5, sound.len() - 1] {
        let mut parts = sound.clone();
        parts.remove(place);
        assert!(refusal(&parts).contains("are missing; merge the parts of all rows first"));
        let mut parts = sound.clone();
        parts.push(sound[place].clone());
        assert!(refusal(&parts).contains("come twice; merge each part once"));
        let mut parts = sound.clone();
        parts[place].truncate(sound[place].len() - 1);
        assert!(refusal(&parts).contains("damaged or were cut short"));
        // A neighbour in its place: one is lost, one doubled.
        let mut parts = sound.clone();
        parts[place] = sound[(place + 1) % sound.len()].clone();
        assert!(refusal(&parts).contains("come twice"));
    }

    let others = [
        states(smart.job(ROWS, &["prompt".to_string()]), None),
        states(Smart { length: 0.0, ..smart.clone() }.job(ROWS, &["text".to_string()]), None),
        states(smart.job(ROWS + 1, &["text".to_string()]), None),
        states(job, Some(&Commonness::new([(7, 3)].into_iter()))),
    ];
    for other in others {
        let mut parts = sound.clone();
        parts[3] = other[3].clone();
        assert!(refusal(&parts).contains("of another job"));
    }
    let (first, source) = &parts[0];
    let part = SourcePart { source, text: &text, first: *first, job };
    let shingles =
        extract::pilot_state::<PilotShingles>(&ctx, part, &pilot).expect("a sound part").to_bytes();
    assert!(refusal(&[shingles]).contains("a state of kind 1 where features (kind 2) are needed"));
}
