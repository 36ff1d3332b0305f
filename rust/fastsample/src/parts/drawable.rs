//! The state that tells which rows may be drawn, and their weights: a predicate and a column.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer};
use arrow_schema::SchemaRef;

use crate::error::Result;
use crate::exec::Context;
use crate::exec::envelope::{Payload, union};
use crate::exec::fields::{ByteFields, put};
use crate::predicate::Predicate;
use crate::row_weights;
use crate::scan;
use crate::select::{RowMask, Selection};
use crate::source::Source;

/// Which of some rows match, and their weights. Covers rows; parts merge in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Drawable(Vec<Block>);

/// Consecutive rows.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    first: u64,
    matching: BooleanBuffer,
    /// Of all rows, 0 for those that don't match; none if no column is one of weights.
    weights: Vec<f64>,
}

impl Drawable {
    /// What a part says of its rows, of which `first` is the first. `schema` has the columns of the
    /// predicate and the weights as they are in all files.
    pub(super) fn of(
        ctx: &Context,
        source: &Source,
        first: u64,
        schema: &SchemaRef,
        predicate: Option<&Predicate>,
        weight: Option<&str>,
    ) -> Result<Self> {
        let columns = source.project_as(schema);
        let columns = match predicate {
            Some(predicate) => predicate.prune(columns),
            None => columns,
        };
        ctx.begin(columns.rows_to_read());
        let found =
            scan::in_order(ctx, &columns, |at, batch| block(batch, first + at, predicate, weight))?;
        let (mut blocks, mut next) = (Vec::with_capacity(found.len()), first);
        let end = Block::without_match(first + source.rows(), 0, weight);
        for block in found.into_iter().chain([end]) {
            if block.first > next {
                blocks.push(Block::without_match(next, block.first - next, weight));
            }
            next = block.first + block.matching.len() as u64;
            blocks.push(block);
        }
        blocks.retain(|block| !block.matching.is_empty());
        Ok(Self(blocks))
    }

    /// The rows that match, and the weights of all, if there are any.
    pub(super) fn finish(mut self) -> (Selection, Vec<f64>) {
        self.0.sort_unstable_by_key(|block| block.first);
        let rows = self.0.iter().map(|block| block.matching.len()).sum();
        let (mut bits, mut weights) = (BooleanBufferBuilder::new(rows), Vec::new());
        for block in self.0 {
            bits.append_buffer(&block.matching);
            weights.extend(block.weights);
        }
        (Selection::of_bits(bits.finish()), weights)
    }
}

impl Block {
    /// Rows of which none matches.
    fn without_match(first: u64, rows: u64, weight: Option<&str>) -> Self {
        let weights = weight.map_or(Vec::new(), |_| vec![0.0; rows as usize]);
        Self { first, matching: BooleanBuffer::new_unset(rows as usize), weights }
    }
}

fn block(
    batch: &RecordBatch,
    first: u64,
    predicate: Option<&Predicate>,
    weight: Option<&str>,
) -> Result<Block> {
    let rows = batch.num_rows();
    let matching = match predicate {
        Some(predicate) => predicate.matches(batch)?,
        None => BooleanBuffer::new_set(rows),
    };
    let weights = match weight {
        Some(column) => {
            let mask = RowMask::new(matching.clone());
            row_weights::weights_of(batch, column, first, &mask)?
        }
        None => Vec::new(),
    };
    Ok(Block { first, matching, weights })
}

impl Payload for Drawable {
    const KIND: u16 = 6;
    const VERSION: u32 = 1;
    const NAME: &'static str = "rows that may be drawn";

    fn write(&self, bytes: &mut Vec<u8>) {
        for Block { first, matching, weights } in &self.0 {
            bytes.extend(first.to_le_bytes());
            bytes.extend((matching.len() as u64).to_le_bytes());
            put(bytes, matching.sliced().as_slice());
            bytes.extend((weights.len() as u64).to_le_bytes());
            bytes.extend(weights.iter().flat_map(|weight| weight.to_le_bytes()));
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut blocks) = (ByteFields(bytes), Vec::new());
        while bytes.end().is_none() {
            let (first, rows) = (bytes.u64()?, usize::try_from(bytes.u64()?).ok()?);
            let packed = bytes.bytes()?;
            if packed.len() != rows.div_ceil(8) {
                return None;
            }
            let matching = BooleanBuffer::new(Buffer::from(packed), 0, rows);
            let count = bytes.count(8)?;
            if count != 0 && count != rows {
                return None;
            }
            let weight = |_| bytes.u64().map(f64::from_bits);
            let weights = (0..count).map(weight).collect::<Option<Vec<f64>>>()?;
            if !weights.iter().all(|weight| (0.0..f64::INFINITY).contains(weight)) {
                return None;
            }
            blocks.push(Block { first, matching, weights });
        }
        Some(Self(blocks))
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        let block = |block: &Block| {
            Some(block.first..block.first.checked_add(block.matching.len() as u64)?)
        };
        let blocks: Option<Vec<_>> = self.0.iter().map(block).collect();
        let Some(mut blocks) = blocks else { return false };
        blocks.retain(|block| !block.is_empty());
        let same = |block: &Block| block.weights.is_empty() == self.0[0].weights.is_empty();
        self.0.iter().filter(|block| !block.matching.is_empty()).all(same)
            && union::<Self>(&blocks, &[]).is_ok_and(|all| all == rows)
    }

    fn merge(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawable(first: u64, weights: bool) -> Drawable {
        let matching = BooleanBuffer::collect_bool(11, |row| row % 3 == 0);
        let weights = if weights { (0..11).map(f64::from).collect() } else { Vec::new() };
        Drawable(vec![Block { first, matching, weights }])
    }

    #[test]
    fn they_survive_a_journey_and_no_cut() {
        for weights in [false, true] {
            let made = drawable(4, weights);
            let mut bytes = Vec::new();
            made.write(&mut bytes);
            assert_eq!(Drawable::read(&bytes).as_ref(), Some(&made));
            assert!((1..bytes.len()).all(|end| Drawable::read(&bytes[..end]).is_none()));
            let covers = |rows: Range<u64>| made.covers(std::slice::from_ref(&rows));
            assert!(covers(4..15) && !covers(4..14) && !covers(3..15));
        }
        let mut bytes = Vec::new();
        drawable(0, true).write(&mut bytes);
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&(-1.0_f64).to_le_bytes());
        assert!(Drawable::read(&bytes).is_none(), "no weight");
    }

    #[test]
    fn parts_merge_in_any_order() {
        let mut all = drawable(11, true);
        all.merge(drawable(0, true));
        let (matching, weights) = all.finish();
        assert_eq!((matching.len(), matching.rows(), weights.len()), (8, 22, 22));
        assert!(matching.has(9) && matching.has(11) && !matching.has(12));
        assert_eq!((weights[1], weights[12]), (1.0, 1.0));
    }
}
