//! The rows of a mixture: of each source those of some passes, in the even order.

use std::sync::Arc;

use arrow_schema::SchemaRef;

use crate::error::Result;
use crate::exec::Context;
use crate::gather::{Gather, Share, interleaved};
use crate::select::{EvenOrder, Selection};
use crate::source::{Batches, Projected, Source};

/// The sources of a mixture.
#[derive(Debug, Clone)]
pub(crate) struct Mixed(Arc<[MixedPart]>);

/// A source of a mixture.
#[derive(Debug, Clone)]
pub(crate) struct MixedPart {
    /// Its name.
    pub(crate) name: String,
    /// Its rows, with the columns of all sources.
    pub(crate) source: Source,
    /// Rows that may be drawn.
    pub(crate) among: Selection,
    /// How often all of them come.
    pub(crate) whole: u64,
    /// The rows that come once more, behind those.
    pub(crate) rest: Option<Selection>,
}

impl MixedPart {
    /// Rows drawn, in all passes.
    pub(crate) fn len(&self) -> u64 {
        self.whole * self.among.len() + self.rest.as_ref().map_or(0, Selection::len)
    }

    /// The rows of each pass, one pass behind the other.
    fn passes(&self) -> impl Iterator<Item = Selection> + Send + use<> {
        let (among, rest) = (self.among.clone(), self.rest.clone());
        (0..self.whole).map(move |_| among.clone()).chain(rest)
    }
}

impl Mixed {
    /// # Errors
    /// As [`EvenOrder::new`].
    pub(crate) fn new(parts: Vec<MixedPart>) -> Result<Self> {
        let mixed = Self(parts.into());
        mixed.order().map(|_| mixed)
    }

    pub(crate) fn parts(&self) -> &[MixedPart] {
        &self.0
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(MixedPart::len).sum()
    }

    fn order(&self) -> Result<EvenOrder> {
        EvenOrder::new(&self.0.iter().map(MixedPart::len).collect::<Vec<_>>())
    }

    /// The ordinals of all rows, in their order; sources are numbered through.
    pub(crate) fn ids(&self) -> Result<impl Iterator<Item = u64>> {
        let mut of_parts = Vec::new();
        let mut first = 0;
        for part in &*self.0 {
            let ids = part.passes().flat_map(Selection::into_ids);
            of_parts.push(ids.map(move |id| first + id));
            first += part.source.rows();
        }
        Ok(self.order()?.filter_map(move |part| of_parts[part].next()))
    }

    /// All rows, in order, as batches that are read in the background.
    pub(crate) fn gather(&self, ctx: &Context, schema: &SchemaRef) -> Gather {
        let batches = interleaved(ctx, self.streams(ctx, |rows, _, _| Box::new(rows)), schema);
        let batches = batches.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))));
        Gather::of_batches(batches, schema.clone())
    }

    /// The rows of each source, and their number. `each` is what becomes of a pass: of its rows, its
    /// number and its number of rows.
    pub(crate) fn streams<'a>(
        &self,
        ctx: &Context,
        each: impl Fn(Gather, u64, u64) -> Batches<'a> + Clone + Send + 'a,
    ) -> Vec<(Batches<'a>, u64)> {
        ctx.begin(self.len());
        let read: Vec<&MixedPart> = self.0.iter().filter(|part| part.len() > 0).collect();
        let all: u64 = read.iter().map(|part| part.source.rows()).sum();
        let stream = |part: &MixedPart| -> (Batches<'a>, u64) {
            // Of the work of reading a source has a share as large as its rows.
            let rows = u128::from(part.source.rows());
            let threads = (ctx.threads() as u128 * rows).div_ceil(u128::from(all.max(1)));
            let share = Share { threads: (threads as usize).max(1), of: read.len().max(1) };
            let (ctx, source, each) = (ctx.clone(), part.source.clone(), each.clone());
            let batches = part.passes().zip(0..).flat_map(move |(pass, number)| {
                // A reader of its own: that of the pass before is at the end of compressed files.
                let rows = Gather::start_one(&ctx, &Projected::from(&source), &pass, share);
                each(rows, number, pass.len())
            });
            (Box::new(batches), part.len())
        };
        self.0.iter().map(stream).collect()
    }
}
