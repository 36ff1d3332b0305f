//! Feature extraction: one pass over the text of all rows, or of a part of them.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::exec::{Context, SharedSlice};
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::smart::entropy::Entropy;
use crate::smart::features::{Extractor, Features, ROW_BYTES};
use crate::smart::pilot::PilotShingles;
use crate::smart::terms::commonness::Commonness;
use crate::smart::terms::importance::ImportanceRatio;
use crate::source::Source;
use crate::text::shingle::Shingles;
use crate::text::{count_chars, texts_of};

/// A part of a data set: a source, and where its rows lie among all.
#[derive(Debug, Clone, Copy)]
pub struct SourcePart<'a> {
    /// The rows of the part.
    pub source: &'a Source,
    /// Indices of the text columns to read.
    pub columns: &'a [usize],
    /// The ordinal of the first row.
    pub first: u64,
}

/// The features of some rows. Parts merge in any order.
#[derive(Debug, Clone, Default)]
pub struct Extracted {
    blocks: Vec<(u64, Features)>,
}

/// Version of the serialised form of features.
const VERSION: u64 = 2;

impl Extracted {
    /// Extracts the features of a part. `pilot` says which of all rows were counted for the tables.
    ///
    /// # Errors
    /// When reading fails, or the call is cancelled.
    pub fn of(
        ctx: &Context,
        part: SourcePart<'_>,
        pilot: &Selection,
        commonness: Option<&Commonness>,
        importance: Option<&ImportanceRatio>,
    ) -> Result<Self> {
        ctx.begin(part.source.rows());
        let mut features = Features::zeroed(part.source.rows() as usize);
        let shared = features.shared();
        scan(
            ctx,
            &part.source.project(part.columns)?,
            scan::all,
            || (Extractor::new(commonness, importance), Features::default()),
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

    /// Takes in the features of another part of the source.
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

    /// The features as bytes, for another process to merge.
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

    /// The features that [`Extracted::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] for bytes that are damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::Invalid("the features are damaged or were cut short".into());
        let (mut body, checksum) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(damaged());
        }
        let version = take(&mut body).ok_or_else(damaged)?;
        if version != VERSION {
            return Err(Error::Invalid(format!(
                "the features have version {version}, not {VERSION}; make them anew"
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

/// Counts the shingles of the rows of a part that `pilot` selects.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn pilot_shingles(
    ctx: &Context,
    part: SourcePart<'_>,
    pilot: &Selection,
) -> Result<PilotShingles> {
    ctx.begin(pilot.len().min(part.source.rows()));
    let (counts, _) = scan(
        ctx,
        &part.source.project(part.columns)?,
        |ordinals| pilot.mask(part.first + ordinals.start..part.first + ordinals.end),
        || (PilotShingles::default(), Shingles::default()),
        |(counts, shingles), _, batch| {
            let texts = texts_of(batch, part.columns.len())?;
            for row in 0..batch.num_rows() {
                shingles.clear();
                texts.iter().for_each(|column| shingles.add(column[row]));
                counts.add(shingles.hashes());
            }
            Ok(())
        },
        |(counts, _), (other, _)| counts.merge(other),
    )?;
    Ok(counts)
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
    let shared = (SharedSlice::new(&mut entropies), SharedSlice::new(&mut chars));
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
        let part = |i: u64| Extracted { blocks: vec![(i * 7, rows(i * 7..100.min(i * 7 + 7)))] };
        let mut parts: Vec<Extracted> = (0..15).map(part).collect();
        parts.reverse();
        parts.swap(2, 9);
        let mut total = Extracted::default();
        for part in parts {
            total.merge(Extracted::from_bytes(&part.to_bytes()).expect("sound"));
        }
        assert_eq!(total.into_features(), rows(0..100));
    }

    #[test]
    fn damage_is_found() {
        let mut bytes = Extracted { blocks: vec![(0, rows(0..3))] }.to_bytes();
        assert!(Extracted::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Extracted::from_bytes(&[]).is_err());
        bytes[20] ^= 1;
        assert!(Extracted::from_bytes(&bytes).is_err());
    }
}
