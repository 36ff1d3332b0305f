//! Footer checks: whether its numbers agree with each other, the file and the pages.

use std::path::Path;

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::chunk;
use super::pages::count_values;
use crate::error::{Error, Result};
use crate::source::file::OpenFile;

/// Fails for a footer whose numbers contradict each other, or the size of the file.
pub(super) fn check_footer(path: &Path, metadata: &ParquetMetaData, size: u64) -> Result<()> {
    let damaged = |what: String| {
        Err(Error::corrupt(path, format!("damaged footer: {what}; fetch or write the file again")))
    };
    let mut rows = 0_i64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return damaged(format!("row group {index} claims {} rows", group.num_rows()));
        }
        rows = rows.saturating_add(group.num_rows());
        for column in group.columns() {
            let name = || column.column_path().string();
            if let Compression::LZO = column.compression() {
                return Err(Error::unsupported(
                    path,
                    &format!(
                        "column {:?} is compressed with LZO, which is not supported; rewrite it with zstd",
                        name()
                    ),
                ));
            }
            if column.num_values() < 0 || column.uncompressed_size() < 0 {
                return damaged(format!(
                    "column {:?} of row group {index} claims {} values in {} bytes",
                    name(),
                    column.num_values(),
                    column.uncompressed_size()
                ));
            }
            let flat = column.column_descr().max_rep_level() == 0;
            if flat && column.num_values() != group.num_rows() {
                return damaged(format!(
                    "column {:?} of row group {index} has {} values for {} rows",
                    name(),
                    column.num_values(),
                    group.num_rows()
                ));
            }
            let (data, length) = (column.data_page_offset(), column.compressed_size());
            let dictionary = column.dictionary_page_offset().unwrap_or(0);
            let start = if (1..data).contains(&dictionary) { dictionary } else { data };
            let end = start.checked_add(length);
            if data < 0 || length < 0 || end.is_none_or(|end| end as u64 > size) {
                return damaged(format!(
                    "column {:?} of row group {index} should end at byte {} of {size}",
                    name(),
                    end.unwrap_or(i64::MAX)
                ));
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return Err(Error::unsupported(
            path,
            &format!(
                "the row groups hold {rows} rows but the footer claims {}, which is not supported; \
                 rewrite the file with a current writer",
                metadata.file_metadata().num_rows()
            ),
        ));
    }
    Ok(())
}

/// Fails if a row group claims many rows for its bytes and its pages do not have them.
///
/// A column of equal values needs next to no bytes, so the claim may be true; but a false count
/// of 10^15 rows would keep a draw busy for days.
pub(super) fn check_rows(open: &OpenFile, metadata: &ParquetMetaData) -> Result<()> {
    const BELIEVED_ROWS_PER_BYTE: i64 = 8;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let bytes: i64 = group.columns().iter().map(ColumnChunkMetaData::compressed_size).sum();
        if group.num_rows() / BELIEVED_ROWS_PER_BYTE <= bytes {
            continue;
        }
        let rows = group.num_rows() as u64;
        let flat = |&leaf: &usize| group.column(leaf).column_descr().max_rep_level() == 0;
        // A row of a repeated column has one value or more; an empty list counts as one.
        let leaf = (0..group.columns().len()).find(flat);
        let column = group.column(leaf.unwrap_or(0));
        open.plan(vec![vec![chunk::range(column)]]);
        let found = count_values(open, column)?;
        if found < rows || (leaf.is_some() && found > rows) {
            return Err(Error::corrupt(
                open.path(),
                format!(
                    "damaged footer: row group {index} claims {rows} rows in {bytes} bytes, but \
                     its pages have {found}; fetch or write the file again"
                ),
            ));
        }
    }
    Ok(())
}
