//! Splits: rows at which a large row group may be cut, where pages begin.

use parquet::file::page_index::offset_index::PageLocation;

use super::file::ParquetFile;

/// Rows of a group at which it may be split into spans of about `target` uncompressed bytes.
///
/// Splits lie where a page of the heaviest column begins, since a page can only be
/// decompressed whole. A page of a lighter column that straddles a split is read on both
/// sides, so spans are made long enough for that not to matter. A group whose page limits are
/// unknown (repeated values without an index) or that consists of few large pages stays whole.
pub(crate) fn splits(file: &ParquetFile, group: usize, roots: &[usize], target: usize) -> Vec<u64> {
    const STRADDLED_SHARE: usize = 8;
    if file.bytes(group, roots) < target + target / 2 {
        return Vec::new();
    }
    let Ok(open) = file.open_again() else { return Vec::new() };
    let mut heaviest: (usize, Vec<PageLocation>) = (0, Vec::new());
    let mut straddled = 0;
    for leaf in file.leaves(roots) {
        let bytes = file.metadata().row_group(group).column(leaf).uncompressed_size() as usize;
        let Some(pages) = file.locations(&open, group, leaf) else { return Vec::new() };
        straddled += bytes / pages.len().max(1);
        if bytes > heaviest.0 {
            straddled -= bytes / pages.len().max(1);
            straddled += heaviest.0 / heaviest.1.len().max(1);
            heaviest = (bytes, pages);
        }
    }
    let rows = file.metadata().row_group(group).num_rows() as usize;
    let target = target.max(straddled * STRADDLED_SHARE);
    let span_rows = rows as u128 * target as u128 / file.bytes(group, roots) as u128;
    // Rows may be larger than the target, and a span has one at least.
    let span_rows = (span_rows as u64).max(1);
    let mut splits = Vec::new();
    let mut last = 0;
    for start in heaviest.1.into_iter().map(|page| page.first_row_index as u64) {
        let too_short_a_rest = (rows as u64 - start) < span_rows / 2;
        if start >= last + span_rows && !too_short_a_rest {
            splits.push(start);
            last = start;
        }
    }
    splits
}

/// Rows of a group at which a page of its heaviest column begins; none where that is not known.
pub(crate) fn page_rows(file: &ParquetFile, group: usize) -> Vec<u64> {
    let columns = file.metadata().row_group(group).columns();
    let heaviest = (0..columns.len()).max_by_key(|&leaf| columns[leaf].uncompressed_size());
    let Some((leaf, open)) = heaviest.zip(file.open_again().ok()) else { return Vec::new() };
    let pages = file.locations(&open, group, leaf).unwrap_or_default();
    pages.into_iter().map(|page| page.first_row_index as u64).collect()
}
