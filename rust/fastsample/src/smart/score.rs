//! Scores: the value of each term for each row, and its weight, as a table.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};

use crate::columns::text_columns;
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::select::fixed_point::WEIGHT_ONE;
use crate::smart::features::Features;
use crate::smart::options::Smart;
use crate::smart::pipeline::{KnownRows, features};
use crate::smart::priority::JUDGE;
use crate::smart::report::SmartReport;
use crate::smart::terms::weight::{Term, Terms, Weighed};
use crate::smart::terms::{commonness, duplicates, importance, repetition, template};
use crate::source::Source;

const BATCH_ROWS: usize = 1 << 16;

/// One row for each row of `source`, in its order: the value of each term, and the weight.
///
/// | column | |
/// |---|---|
/// | `chars` | characters in all text columns |
/// | `copies` | rows with the same texts, itself included |
/// | `duplicates` | estimated rows nearly the same, itself included |
/// | `novelty` | estimated share of it that those do not have; null with fewer than three of them |
/// | `commonness` | mean `log2(other rows with the shingle + 1)`, null without shingles or if switched off |
/// | `repetition` | distinct shingles / shingles, of the first 1,024 |
/// | `target` | `log2` of the odds or the ratio by the target's method; only with a target |
/// | `avoid` | `log2` of the odds that it is of the rows to avoid; only with such rows |
/// | `weight` | product of the terms, at most 1; only ratios count |
///
/// # Errors
/// As [`crate::smart::draw()`].
pub fn score(ctx: &Context, source: &Source, smart: &Smart) -> Result<(Source, SmartReport)> {
    let terms = Terms::new(smart)?;
    let text = text_columns(ctx, source, smart.text.as_deref(), JUDGE)?;
    let KnownRows { rows, copies, kinds, kept } = features(ctx, source, &text, smart, &terms)?;
    let weighed = Weighed::new(ctx, rows, copies, &terms)?;
    let mut report = SmartReport::of(ctx, text, &weighed, &terms, kinds)?;
    (report.target_passed_over, report.avoid_passed_over) = smart.passed_over();
    report.kept = kept;
    let rows = &weighed.features;
    memory::require_rows::<[u32; 10]>(rows.chars.len() as u64, "the scores")?;
    let mut copies = vec![1_u32; rows.chars.len()];
    for group in weighed.copies.groups() {
        group.iter().for_each(|&row| copies[row as usize] = group.len() as u32);
    }
    let mut fields = vec![
        Field::new("chars", DataType::UInt32, false),
        Field::new("copies", DataType::UInt32, false),
        Field::new("duplicates", DataType::Float32, false),
        Field::new("novelty", DataType::Float32, true),
        Field::new("commonness", DataType::Float32, true),
        Field::new("repetition", DataType::Float32, false),
    ];
    if terms.has(Term::Target) {
        fields.push(Field::new("target", DataType::Float32, false));
    }
    if terms.has(Term::Avoid) {
        fields.push(Field::new("avoid", DataType::Float32, false));
    }
    fields.push(Field::new("weight", DataType::Float64, false));
    let schema = Arc::new(Schema::new(fields));
    let batch = |start: usize| {
        let range = start..rows.chars.len().min(start + BATCH_ROWS);
        let common = |row: usize| {
            let mean = commonness::mean_log_count(Features::of(&rows.commonness, row));
            (terms.has(Term::Commonness) && !mean.is_nan()).then_some(mean)
        };
        let own = |&share: &u16| (share > 0).then(|| f32::from(share) / f32::from(template::WHOLE));
        let weight = |&weight: &u32| f64::from(weight) / f64::from(WEIGHT_ONE);
        let floats = |values: &mut dyn Iterator<Item = f32>| -> ArrayRef {
            Arc::new(values.collect::<Float32Array>())
        };
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values(rows.chars[range.clone()].iter().copied())),
            Arc::new(UInt32Array::from_iter_values(copies[range.clone()].iter().copied())),
            floats(&mut rows.near[range.clone()].iter().map(|&n| duplicates::estimate(n))),
            Arc::new(rows.novelty[range.clone()].iter().map(own).collect::<Float32Array>()),
            Arc::new(range.clone().map(common).collect::<Float32Array>()),
            floats(
                &mut rows.repetition[range.clone()].iter().map(|&r| repetition::distinct_share(r)),
            ),
        ];
        if terms.has(Term::Target) {
            let ratios = rows.importance[range.clone()].iter();
            columns.push(floats(&mut ratios.map(|&ratio| importance::mean_log_ratio(ratio))));
        }
        if terms.has(Term::Avoid) {
            let odds = rows.avoided[range.clone()].iter();
            columns.push(floats(&mut odds.map(|&odds| importance::mean_log_ratio(odds))));
        }
        let weights = weighed.weights[range].iter().map(weight);
        columns.push(Arc::new(Float64Array::from_iter_values(weights)));
        RecordBatch::try_new(schema.clone(), columns).map_err(Error::kernel)
    };
    let batches = (0..rows.chars.len()).step_by(BATCH_ROWS).map(batch).collect::<Result<_>>()?;
    let scores = Source::from_batches(schema.clone(), batches, None)?;
    Ok((scores.with_inputs(source.inputs()).with_inputs(smart.inputs()), report))
}
