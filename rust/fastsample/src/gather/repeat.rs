//! Rows that come several times in a row: draws with replacement.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Picker;
use crate::error::Result;

/// Rows of one batch that are made at once.
const ROWS: usize = 8192;

/// The rows of `batch`, each as often as `counts` says, in batches of some rows.
pub(super) fn repeated<'a>(
    batch: RecordBatch,
    schema: &'a SchemaRef,
    counts: &'a [u32],
) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
    let picker = Picker::new([batch].into());
    let mut positions = counts
        .iter()
        .enumerate()
        .flat_map(|(row, &count)| std::iter::repeat_n(row, count as usize));
    let pieces = std::iter::from_fn(move || {
        let some: Vec<usize> = positions.by_ref().take(ROWS).collect();
        (!some.is_empty()).then_some(some)
    });
    pieces.flat_map(move |some| match picker.pick(schema, &some) {
        Ok(batches) => batches.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}
