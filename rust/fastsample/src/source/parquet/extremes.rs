//! Extremes of a column in each row group, from the statistics in the footer, and in each page, from
//! the column index.

use std::sync::Arc;

use arrow_buffer::BooleanBuffer;
use arrow_schema::Field;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::{ColumnOrder, SortOrder};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::catch::catch;
use super::column_index::{self, PageBounds};
use super::file::ParquetFile;
use crate::source::extremes::{Extremes, PageExtremes};
use crate::source::file::OpenFile;

impl ParquetFile {
    /// The extremes of a column in each row group, if they are bounds.
    pub(crate) fn extremes(&self, column: &str) -> Option<Extremes> {
        let (leaf, field) = self.ordered(column)?;
        let groups = self.metadata().row_groups();
        let is_old = |group: &RowGroupMetaData| {
            group.column(leaf).statistics().is_some_and(Statistics::is_min_max_deprecated)
        };
        if groups.iter().any(is_old) {
            return None;
        }
        let nulls = |group: &RowGroupMetaData| {
            group.column(leaf).statistics().and_then(Statistics::null_count_opt)
        };
        let rows = |group: &RowGroupMetaData| group.num_rows() as u64;
        let has_nulls = groups.iter().map(|group| nulls(group).is_none_or(|nulls| nulls > 0));
        let has_values =
            groups.iter().map(|group| nulls(group).is_none_or(|nulls| nulls < rows(group)));
        let schema = self.metadata().file_metadata().schema_descr();
        let bits = (has_nulls.collect(), has_values.collect());
        self.bounds(leaf, field, schema, groups, bits)
    }

    /// The pages of a column in some row groups, if their extremes are bounds. A row group without an
    /// index that makes sense is one page of which nothing is known.
    pub(crate) fn pages_of(&self, column: &str, groups: &[usize]) -> Option<PageExtremes> {
        let (leaf, field) = self.ordered(column)?;
        let chunks = || groups.iter().map(|&group| self.metadata().row_group(group).column(leaf));
        if chunks().all(|chunk| column_index::range(chunk).is_none()) {
            return None;
        }
        let open = self.open_again().ok()?;
        if open.is_far() {
            open.plan(vec![chunks().filter_map(column_index::range).collect()]);
        }
        let found: Vec<_> =
            groups.iter().map(|&group| self.page_bounds(&open, group, leaf)).collect();
        let starts = found.iter().map(|pages| pages.iter().map(|(start, _)| *start).collect());
        let starts = starts.collect();
        let pages: Vec<&PageBounds> = found.iter().flatten().map(|(_, page)| page).collect();
        let described = self.metadata().file_metadata().schema_descr().column(leaf);
        let (schema, made) = catch(self.path(), || as_groups(&described, &pages)).ok()?;
        let has_nulls = pages.iter().map(|page| page.nulls != Some(0)).collect();
        let has_values = pages.iter().map(|page| !page.is_null).collect();
        let extremes = self.bounds(0, field, &schema, &made, (has_nulls, has_values))?;
        Some(PageExtremes { starts, extremes })
    }

    /// The pages of a chunk, each with its first row.
    fn page_bounds(&self, open: &OpenFile, group: usize, leaf: usize) -> Vec<(u64, PageBounds)> {
        let column = self.metadata().row_group(group).column(leaf);
        let starts = self.locations(open, group, leaf).unwrap_or_default();
        match column_index::read(open, column, starts.len()) {
            Some(pages) if !pages.is_empty() => {
                let starts = starts.iter().map(|page| page.first_row_index as u64);
                starts.zip(pages).collect()
            }
            _ => vec![(0, PageBounds::default())],
        }
    }

    /// The leaf of a column, if it is not nested and its order is the one that the format defines for
    /// its type: old writers ordered texts and unsigned numbers in ways of their own.
    fn ordered(&self, column: &str) -> Option<(usize, &Field)> {
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
        (!is_nested && is_ordered).then_some((leaf, field))
    }

    /// What the statistics of row groups say of a leaf; `may_have` says where there may be nulls, and
    /// values. Bounds that can't be read bound nothing.
    fn bounds(
        &self,
        leaf: usize,
        field: &Field,
        schema: &SchemaDescriptor,
        groups: &[RowGroupMetaData],
        may_have: (BooleanBuffer, BooleanBuffer),
    ) -> Option<Extremes> {
        let found = catch(self.path(), || {
            let all = StatisticsConverter::from_column_index(leaf, field, schema)?;
            let (least, greatest) = (all.row_group_mins(groups)?, all.row_group_maxes(groups)?);
            Ok(Extremes::new(least, greatest, may_have.0, may_have.1))
        });
        found.ok()
    }
}

/// Pages as row groups of a file that has one column: so the bounds of both are read in one way.
fn as_groups(
    column: &ColumnDescriptor,
    pages: &[&PageBounds],
) -> parquet::errors::Result<(Arc<SchemaDescriptor>, Vec<RowGroupMetaData>)> {
    let root = Type::group_type_builder("schema").with_fields(vec![column.self_type_ptr()]);
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root.build()?)));
    let group = |page: &&PageBounds| {
        let mut chunk = ColumnChunkMetaData::builder(schema.column(0));
        if let Some(statistics) = page.statistics(column.physical_type()) {
            chunk = chunk.set_statistics(statistics);
        }
        RowGroupMetaData::builder(schema.clone()).add_column_metadata(chunk.build()?).build()
    };
    let groups = pages.iter().map(group).collect::<parquet::errors::Result<_>>()?;
    Ok((schema, groups))
}
