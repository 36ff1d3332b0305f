//! One pass over the text of all rows: what every row contributes to the weights.

use arrow_array::RecordBatch;
use xxhash_rust::xxh3::xxh3_64;

use super::entropy::Entropy;
use super::features::{BANDS, Extractor, Features};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::parallel::fold;
use crate::select::RowMask;
use crate::source::{Projected, Source};
use crate::text::{TextColumn, count_chars};

/// The result of a pass over some spans of a source. Parts merge in any order.
#[derive(Debug, Clone)]
pub struct Survey<T> {
    blocks: Vec<(u64, Vec<T>)>,
}

impl<T> Default for Survey<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Survey<T> {
    /// Takes in the survey of another part of the source.
    pub fn merge(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
    }

    /// One value a row, in the order of the rows.
    #[must_use]
    pub fn into_rows(mut self) -> Vec<T> {
        self.blocks.sort_unstable_by_key(|(first, _)| *first);
        let mut rows = Vec::with_capacity(self.blocks.iter().map(|(_, block)| block.len()).sum());
        for (_, mut block) in self.blocks {
            rows.append(&mut block);
        }
        rows
    }
}

/// Version of the serialised form of a survey.
const VERSION: u32 = 1;
const ROW_BYTES: usize = 8 + 4 * BANDS + 4 + 2 + 2;

impl Survey<Features> {
    /// The survey as bytes, for another process to merge.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (first, block) in &self.blocks {
            bytes.extend(first.to_le_bytes());
            bytes.extend((block.len() as u64).to_le_bytes());
            for row in block {
                bytes.extend(row.exact.to_le_bytes());
                row.bands.iter().for_each(|band| bytes.extend(band.to_le_bytes()));
                bytes.extend(row.chars.to_le_bytes());
                bytes.extend(row.shingles.to_le_bytes());
                bytes.extend(row.distinct.to_le_bytes());
            }
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
        let (body, checksum) = bytes.split_last_chunk::<8>().ok_or_else(damaged)?;
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(damaged());
        }
        let mut rest = Reader(body);
        let version = u32::from_le_bytes(rest.take().ok_or_else(damaged)?);
        if version != VERSION {
            return Err(Error::Invalid(format!(
                "the survey has version {version}, but this release reads version {VERSION}; \
                 make it again"
            )));
        }
        let mut blocks = Vec::new();
        while !rest.0.is_empty() {
            let first = u64::from_le_bytes(rest.take().ok_or_else(damaged)?);
            let len = u64::from_le_bytes(rest.take().ok_or_else(damaged)?) as usize;
            if len.checked_mul(ROW_BYTES).is_none_or(|bytes| bytes > rest.0.len()) {
                return Err(damaged());
            }
            let block = (0..len).map(|_| rest.row()).collect::<Option<Vec<_>>>();
            blocks.push((first, block.ok_or_else(damaged)?));
        }
        Ok(Self { blocks })
    }
}

/// Takes numbers off the front of some bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn row(&mut self) -> Option<Features> {
        let exact = u64::from_le_bytes(self.take()?);
        let mut bands = [0; BANDS];
        for band in &mut bands {
            *band = u32::from_le_bytes(self.take()?);
        }
        Some(Features {
            exact,
            bands,
            chars: u32::from_le_bytes(self.take()?),
            shingles: u16::from_le_bytes(self.take()?),
            distinct: u16::from_le_bytes(self.take()?),
        })
    }
}

/// Surveys the text columns `columns` of a source.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn survey(ctx: &Context, source: &Source, columns: &[usize]) -> Result<Vec<Features>> {
    scan(ctx, source, columns, Extractor::default, |extractor, batch, rows| {
        let texts = columns_of(batch)?;
        let len = batch.num_rows();
        for row in 0..len {
            for column in &texts {
                extractor.add(column[row]);
            }
            rows.push(extractor.finish());
        }
        Ok(())
    })
}

/// For the entropy rule: each row's entropy of the first text column, and characters in all.
///
/// # Errors
/// When reading fails, or the call is cancelled.
pub fn entropies(ctx: &Context, source: &Source, columns: &[usize]) -> Result<Vec<(u64, u32)>> {
    scan(ctx, source, columns, Entropy::default, |entropy, batch, rows| {
        let texts = columns_of(batch)?;
        for row in 0..batch.num_rows() {
            let chars: usize = texts.iter().map(|column| count_chars(column[row])).sum();
            let bits = texts.first().map_or(0, |column| entropy.of(column[row]));
            rows.push((bits, u32::try_from(chars).unwrap_or(u32::MAX)));
        }
        Ok(())
    })
}

fn scan<W, T: Send>(
    ctx: &Context,
    source: &Source,
    columns: &[usize],
    worker: impl Fn() -> W + Sync,
    look: impl Fn(&mut W, &RecordBatch, &mut Vec<T>) -> Result<()> + Sync,
) -> Result<Vec<T>>
where
    W: Send,
{
    ctx.begin(source.rows());
    let texts: Projected = source.project(columns)?;
    let spans = texts.spans();
    let (survey, _) = fold(
        ctx,
        spans.len(),
        || (Survey::default(), worker()),
        |(survey, worker), task| {
            let span = &spans[task];
            let len = (span.ordinals.end - span.ordinals.start) as usize;
            let mut rows = Vec::with_capacity(len);
            for batch in texts.read(span, &RowMask::AllTrue(len))? {
                ctx.check()?;
                let batch = batch?;
                look(worker, &batch, &mut rows)?;
                ctx.advance(batch.num_rows() as u64);
            }
            survey.blocks.push((span.ordinals.start, rows));
            Ok(())
        },
        |(survey, _), (other, _)| survey.merge(other),
    )?;
    Ok(survey.into_rows())
}

fn columns_of(batch: &RecordBatch) -> Result<Vec<Vec<&str>>> {
    let texts = batch.columns().iter().map(|column| {
        let text = TextColumn::new(column)
            .ok_or_else(|| Error::Internal("a text column is not text".into()))?;
        let mut rows = Vec::with_capacity(batch.num_rows());
        text.for_each(|text| rows.push(text));
        Ok(rows)
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: u32) -> Vec<Features> {
        let row = |i: u32| {
            let mut extractor = Extractor::default();
            extractor.add(&format!("第{i}行"));
            extractor.finish()
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn parts_survive_a_journey_and_merge_in_any_order() {
        let all = rows(100);
        let mut parts: Vec<Survey<Features>> = all
            .chunks(7)
            .zip(0..)
            .map(|(part, i)| Survey { blocks: vec![(i * 7, part.to_vec())] })
            .collect();
        parts.reverse();
        parts.swap(2, 9);
        let mut total = Survey::default();
        for part in parts {
            total.merge(Survey::from_bytes(&part.to_bytes()).expect("sound"));
        }
        assert_eq!(total.into_rows(), all);
    }

    #[test]
    fn damage_is_found() {
        let mut bytes = Survey { blocks: vec![(0, rows(3))] }.to_bytes();
        assert!(Survey::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Survey::from_bytes(&[]).is_err());
        bytes[20] ^= 1;
        assert!(Survey::from_bytes(&bytes).is_err());
    }
}
