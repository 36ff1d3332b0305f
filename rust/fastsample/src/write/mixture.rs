//! A mixture in random order: the rows of each source are shuffled, and stay at the places of their
//! source, so that the order is as even as it was.

use std::sync::Arc;

use arrow_schema::SchemaRef;

use super::shuffle::{Scratch, shuffled};
use super::totals::TextTotals;
use crate::error::Result;
use crate::exec::Context;
use crate::gather::{Gather, interleaved};
use crate::hash::Permutation;
use crate::sample::Mixed;
use crate::source::Batches;
use crate::text::TextColumns;

/// The rows of `mixed`, those of each pass over a source in the order that belongs to `seed`: those
/// of the first are in the order of a shuffled sample of the source alone.
pub(super) fn shuffled_mixture<'a>(
    ctx: &Context,
    mixed: &Mixed,
    schema: &SchemaRef,
    totals: &Arc<TextTotals>,
    seed: u64,
    memory_limit: usize,
    scratch: Scratch<'a>,
) -> Result<Batches<'a>> {
    let all = mixed.len().max(1);
    let (own, kept, totals) = (ctx.clone(), schema.clone(), totals.clone());
    let each = move |rows: Gather, pass: u64, n: u64| -> Batches<'a> {
        let order = if pass == 0 {
            Permutation::new(n, seed)
        } else {
            Permutation::of_epoch(n, seed, pass)
        };
        let limit = (memory_limit as u128 * u128::from(n) / u128::from(all)) as usize;
        let rows = totals.clone().observe(own.clone(), rows, TextColumns::of_whole);
        shuffled(&own, Box::new(rows), &kept, order, limit.max(1), scratch)
            .unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
    };
    interleaved(ctx, mixed.streams(ctx, each), schema)
}
