//! Slices of files: a part of a source, of which nothing is known but its files.
//!
//! A large file is cut into equal slices before its footer is read, so that nobody has to read all
//! footers first: into equal numbers of units (row groups, record batches), or, if it has more slices
//! than units, into equal numbers of rows. Such a cut lies where a page begins if one begins near it.
//!
//! ```text
//!  10 units, 3 slices   0 1 2 | 3 4 5 | 6 7 8 9
//!   1 unit,  3 slices   page page pa|ge page page | page page page     the second and third cut moved
//! ```

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::data::Data;
use super::file::SourceFile;
use super::object::Object;
use super::survey::{FileFacts, JointColumns};
use super::{Fragment, OPENED_AT_ONCE, Part, Source, csv, jsonl};
use crate::error::Result;
use crate::exec::{Context, map_in};

/// Which of the equal slices of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSlice {
    /// From 0.
    pub index: u32,
    /// How many there are: at least one.
    pub of: u32,
}

/// Rows of a unit that belong to a slice, counted from the first of the unit.
type UnitRows = (usize, Range<u64>);

impl FileSlice {
    /// The first of `count` things that belongs to the slice `index`.
    fn limit(self, count: u64, index: u32) -> u64 {
        (u128::from(count) * u128::from(index) / u128::from(self.of.max(1))) as u64
    }

    /// The rows that belong to it, of units with `rows` rows. `pages` tells at which rows of a unit
    /// pages begin.
    fn rows(self, rows: &[u64], pages: impl Fn(usize) -> Vec<u64>) -> Vec<UnitRows> {
        let units = rows.len() as u64;
        if units >= u64::from(self.of) {
            let (from, to) = (self.limit(units, self.index), self.limit(units, self.index + 1));
            let units = from as usize..to as usize;
            return units
                .filter(|&unit| rows[unit] > 0)
                .map(|unit| (unit, 0..rows[unit]))
                .collect();
        }
        let all: u64 = rows.iter().sum();
        // Not so far that it meets the cut next to it.
        let near = all / u64::from(self.of) / 4;
        let cut = |index: u32| {
            let at = self.limit(all, index);
            let mut first = 0;
            for (unit, &count) in rows.iter().enumerate() {
                if (first + 1..first + count).contains(&at) {
                    let starts = pages(unit).into_iter().chain([count]).map(|row| first + row);
                    let nearest = starts.min_by_key(|start| start.abs_diff(at));
                    return nearest.filter(|start| start.abs_diff(at) <= near).unwrap_or(at);
                }
                first += count;
            }
            at
        };
        let (from, to) = (cut(self.index), cut(self.index + 1));
        let (mut found, mut first) = (Vec::new(), 0);
        for (unit, &count) in rows.iter().enumerate() {
            let within = from.clamp(first, first + count)..to.clamp(first, first + count);
            if !within.is_empty() {
                found.push((unit, within.start - first..within.end - first));
            }
            first += count;
        }
        found
    }

    /// The rows of a file that belong to it.
    fn rows_of(self, data: &Data) -> Vec<UnitRows> {
        self.rows(&data.units(), |unit| data.page_rows(unit))
    }
}

/// Files of one place, each with the slice of it that is meant.
#[derive(Debug, Clone)]
pub enum SlicedFiles {
    /// Of this machine, or what it sees as such.
    Local(Vec<(PathBuf, FileSlice)>),
    /// Of an object store.
    Stored(Vec<(Arc<dyn Object>, FileSlice)>),
}

impl SlicedFiles {
    fn open(&self, ctx: &Context) -> Result<Vec<(FileSlice, Data)>> {
        let files: Vec<(SourceFile, FileSlice)> = match self {
            Self::Local(files) => {
                let file =
                    |(path, slice): &(PathBuf, FileSlice)| Ok((SourceFile::new(path)?, *slice));
                files.iter().map(file).collect::<Result<_>>()?
            }
            Self::Stored(files) => {
                let file = |(object, slice): &(Arc<dyn Object>, FileSlice)| {
                    (SourceFile::Stored(object.clone()), *slice)
                };
                files.iter().map(file).collect()
            }
        };
        let threads = match self {
            Self::Local(_) => ctx.threads(),
            Self::Stored(_) => ctx.threads().max(OPENED_AT_ONCE),
        };
        map_in(ctx, threads, files.len(), |index| {
            let (file, slice) = &files[index];
            Ok((*slice, Data::open(file)?))
        })
    }

    /// What the files say of themselves, in order. Of files of lines, all lines are read.
    pub(crate) fn survey(&self, ctx: &Context) -> Result<Vec<FileFacts>> {
        let mut facts = Vec::new();
        for (slice, mut data) in self.open(ctx)? {
            let columns = FileFacts::columns_of(ctx, &mut data)?;
            let rows = slice.rows_of(&data).iter().map(|(_, rows)| rows.end - rows.start).sum();
            let name = data.path().map(|path| path.display().to_string()).unwrap_or_default();
            facts.push(FileFacts { name, rows, columns });
        }
        Ok(facts)
    }

    /// The rows of the slices, with the columns of a whole source.
    pub(crate) fn source(&self, ctx: &Context, known: &JointColumns) -> Result<Source> {
        let (mut parts, mut fragments, mut rows) = (Vec::new(), Vec::new(), 0);
        for (part, (slice, mut data)) in self.open(ctx)?.into_iter().enumerate() {
            match &mut data {
                Data::Jsonl(file) => jsonl::index_known(ctx, file, &known.jsonl)?,
                Data::Csv(file) => csv::index_known(ctx, file, &known.csv)?,
                _ => {}
            }
            for (unit, within) in slice.rows_of(&data) {
                let count = within.end - within.start;
                let start = within.start;
                fragments.push(Fragment { part, unit, start, first: rows, rows: count });
                rows += count;
            }
            parts.push(Part::new(Arc::new(data), None, &known.schema));
        }
        let (parts, fragments) = (parts.into(), fragments.into());
        let schema = known.schema.clone();
        Ok(Source { parts, fragments, schema, rows, layout: None, origin: Arc::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &[u64], of: u32, pages: &[u64]) -> Vec<Vec<UnitRows>> {
        let slice = |index| FileSlice { index, of }.rows(rows, |_| pages.to_vec());
        (0..of).map(slice).collect()
    }

    #[test]
    fn slices_share_all_rows_among_them() {
        for rows in [vec![], vec![0], vec![1], vec![5, 0, 7], vec![1000], vec![3; 100], vec![64, 1]]
        {
            for of in [1, 2, 3, 13, 101] {
                for pages in [vec![], vec![0], vec![0, 3, 40], (0..1000).step_by(7).collect()] {
                    let mut next = vec![0; rows.len()];
                    for (unit, within) in all(&rows, of, &pages).concat() {
                        assert_eq!(within.start, next[unit]);
                        assert!(within.start < within.end);
                        next[unit] = within.end;
                    }
                    assert_eq!(next, rows, "{of} slices");
                }
            }
        }
    }

    #[test]
    fn cuts_are_between_units_or_pages_if_there_are_enough() {
        let whole = |units: Range<usize>| units.map(|unit| (unit, 0..5)).collect::<Vec<_>>();
        assert_eq!(all(&[5; 7], 3, &[]), [whole(0..2), whole(2..4), whole(4..7)]);
        let cuts = |pages: &[u64]| all(&[100], 4, pages).concat();
        let at = |rows: [Range<u64>; 4]| rows.map(|rows| (0, rows)).to_vec();
        assert_eq!(cuts(&[]), at([0..25, 25..50, 50..75, 75..100]));
        assert_eq!(cuts(&[0, 22, 60, 78]), at([0..22, 22..50, 50..78, 78..100]));
    }
}
