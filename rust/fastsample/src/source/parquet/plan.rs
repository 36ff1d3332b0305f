//! Plan of a span: the bytes of a file far away that reading its chosen rows takes.

use std::ops::Range;

use super::chunk::range;
use super::file::ParquetFile;
use super::page_reader::SLACK;
use super::wanted::Wanted;
use crate::source::file::OpenFile;

/// Bytes of a page that its header may have, and that are looked at to read it.
const HEADER: u64 = 256;

/// Tells `open` which pages of the columns `roots` will be read.
pub(super) fn plan(file: &ParquetFile, open: &OpenFile, wanted: &Wanted, roots: &[usize]) {
    if open.is_far() {
        let leaves = file.leaves(roots).into_iter();
        open.plan(leaves.map(|leaf| pages(file, open, wanted, leaf)).collect());
    }
}

/// Pages of a column with chosen rows, and the dictionary in front of them. All of the column where
/// pages begin nobody knows where.
fn pages(file: &ParquetFile, open: &OpenFile, wanted: &Wanted, leaf: usize) -> Vec<Range<u64>> {
    let group = file.metadata().row_group(wanted.group);
    let chunk = range(group.column(leaf));
    let Some(places) = file.locations(open, wanted.group, leaf) else {
        let whole = chunk.start..chunk.end + SLACK;
        return vec![whole];
    };
    let mut found = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let next = places.get(index + 1).map_or(group.num_rows(), |next| next.first_row_index);
        let first = (place.first_row_index as u64).max(wanted.range.start);
        let last = (next as u64).min(wanted.range.end);
        let rows = || (first - wanted.range.start) as usize..(last - wanted.range.start) as usize;
        if first < last && wanted.mask.slice(rows()).count() > 0 {
            let start = place.offset as u64;
            found.push(start..start + place.compressed_page_size as u64);
        }
    }
    let data = places.first().map_or(chunk.start, |place| place.offset as u64);
    if data > chunk.start && !found.is_empty() {
        found.push(chunk.start..data.max(chunk.start + HEADER));
    }
    found
}
