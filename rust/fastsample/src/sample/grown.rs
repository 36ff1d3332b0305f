//! Samples of a source that has grown: what an earlier output has of them is read from it.

use super::Sample;
use super::kept::KeptRows;
use crate::error::{Error, Result};
use crate::source::Source;

impl Sample {
    /// This sample, of which the rows of `before` are read from `output`. `before` is a sample of the
    /// first rows of the same source, and its rows lie in `output`, in order. The rows and their
    /// order stay what they are.
    ///
    /// # Errors
    /// [`Error::Argument`] if `output` has another number of rows than `before`; [`Error::Schema`] if
    /// its columns have other types; [`Error::Internal`] for samples of other kinds.
    pub fn with_kept(self, before: &Self, output: &Source) -> Result<Self> {
        if !self.is_plain() || !before.is_plain() || before.rows > self.rows {
            return Err(Error::Internal("a sample that can't be read from an output".into()));
        }
        let there = before.selection.len();
        if output.rows() != there {
            return Err(Error::Argument(format!(
                "the earlier output has {} rows, but {there} rows were drawn into it; it was changed",
                output.rows()
            )));
        }
        let output = output.with_columns_of(&self.source, "the earlier output")?;
        let kept = KeptRows::new(&self.selection, &before.selection, output);
        Ok(Self { kept: Some(kept), ..self })
    }

    /// Rows that are read from an earlier output.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept.as_ref().map_or(0, KeptRows::len)
    }

    /// Fails unless the first files of the source are those of `before`, as they were.
    ///
    /// # Errors
    /// [`Error::Changed`], or [`Error::Argument`] if there are fewer files, or rows in memory.
    pub fn check_grown(&self, before: &Self) -> Result<()> {
        self.source.check_grown(&before.source)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
    use proptest::prelude::*;

    use super::*;
    use crate::exec::Context;
    use crate::select::Amount;

    fn source(ids: impl IntoIterator<Item = u64>, rows: usize) -> Source {
        let ids: ArrayRef = Arc::new(UInt64Array::from_iter_values(ids));
        let batch = RecordBatch::try_from_iter([("id", ids)]).expect("a column");
        let cut = |first| batch.slice(first, rows.min(batch.num_rows() - first));
        let batches = (0..batch.num_rows()).step_by(rows).map(cut).collect();
        Source::from_batches(batch.schema(), batches, None).expect("a table")
    }

    fn ids(sample: &Sample, ctx: &Context) -> Vec<u64> {
        let batches = sample.gather(ctx).map(|batch| batch.expect("sound"));
        let ids =
            |batch: RecordBatch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec();
        batches.flat_map(ids).collect()
    }

    proptest! {
        #[test]
        fn rows_and_order_stay_what_they_are(
            rows in 1_u64..3000, more in 0_u64..3000, share in 0.01..=1.0, other in 0.01..=1.0,
            seed: u64, batch in 1_usize..900
        ) {
            let ctx = Context::new(Some(2));
            let draw = |rows: u64, share: f64| {
                let n = ((rows as f64 * share) as u64).max(1);
                Sample::uniform(&ctx, source(0..rows, batch).into(), Amount::Rows(n), seed)
            };
            let before = draw(rows, share).expect("enough rows");
            let now = draw(rows + more, other).expect("enough rows");
            let (old, new) =
                (before.row_ids().expect("few rows"), now.row_ids().expect("few rows"));
            let was_drawn = |id: &u64| old.binary_search(id).is_ok();
            let both = new.iter().filter(|id| was_drawn(id)).count() as u64;
            // Rows of the output are marked: they must not be read from the source.
            let marked = now.clone().with_kept(&before, &source(old.iter().map(|id| id + 10_000), 77));
            let marked = marked.expect("as many rows");
            let expected = new.iter().map(|id| if was_drawn(id) { id + 10_000 } else { *id });
            prop_assert_eq!(ids(&marked, &ctx), expected.collect::<Vec<_>>());
            prop_assert_eq!((marked.kept(), marked.row_ids().expect("few rows")), (both, new));
        }
    }

    #[test]
    fn an_output_of_other_rows_is_refused() {
        let ctx = Context::new(Some(1));
        let draw = |rows| {
            Sample::uniform(&ctx, source(0..rows, 10).into(), Amount::Rows(9), 1).expect("enough")
        };
        let error = draw(200).with_kept(&draw(100), &source(0..8, 10)).expect_err("too few");
        assert!(error.to_string().contains("has 8 rows, but 9 rows were drawn"), "{error}");
        let text: ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["a"; 9]));
        let batch = RecordBatch::try_from_iter([("id", text)]).expect("a column");
        let other = Source::from_batches(batch.schema(), vec![batch], None).expect("a table");
        let error = draw(200).with_kept(&draw(100), &other).expect_err("another type");
        assert!(error.to_string().contains("\"id\" is Utf8"), "{error}");
        assert!(draw(200).check_grown(&draw(100)).is_err(), "rows in memory");
    }
}
