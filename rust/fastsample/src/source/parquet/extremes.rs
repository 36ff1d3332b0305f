//! Extremes of a column in each row group, from the statistics in the footer.

use arrow_array::{ArrayRef, new_null_array};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, SortOrder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::catch::catch;
use super::file::ParquetFile;
use crate::source::extremes::Extremes;

impl ParquetFile {
    /// The extremes of a column, if it is not nested and its order is the one that the format defines
    /// for its type: old writers ordered texts and unsigned numbers in ways of their own.
    pub(crate) fn extremes(&self, column: &str) -> Option<Extremes> {
        let (root, field) = self.schema().column_with_name(column)?;
        let leaves = self.leaves(&[root]);
        let &[leaf] = leaves.as_slice() else { return None };
        let file = self.metadata().file_metadata();
        let described = file.schema_descr().column(leaf);
        let is_nested = described.path().parts().len() > 1 || described.max_rep_level() > 0;
        let order = file.column_orders().and_then(|orders| orders.get(leaf));
        let is_ordered = matches!(
            order,
            Some(ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::SIGNED | SortOrder::UNSIGNED))
        );
        let groups = self.metadata().row_groups();
        let is_old = |group: &RowGroupMetaData| {
            group.column(leaf).statistics().is_some_and(Statistics::is_min_max_deprecated)
        };
        if is_nested || !is_ordered || groups.iter().any(is_old) {
            return None;
        }
        let found = catch(self.path(), || {
            let all = StatisticsConverter::from_column_index(leaf, field, file.schema_descr())?
                .with_missing_null_counts_as_zero(false);
            let greatest: ArrayRef = if field.data_type().is_floating() {
                // NaN is above all numbers, and not counted.
                new_null_array(field.data_type(), groups.len())
            } else {
                all.row_group_maxes(groups)?
            };
            let (least, nulls) = (all.row_group_mins(groups)?, all.row_group_null_counts(groups)?);
            Ok(Extremes { least, greatest, nulls })
        });
        // Bounds that can't be read bound nothing.
        found.ok()
    }
}
