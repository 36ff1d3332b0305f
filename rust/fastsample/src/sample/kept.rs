//! Rows of a sample that lie in an earlier output: a sample of a source that has grown.
//!
//! ```text
//!  earlier sample   o o   o o     of the first rows of the source; an output has them, in order
//!  sample           o   x o o x x     o: read from the output, x: read from the source
//! ```

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use crate::exec::Context;
use crate::gather::{Gather, Share, interleaved_by};
use crate::select::Selection;
use crate::source::{Batches, Projected, Source};

/// Ordinals looked at together.
const BLOCK_ROWS: usize = 1 << 16;

/// The rows of a sample that an earlier output has.
#[derive(Debug, Clone)]
pub(crate) struct KeptRows {
    /// The earlier output, with the columns of the sample.
    output: Source,
    /// Those of its rows that are in the sample.
    of_output: Selection,
    /// The rows of the sample that it lacks, among those of the source.
    others: Selection,
}

impl KeptRows {
    /// The rows of `selection` that `output` has: in it lie those of `before`, a selection among the
    /// first rows.
    pub(super) fn new(selection: &Selection, before: &Selection, output: Source) -> Self {
        let mut of_output = BooleanBufferBuilder::new(before.len() as usize);
        let mut ids = Vec::new();
        for first in (0..before.rows()).step_by(BLOCK_ROWS) {
            ids.clear();
            before.extend_ids(first..before.rows().min(first + BLOCK_ROWS as u64), &mut ids);
            ids.iter().for_each(|&id| of_output.append(selection.has(id)));
        }
        let is_other = |row: usize| {
            let row = row as u64;
            selection.has(row) && !(row < before.rows() && before.has(row))
        };
        let others = BooleanBuffer::collect_bool(selection.rows() as usize, is_other);
        Self {
            output,
            of_output: Selection::of_bits(of_output.finish()),
            others: Selection::of_bits(others),
        }
    }

    /// Files that are read besides those of the source.
    pub(super) fn output(&self) -> &Source {
        &self.output
    }

    /// Rows that the output has.
    pub(super) fn len(&self) -> u64 {
        self.of_output.len()
    }

    /// For each row of `selection`, in order: 0 if the output has it, else 1.
    fn order(&self, selection: &Selection) -> impl Iterator<Item = usize> + Send + use<> {
        let (selection, others) = (selection.clone(), self.others.clone());
        let rows = selection.rows();
        (0..rows).step_by(BLOCK_ROWS).flat_map(move |first| {
            let (mut ids, others) = (Vec::new(), others.clone());
            selection.extend_ids(first..rows.min(first + BLOCK_ROWS as u64), &mut ids);
            ids.into_iter().map(move |id| usize::from(others.has(id)))
        })
    }

    /// The rows of `selection`, in order, as batches that are read in the background.
    pub(super) fn gather(&self, ctx: &Context, source: &Source, selection: &Selection) -> Gather {
        ctx.begin(selection.len());
        // Long runs come from one of the two, which then has all threads.
        let share = Share { threads: ctx.threads(), of: 2 };
        let read = |source: &Source, rows: &Selection| -> Batches<'static> {
            Box::new(Gather::start_one(ctx, &Projected::from(source), rows, share))
        };
        let streams = vec![read(&self.output, &self.of_output), read(source, &self.others)];
        let order = Box::new(self.order(selection));
        let schema = source.schema();
        Gather::of_batches(interleaved_by(ctx, streams, order, schema), schema.clone())
    }
}
