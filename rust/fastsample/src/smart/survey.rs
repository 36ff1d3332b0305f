//! Passes over the text of all rows, or of some of them.

use xxhash_rust::xxh3::xxh3_64;

use super::commonness::Commonness;
use super::entropy::Entropy;
use super::features::{Extractor, Features, ROW_BYTES};
use super::grams::Grams;
use super::shingle::Shingles;
use super::target::Likeness;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::shared::Shared;
use crate::source::Source;
use crate::text::{count_chars, texts_of};

/// A part of a data set: a source, and where its rows lie among all.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The rows of the part.
    pub source: &'a Source,
    /// Indices of the text columns to look at.
    pub columns: &'a [usize],
    /// The ordinal of the first row.
    pub first: u64,
}

/// The features of some rows. Parts merge in any order.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    blocks: Vec<(u64, Features)>,
}

/// Version of the serialised form of a survey.
const VERSION: u64 = 2;

impl Survey {
    /// Surveys a part. `pilot` says which of all rows were counted for the tables.
    ///
    /// # Errors
    /// When reading fails, or the call is cancelled.
    pub fn of(
        ctx: &Context,
        part: Part<'_>,
        pilot: &Selection,
        commonness: Option<&Commonness>,
        likeness: Option<&Likeness>,
    ) -> Result<Self> {
        ctx.begin(part.source.rows());
        let mut features = Features::zeroed(part.source.rows() as usize);
        let shared = features.shared();
        scan(
            ctx,
            &part.source.project(part.columns)?,
            scan::all,
            || (Extractor::new(commonness, likeness), Features::default()),
            |(extractor, rows), first, batch| {
                let ordinal = part.first + first;
                let counted = pilot.mask(ordinal..ordinal + batch.num_rows() as u64);
                let texts = texts_of(batch, part.columns.len())?;
                rows.clear();
                for row in 0..batch.num_rows() {
                    texts.iter().for_each(|column| extractor.add(column[row]));
                    extractor.finish(counted.has(row), rows);
                }
                shared.put(first as usize, rows);
                Ok(())
            },
            |_, _| (),
        )?;
        drop(shared);
        Ok(Self { blocks: vec![(part.first, features)] })
    }

    /// Takes in the survey of another part of the source.
    pub fn merge(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
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

    /// The survey as bytes, for another process to merge.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (first, rows) in &self.blocks {
            bytes.extend(first.to_le_bytes());
            bytes.extend((rows.len() as u64).to_le_bytes());
            rows.write(&mut bytes);
        }
        let checksum = xxh3_64(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// The survey that [`Survey::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] for bytes that are damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::Invalid("the survey is damaged or was cut short".into());
        let (mut body, checksum) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(damaged());
        }
        let version = take(&mut body).ok_or_else(damaged)?;
        if version != VERSION {
            return Err(Error::Invalid(format!(
                "the survey has version {version}, not {VERSION}; make it anew"
            )));
        }
        let mut blocks = Vec::new();
        while !body.is_empty() {
            let first = take(&mut body).ok_or_else(damaged)?;
            let rows = take(&mut body).ok_or_else(damaged)? as usize;
            if rows.checked_mul(ROW_BYTES).is_none_or(|bytes| bytes > body.len()) {
                return Err(damaged());
            }
            blocks.push((first, Features::read(&mut body, rows).ok_or_else(damaged)?));
        }
        Ok(Self { blocks })
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

/// Counts the shingles of those rows of a part that `pilot` chooses.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn grams(ctx: &Context, part: Part<'_>, pilot: &Selection) -> Result<Grams> {
    ctx.begin(pilot.len().min(part.source.rows()));
    let (grams, _) = scan(
        ctx,
        &part.source.project(part.columns)?,
        |ordinals| pilot.mask(part.first + ordinals.start..part.first + ordinals.end),
        || (Grams::default(), Shingles::default()),
        |(grams, shingles), _, batch| {
            let texts = texts_of(batch, part.columns.len())?;
            for row in 0..batch.num_rows() {
                shingles.clear();
                texts.iter().for_each(|column| shingles.add(column[row]));
                grams.add(shingles.hashes());
            }
            Ok(())
        },
        |(grams, _), (other, _)| grams.merge(other),
    )?;
    Ok(grams)
}

/// For the entropy rule: each row's entropy of the first text column, and characters in all.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn entropies(
    ctx: &Context,
    source: &Source,
    columns: &[usize],
) -> Result<(Vec<u64>, Vec<u32>)> {
    ctx.begin(source.rows());
    let rows = source.rows() as usize;
    let (mut entropies, mut chars) = (vec![0; rows], vec![0; rows]);
    let shared = (Shared::new(&mut entropies), Shared::new(&mut chars));
    scan(
        ctx,
        &source.project(columns)?,
        scan::all,
        Entropy::default,
        |entropy, first, batch| {
            let texts = texts_of(batch, columns.len())?;
            let bits = |row: usize| texts.first().map_or(0, |column| entropy.of(column[row]));
            let bits: Vec<u64> = (0..batch.num_rows()).map(bits).collect();
            let chars = |row: usize| {
                let chars: usize = texts.iter().map(|column| count_chars(column[row])).sum();
                u32::try_from(chars).unwrap_or(u32::MAX)
            };
            let chars: Vec<u32> = (0..batch.num_rows()).map(chars).collect();
            shared.0.put(first as usize, &bits);
            shared.1.put(first as usize, &chars);
            Ok(())
        },
        |_, _| (),
    )?;
    drop(shared);
    Ok((entropies, chars))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(range: std::ops::Range<u64>) -> Features {
        let (mut extractor, mut rows) = (Extractor::default(), Features::default());
        for i in range {
            extractor.add(&format!("第{i}行"));
            extractor.finish(false, &mut rows);
        }
        rows
    }

    #[test]
    fn parts_survive_a_journey_and_merge_in_any_order() {
        let part = |i: u64| Survey { blocks: vec![(i * 7, rows(i * 7..100.min(i * 7 + 7)))] };
        let mut parts: Vec<Survey> = (0..15).map(part).collect();
        parts.reverse();
        parts.swap(2, 9);
        let mut total = Survey::default();
        for part in parts {
            total.merge(Survey::from_bytes(&part.to_bytes()).expect("sound"));
        }
        assert_eq!(total.into_features(), rows(0..100));
    }

    #[test]
    fn damage_is_found() {
        let mut bytes = Survey { blocks: vec![(0, rows(0..3))] }.to_bytes();
        assert!(Survey::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Survey::from_bytes(&[]).is_err());
        bytes[20] ^= 1;
        assert!(Survey::from_bytes(&bytes).is_err());
    }
}
