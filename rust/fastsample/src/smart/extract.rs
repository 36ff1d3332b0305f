//! Feature extraction: one pass over the text of all rows, or of a part of them.

use std::ops::Range;

use crate::error::Result;
use crate::exec::envelope::{Job, Payload, State, union};
use crate::exec::{Context, SharedSlice, memory};
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::smart::entropy::Entropy;
use crate::smart::extractor::{Extractor, Tables};
use crate::smart::features::{FeatureColumns, Features, TableHashes};
use crate::smart::pilot::OfPilot;
use crate::source::Source;
use crate::text::TextColumns;
use crate::text::shingle::Shingles;

/// A part of a data set: a source, and where its rows lie among all.
#[derive(Debug, Clone, Copy)]
pub struct SourcePart<'a> {
    /// The rows of the part.
    pub source: &'a Source,
    /// The text columns to read.
    pub text: &'a TextColumns,
    /// The ordinal of the first row.
    pub first: u64,
    /// What states of all parts must agree in.
    pub job: Job,
}

impl SourcePart<'_> {
    /// The state of the rows of this part, for a job with one more option.
    pub(super) fn state<P: Payload>(self, job: Job, payload: P) -> Result<State<P>> {
        State::new(job, self.first..self.first + self.source.rows(), payload)
    }
}

/// The features of some rows. Parts merge in any order.
#[derive(Debug, Clone, Default)]
pub struct Extracted {
    blocks: Vec<(u64, Features)>,
}

impl Extracted {
    /// Extracts the features of a part. `pilot` says which of all rows were counted for the tables.
    ///
    /// # Errors
    /// When reading fails, or the call is cancelled.
    pub fn of(
        ctx: &Context,
        part: SourcePart<'_>,
        pilot: &Selection,
        tables: Tables<'_>,
    ) -> Result<State<Self>> {
        let job = Self::job(part.job, pilot, tables);
        ctx.begin(part.source.rows());
        let columns = FeatureColumns::extracted(tables.hashes());
        let mut features = Features::for_rows(part.source.rows(), columns)?;
        let writer = features.writer();
        scan(
            ctx,
            &part.source.project_text(part.text, &[])?,
            scan::all,
            || (Extractor::new(tables), Features::default()),
            |(extractor, rows), first, batch| {
                let ordinal = part.first + first;
                let counted = pilot.mask(ordinal..ordinal + batch.num_rows() as u64);
                let texts = part.text.of(batch)?;
                rows.clear();
                for row in 0..batch.num_rows() {
                    extractor.add(texts.of_row(row), texts.hash(row), counted.has(row), rows);
                }
                writer.put(first as usize, rows);
                Ok(())
            },
            |_, _| (),
        )?;
        drop(writer);
        part.state(job, Self::from_rows(part.first, features))
    }

    /// What the features of all parts must agree in, for rows that are judged by these tables.
    pub(crate) fn job(job: Job, pilot: &Selection, tables: Tables<'_>) -> Job {
        let TableHashes { commonness, target, avoid } = tables.hashes();
        let table = |hash: Option<u64>| hash.unwrap_or(0).to_le_bytes();
        pilot_job(job, pilot)
            .with("commonness", &table(commonness))
            .with("importance", &table(target))
            .with("avoided", &table(avoid))
    }

    /// Features of consecutive rows, of which `first` is the first.
    #[must_use]
    pub fn from_rows(first: u64, rows: Features) -> Self {
        Self { blocks: vec![(first, rows)] }
    }

    /// The features of all rows, in order.
    #[must_use]
    pub fn into_features(mut self) -> Features {
        self.blocks.sort_unstable_by_key(|(first, _)| *first);
        let mut blocks = self.blocks.into_iter().map(|(_, rows)| rows);
        let mut all = blocks.next().unwrap_or_default();
        blocks.for_each(|rows| all.append(rows));
        all
    }
}

impl Payload for Extracted {
    const KIND: u16 = 2;
    const VERSION: u32 = 3;
    const NAME: &'static str = "features";

    fn write(&self, bytes: &mut Vec<u8>) {
        for (first, rows) in &self.blocks {
            bytes.extend(first.to_le_bytes());
            bytes.extend((rows.len() as u64).to_le_bytes());
            bytes.extend(rows.columns().bits().to_le_bytes());
            rows.write(&(0..rows.len()), bytes);
        }
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let (first, rows) = (take(&mut bytes)?, take(&mut bytes)? as usize);
            let (bits, rest) = bytes.split_first_chunk()?;
            let columns = FeatureColumns::of_bits(u16::from_le_bytes(*bits))?;
            if rows.checked_mul(columns.row_bytes())? > rest.len() {
                return None;
            }
            bytes = rest;
            if rows > 0 && !columns.are_extracted() {
                return None;
            }
            blocks.push((first, Features::read(&mut bytes, rows, columns)?));
        }
        Some(Self { blocks })
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        let block =
            |(first, rows): &(u64, Features)| Some(*first..first.checked_add(rows.len() as u64)?);
        let blocks: Option<Vec<_>> = self.blocks.iter().map(block).collect();
        let Some(mut blocks) = blocks else { return false };
        blocks.retain(|block| !block.is_empty());
        union::<Self>(&blocks, &[]).is_ok_and(|all| all == rows)
    }

    fn merge(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

/// What a pilot is read for, of the rows of a part that `pilot` selects.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn pilot_state<P: OfPilot + Payload>(
    ctx: &Context,
    part: SourcePart<'_>,
    pilot: &Selection,
) -> Result<State<P>> {
    let found = from_pilot(ctx, part, pilot, &P::default())?;
    part.state(pilot_job(part.job, pilot), found)
}

/// What states of a pilot must agree in.
pub(crate) fn pilot_job(job: Job, pilot: &Selection) -> Job {
    job.with("pilot", &pilot.len().to_le_bytes())
}

/// Shows `blank` the rows of a part that `pilot` selects.
pub(super) fn from_pilot<P: OfPilot>(
    ctx: &Context,
    part: SourcePart<'_>,
    pilot: &Selection,
    blank: &P,
) -> Result<P> {
    ctx.begin(pilot.len().min(part.source.rows()));
    let (found, _) = scan(
        ctx,
        &part.source.project_text(part.text, &[])?,
        |ordinals| pilot.mask(part.first + ordinals.start..part.first + ordinals.end),
        || (blank.clone(), Shingles::default()),
        |(found, shingles), _, batch| {
            let texts = part.text.of(batch)?;
            for row in 0..batch.num_rows() {
                shingles.clear();
                texts.of_row(row).for_each(|text| shingles.add(text));
                found.see(texts.hash(row), shingles.hashes());
            }
            Ok(())
        },
        |(found, _), (other, _)| found.join(other),
    )?;
    Ok(found)
}

/// What rules that weigh nothing know of each row's texts.
#[derive(Debug, Clone, Default)]
pub struct TextFeatures {
    /// A hash of all texts: that of [`Features::exact`].
    pub exact: Vec<u64>,
    /// Characters in all text columns.
    pub chars: Vec<u32>,
    /// Entropy of the first text column; 0 unless it was asked for.
    pub entropies: Vec<u64>,
}

/// Reads the texts of all rows for a rule that weighs nothing, with their entropies for that rule.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn row_texts(
    ctx: &Context,
    source: &Source,
    text: &TextColumns,
    with_entropies: bool,
) -> Result<TextFeatures> {
    ctx.begin(source.rows());
    memory::require_rows::<(u64, u64, u64)>(source.rows(), "the hashes and lengths")?;
    let rows = source.rows() as usize;
    let entropies = vec![0; if with_entropies { rows } else { 0 }];
    let mut all = TextFeatures { exact: vec![0; rows], chars: vec![0; rows], entropies };
    let (exact, chars, entropies) = (
        SharedSlice::new(&mut all.exact),
        SharedSlice::new(&mut all.chars),
        SharedSlice::new(&mut all.entropies),
    );
    scan(
        ctx,
        &source.project_text(text, &[])?,
        scan::all,
        || with_entropies.then(Entropy::default),
        |entropy, first, batch| {
            let texts = text.of(batch)?;
            let rows = 0..texts.rows();
            let row_chars = |row: usize| u32::try_from(texts.chars(row)).unwrap_or(u32::MAX);
            let row_exact = |row: usize| texts.hash(row);
            exact.put(first as usize, &rows.clone().map(row_exact).collect::<Vec<_>>());
            chars.put(first as usize, &rows.clone().map(row_chars).collect::<Vec<_>>());
            if let Some(entropy) = entropy {
                let bits = rows.map(|row| entropy.of(texts.of_leaf(0, row)));
                entropies.put(first as usize, &bits.collect::<Vec<u64>>());
            }
            Ok(())
        },
        |_, _| (),
    )?;
    drop((exact, chars, entropies));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;
    use crate::text::hash_of;

    fn rows(range: std::ops::Range<u64>) -> Features {
        let (mut extractor, mut rows) = (Extractor::default(), Features::default());
        for i in range {
            let text = format!("第{i}行");
            let texts = [text.as_str()];
            extractor.add(texts.into_iter(), hash_of(&texts), false, &mut rows);
        }
        rows
    }

    fn part(job: Job, ordinals: std::ops::Range<u64>) -> State<Extracted> {
        let features = rows(ordinals.clone());
        State::new(job, ordinals.clone(), Extracted::from_rows(ordinals.start, features))
            .expect("rows of the source")
    }

    #[test]
    fn parts_survive_a_journey_and_merge_in_any_order() {
        let job = Job::new(100);
        let part = |i: u64| part(job, i * 7..100.min(i * 7 + 7));
        let mut parts: Vec<State<Extracted>> = (0..15).map(part).collect();
        parts.reverse();
        parts.swap(2, 9);
        let mut total = parts.remove(0);
        for part in parts {
            let sent = State::from_bytes(&part.to_bytes()).expect("sound");
            total.merge(sent).expect("a part of the same job");
        }
        assert_eq!(total.finish().expect("a whole").into_features(), rows(0..100));
    }

    #[test]
    fn features_of_other_rows_than_the_state_says_are_refused() {
        let job = Job::new(9);
        for (first, count) in [(2, 3), (3, 3), (2, 2), (2, 4), (u64::MAX, 3)] {
            let state = State::new(job, 2..5, Extracted::from_rows(first, rows(0..count)));
            let bytes = state.expect("rows of the source").to_bytes();
            let read = State::<Extracted>::from_bytes(&bytes);
            assert_eq!(read.is_ok(), (first, count) == (2, 3), "{count} rows from {first}");
        }
    }

    /// Frozen: parts of one job may be made by other builds.
    #[test]
    fn the_bytes_are_pinned() {
        let bytes = part(Job::new(9).with("text", b"prompt"), 2..5).to_bytes();
        assert_eq!((bytes.len(), xxh3_64(&bytes)), (228, 2_543_998_190_031_005_438));
        assert!(Extracted::read(&bytes[..9]).is_none(), "no block ends there");
    }
}
