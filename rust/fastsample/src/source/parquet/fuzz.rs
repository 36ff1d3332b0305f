//! Fuzz target of the Parquet reader: all ways to read a file that is accepted agree.
//!
//! Small files never reach the sizes at which row groups are split, streamed or read in lanes. Here
//! each of these ways is taken whatever the size.

use std::path::Path;

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;
use arrow_select::filter::filter;

use super::file::ParquetFile;
use super::lanes::in_lanes;
use super::splits::splits;
use super::wanted::Wanted;
use super::whole::{columns, decoded, streamed};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::hash::RowHash;
use crate::select::RowMask;
use crate::source::buffers::Buffers;
use crate::source::file::SourceFile;

/// Row groups, columns and rows that are looked at.
const GROUPS: usize = 3;
const COLUMNS: usize = 12;
const ROWS: i64 = 1 << 14;

/// Reads the beginning of a file in all ways.
pub(crate) fn agree(path: &Path) -> Result<()> {
    let file = SourceFile::new(path)?;
    let file = ParquetFile::open(&file, &file.open()?)?;
    let groups: Vec<usize> = (0..file.metadata().num_row_groups().min(GROUPS)).collect();
    for field in file.schema().fields().iter().take(COLUMNS) {
        let _ = (file.extremes(field.name()), file.pages_of(field.name(), &groups));
    }
    let roots: Vec<usize> = (0..file.schema().fields().len().min(COLUMNS)).collect();
    let mut outcome = Ok(());
    for group in 0..file.metadata().num_row_groups().min(GROUPS) {
        let rows = file.metadata().row_group(group).num_rows().min(ROWS) as usize;
        if rows == 0 {
            continue;
        }
        for &root in &roots {
            outcome = outcome.and(column(&file, group, rows, root));
        }
        outcome = outcome.and(lanes(&file, group, rows, &roots));
    }
    outcome
}

/// One column: whole, some rows, piece by piece, and as a stream.
fn column(file: &ParquetFile, group: usize, rows: usize, root: usize) -> Result<()> {
    let roots = [root];
    let schema = file.metadata().file_metadata().schema_descr();
    let has_lists =
        file.leaves(&roots).into_iter().any(|leaf| schema.column(leaf).max_rep_level() > 0);
    let read = |from: usize, mask: &RowMask| {
        let range = from as u64..(from + mask.len()) as u64;
        let wanted = Wanted::new(file, group, range, mask, &roots, &Buffers::default());
        decoded(file, &wanted, &roots).and_then(columns)
    };
    let all = RowMask::AllTrue(rows);
    let whole = read(0, &all);
    let wanted = Wanted::new(file, group, 0..rows as u64, &all, &roots, &Buffers::default());
    if let Some(stream) = streamed(file, &wanted, root)? {
        match (columns(stream), &whole) {
            (Ok(stream), Ok(whole)) => assert_eq!(&stream, whole, "a stream of column {root}"),
            (Ok(_), Err(error)) => assert!(is_layout(error), "a stream overlooked {error}"),
            (Err(_), _) => {}
        }
    }
    let whole = whole?;
    let [whole] = &whole[..] else { return Ok(()) };
    assert!(whole.to_data().validate_full().is_ok(), "column {root} is not valid");
    let hash = RowHash::new(group as u64);
    let chosen = BooleanBuffer::collect_bool(rows, |row| hash.of(row as u64).is_multiple_of(3));
    let same = |found: &[ArrayRef], expected: ArrayRef, what: &str| {
        let rows: usize = found.iter().map(Array::len).sum();
        assert_eq!(rows, expected.len(), "{what} of column {root}");
        // Where lists begin is known page by page. That it is true shows only when all are read, so
        // damage without a checksum may move rows from page to page.
        if !has_lists {
            assert_eq!(found, [expected], "{what} of column {root}");
        }
    };
    if chosen.count_set_bits() > 0 {
        let picked = read(0, &RowMask::new(chosen.clone()))?;
        let expected = filter(whole, &BooleanArray::new(chosen, None)).map_err(Error::kernel)?;
        same(&picked, expected, "chosen rows");
    }
    let mut cuts = splits(file, group, &roots, 1);
    cuts.retain(|&cut| cut < rows as u64);
    let ends = cuts.iter().map(|&cut| cut as usize).chain([rows]);
    let mut start = 0;
    for end in ends {
        assert!(start < end, "a row group is cut at {cuts:?}");
        let piece = read(start, &RowMask::AllTrue(end - start))?;
        same(&piece, whole.slice(start, end - start), "a piece");
        start = end;
    }
    Ok(())
}

/// All columns, on one thread and on two.
fn lanes(file: &ParquetFile, group: usize, rows: usize, roots: &[usize]) -> Result<()> {
    if roots.len() < 2 {
        return Ok(());
    }
    let all = RowMask::AllTrue(rows);
    let wanted = Wanted::new(file, group, 0..rows as u64, &all, roots, &Buffers::default());
    let plain = decoded(file, &wanted, roots).and_then(columns);
    let lanes = in_lanes(&Context::new(Some(2)), file, &wanted, roots, 2).and_then(columns);
    match (lanes, plain) {
        (Ok(lanes), Ok(plain)) => assert_eq!(lanes, plain, "columns in lanes"),
        (Ok(_), Err(error)) => assert!(is_layout(&error), "lanes overlooked {error}"),
        (Err(error), Ok(_)) => assert!(is_layout(&error), "lanes alone say {error}"),
        (Err(_), Err(error)) => return Err(error),
    }
    Ok(())
}

/// Whether batches could be read but not be put together.
fn is_layout(error: &Error) -> bool {
    matches!(error, Error::Schema(_))
}
