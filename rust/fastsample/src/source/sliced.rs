//! Slices of files: a part of a source, of which nothing is known but its files.
//!
//! A large file is cut into slices of equal numbers of fragments before its footer is read, so that
//! nobody has to read all footers first.

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

impl FileSlice {
    /// The units that belong to it.
    fn units(self, units: usize) -> Range<usize> {
        let limit =
            |index: u32| (units as u128 * u128::from(index) / u128::from(self.of.max(1))) as usize;
        limit(self.index)..limit(self.index + 1)
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
            let units = data.units();
            let rows = units[slice.units(units.len())].iter().sum();
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
            let units = data.units();
            for unit in slice.units(units.len()) {
                if units[unit] > 0 {
                    fragments.push(Fragment { part, unit, first: rows, rows: units[unit] });
                    rows += units[unit];
                }
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

    #[test]
    fn slices_share_all_units_among_them() {
        for units in [0, 1, 2, 7, 100] {
            for of in [1, 2, 3, 13] {
                let slices = (0..of).map(|index| FileSlice { index, of }.units(units));
                let all: Vec<usize> = slices.flatten().collect();
                assert_eq!(all, (0..units).collect::<Vec<_>>());
            }
        }
    }
}
