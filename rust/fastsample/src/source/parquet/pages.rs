//! Where pages begin, and splitting large row groups there.

use std::sync::Arc;

use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::reader::SerializedPageReader;

use super::{ParquetFile, catch};
use crate::error::Result;
use crate::source::file::OpenFile;

impl ParquetFile {
    /// Rows of a group at which it may be split into spans of about `target` uncompressed bytes.
    ///
    /// Splits lie where a page of the heaviest column begins, since a page can only be
    /// decompressed whole. A page of a lighter column that straddles a split is read on both
    /// sides, so spans are made long enough for that not to matter. A group whose page limits are
    /// unknown (repeated values without an index) or that consists of few large pages stays whole.
    pub(crate) fn splits(&self, group: usize, roots: &[usize], target: usize) -> Vec<u64> {
        const STRADDLED_SHARE: usize = 8;
        if self.bytes(group, roots) < target + target / 2 {
            return Vec::new();
        }
        let Ok(open) = self.file.open() else { return Vec::new() };
        let open = Arc::new(open);
        let mut heaviest: (usize, Vec<u64>) = (0, Vec::new());
        let mut straddled = 0;
        for leaf in self.leaves(roots) {
            let bytes = self.metadata().row_group(group).column(leaf).uncompressed_size() as usize;
            let Ok(starts) = self.page_starts(&open, group, leaf) else { return Vec::new() };
            straddled += bytes / starts.len().max(1);
            if bytes > heaviest.0 {
                straddled -= bytes / starts.len().max(1);
                straddled += heaviest.0 / heaviest.1.len().max(1);
                heaviest = (bytes, starts);
            }
        }
        let rows = self.metadata().row_group(group).num_rows() as usize;
        let target = target.max(straddled * STRADDLED_SHARE);
        let span_rows = (rows as u128 * target as u128 / self.bytes(group, roots) as u128) as u64;
        let mut splits = Vec::new();
        let mut last = 0;
        for start in heaviest.1 {
            let too_short_a_rest = (rows as u64 - start) < span_rows / 2;
            if start >= last + span_rows && !too_short_a_rest {
                splits.push(start);
                last = start;
            }
        }
        splits
    }

    /// The first row of each data page of a column chunk, from the index or the page headers.
    fn page_starts(&self, open: &Arc<OpenFile>, group: usize, leaf: usize) -> Result<Vec<u64>> {
        let index = self.metadata().offset_index().and_then(|groups| groups.get(group)?.get(leaf));
        if let Some(index) = index {
            return Ok(index.page_locations().iter().map(|at| at.first_row_index as u64).collect());
        }
        catch(self.file.path(), || {
            let group = self.metadata().row_group(group);
            let rows = group.num_rows() as usize;
            let mut pages =
                SerializedPageReader::new(open.clone(), group.column(leaf), rows, None)?;
            let flat = group.column(leaf).column_descr().max_rep_level() == 0;
            let (mut starts, mut row) = (Vec::new(), 0);
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    starts.push(row as u64);
                    row += page
                        .num_rows
                        .or(page.num_levels.filter(|_| flat))
                        .ok_or_else(|| ParquetError::General("unknown page limits".into()))?;
                }
                pages.skip_next_page()?;
            }
            Ok(starts)
        })
    }

    /// Values of a column chunk without repetition, by its page headers.
    pub(super) fn count_values(
        &self,
        open: &Arc<OpenFile>,
        group: usize,
        leaf: usize,
    ) -> Result<u64> {
        catch(self.file.path(), || {
            let group = self.metadata().row_group(group);
            let rows = group.num_rows() as usize;
            let mut pages =
                SerializedPageReader::new(open.clone(), group.column(leaf), rows, None)?;
            let mut values = 0;
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    values += page.num_levels.or(page.num_rows).unwrap_or(0) as u64;
                }
                pages.skip_next_page()?;
            }
            Ok(values)
        })
    }
}
