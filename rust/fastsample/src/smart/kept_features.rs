//! Kept features: a file of what a smart draw has read of all rows, for draws with another n, seed or
//! strengths.
//!
//! ```text
//!  magic, kind, version   as of all states, see `envelope`
//!  description  u64 bytes; then what it is of: rows, files, text columns, tables
//!  seal         u64: XXH3 of all bytes before
//!  blocks       of 65,536 rows, the last one of the rest: their numbers, column by column;
//!               u64: XXH3 of them, seeded with the seal and the number of the block
//! ```
//!
//! Near-duplicates are counted before features are kept: so the bands, two thirds of the bytes, are
//! not in the file, and need not be compared again. Blocks are read and verified side by side, each
//! into its place. A file appears whole or not at all.

mod description;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use self::description::{Description, KIND, Subject, VERSION, lacking};
use crate::error::{Error, Result};
use crate::exec::envelope::Head;
use crate::exec::fields::ByteFields;
use crate::exec::{Context, fold, memory};
use crate::files::{Outgoing, Output, OutputSet, reason};
use crate::hash::mix_two;
use crate::smart::features::{FeatureColumns, Features, TableHashes};
use crate::smart::terms::duplicates::Copies;
use crate::smart::terms::target::Likeness;
use crate::source::{OpenFile, Source, SourceFile};
use crate::text::TextColumns;

/// What a draw did with a file of features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFeatures {
    /// The file.
    pub path: PathBuf,
    /// Whether they were read from it; if not, they were computed, and are kept in it.
    pub is_read: bool,
    /// What a file that was there did not have, so that another one took its place.
    pub lacked: Option<String>,
}

/// A file of features that is named, and what it has to be of.
pub(super) struct KeptFile<'a> {
    path: &'a Path,
    subject: Subject,
    found: Option<FeaturesFile>,
}

impl<'a> KeptFile<'a> {
    /// Looks whether the file is there, and of this source and text.
    ///
    /// # Errors
    /// [`Error::Argument`] for a source in memory, and for a file that is of another source or of other
    /// text columns, or no such file; [`Error::Corrupt`] if it is damaged; [`Error::Unsupported`] if
    /// another version wrote it.
    pub(super) fn open(path: &'a Path, source: &Source, text: &TextColumns) -> Result<Self> {
        let subject = Subject::new(source, text)?;
        let is_there = path.try_exists().map_err(|error| Error::read(path, error))?;
        let found = is_there.then(|| FeaturesFile::open(path)).transpose()?;
        let difference = found.as_ref().and_then(|found| found.about.subject.difference(&subject));
        if let Some(difference) = difference {
            return Err(Error::Argument(format!(
                "{}: these features are not of this source: they are of {difference}; name another \
                 file, or remove this one to have them computed anew",
                path.display()
            )));
        }
        Ok(Self { path, subject, found })
    }

    /// Reads the features by these tables, or computes and keeps them; with them come the copies.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the file is damaged, [`Error::Output`] if it can't be written or is one
    /// of `inputs`, and what `compute` fails with.
    pub(super) fn read_or_keep(
        self,
        ctx: &Context,
        tables: TableHashes,
        inputs: &[PathBuf],
        compute: impl FnOnce() -> Result<(Features, Copies)>,
    ) -> Result<(Features, Copies, Option<KeptFeatures>)> {
        let kept =
            |is_read, lacked| Some(KeptFeatures { path: self.path.to_path_buf(), is_read, lacked });
        let lacked = self.found.as_ref().map(|found| lacking(found.about.tables, tables));
        if let (Some(found), Some(None)) = (&self.found, &lacked) {
            let (rows, copies) = found.read(ctx, tables)?;
            return Ok((rows, copies, kept(true, None)));
        }
        // Before rows are read, so that a path that can't be written fails at once.
        let set = OutputSet::create(ctx, &[self.path.to_path_buf()], true, inputs)?;
        let (mut rows, copies) = compute()?;
        rows.first_equal = copies.firsts(rows.len());
        rows.keep(FeatureColumns::compared(tables));
        write(ctx, &set.outputs()[0], &Description { subject: self.subject, tables }, &rows)?;
        set.commit()?;
        ctx.unseal();
        rows.first_equal = Vec::new();
        Ok((rows, copies, kept(false, lacked.flatten())))
    }
}

/// Writes the features of all rows, of which there are these columns alone.
fn write(ctx: &Context, output: &Output, about: &Description, rows: &Features) -> Result<()> {
    let mut file = Outgoing::create(output)?;
    let mut send =
        |bytes: &[u8]| file.write_all(bytes).map_err(|error| output.failed(&reason(&error)));
    let mut bytes = about.to_bytes();
    send(&bytes)?;
    let seal = seal_of(&bytes);
    for block in 0..about.blocks() {
        ctx.check()?;
        bytes.clear();
        rows.write(&about.rows_of(block), &mut bytes);
        bytes.extend(hash_of(seal, block, &bytes).to_le_bytes());
        send(&bytes)?;
    }
    Ok(())
}

/// The last number of the bytes before the blocks.
fn seal_of(bytes: &[u8]) -> u64 {
    bytes.last_chunk().map_or(0, |seal| u64::from_le_bytes(*seal))
}

fn hash_of(seal: u64, block: usize, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, mix_two(seal, block as u64))
}

/// A file of features that is there.
#[derive(Debug)]
struct FeaturesFile {
    file: OpenFile,
    about: Description,
    seal: u64,
    /// Where the blocks begin.
    start: u64,
}

impl FeaturesFile {
    fn open(path: &Path) -> Result<Self> {
        let file = SourceFile::new(path)?.open()?;
        let size = file.size();
        let damaged = || damaged(path);
        let mut bytes = vec![0; size.min(Head::BYTES as u64 + 8) as usize];
        read(&file, 0, &mut bytes)?;
        let Some(head) = Head::of(&bytes).filter(|head| head.kind == KIND) else {
            return Err(Error::Argument(format!(
                "{}: it is no file of kept features, or its beginning is damaged; name another \
                 file, or remove this one",
                path.display()
            )));
        };
        if head != Head::new(KIND, VERSION) {
            return Err(Error::unsupported(
                path,
                "another version of fastsample kept these features; remove the file to have them \
                 computed anew",
            ));
        }
        let len = ByteFields(&bytes[Head::BYTES..]).u64().ok_or_else(damaged)?;
        let start = len.checked_add(bytes.len() as u64 + 8).filter(|&start| start <= size);
        let start = start.ok_or_else(damaged)?;
        memory::require(start as usize, || format!("the beginning of {}", path.display()))?;
        let fields = bytes.len();
        bytes.resize(start as usize, 0);
        read(&file, 0, &mut bytes)?;
        let (sealed, seal) = (&bytes[..bytes.len() - 8], seal_of(&bytes));
        let about = (xxh3_64(sealed) == seal).then(|| Description::read(&sealed[fields..]));
        let about = about.flatten().ok_or_else(damaged)?;
        let rows = about.subject.rows;
        let numbers = rows.checked_mul(about.columns().row_bytes() as u64);
        let end = numbers.and_then(|bytes| bytes.checked_add(start + 8 * about.blocks() as u64));
        if end == Some(size) { Ok(Self { file, about, seal, start }) } else { Err(damaged()) }
    }

    /// The features by these tables, and the copies.
    fn read(&self, ctx: &Context, tables: TableHashes) -> Result<(Features, Copies)> {
        let (about, damaged) = (&self.about, || damaged(self.file.path()));
        let (there, wanted) = (about.columns(), FeatureColumns::compared(tables));
        let mut all = Features::for_rows(about.subject.rows, wanted)?;
        let writer = all.writer();
        ctx.begin(about.subject.rows);
        fold(
            ctx,
            about.blocks(),
            Vec::new,
            |bytes, block| {
                let (rows, (first, len)) = (about.rows_of(block), about.place_of(block));
                bytes.resize(len, 0);
                read(&self.file, self.start + first, bytes)?;
                let (mut numbers, hash) = bytes.split_last_chunk().ok_or_else(damaged)?;
                if hash_of(self.seal, block, numbers) != u64::from_le_bytes(*hash) {
                    return Err(damaged());
                }
                let found = Features::read(&mut numbers, rows.len(), there);
                let mut found = found.ok_or_else(damaged)?;
                found.keep(wanted);
                let (targets, avoid) = (tables.target.is_some(), tables.avoid.is_some());
                for likeness in &mut found.likeness {
                    *likeness = Likeness(*likeness).of_kinds(targets, avoid).0;
                }
                writer.put(rows.start, &found);
                ctx.advance(rows.len() as u64);
                Ok(())
            },
            |_, _| (),
        )?;
        drop(writer);
        let copies = Copies::of_firsts(&all.first_equal).ok_or_else(damaged)?;
        all.first_equal = Vec::new();
        Ok((all, copies))
    }
}

fn read(file: &OpenFile, offset: u64, bytes: &mut [u8]) -> Result<()> {
    let mut section = file.section(offset, bytes.len() as u64);
    section.read_exact(bytes).map_err(|error| file.explain(Error::read(file.path(), error)))
}

fn damaged(path: &Path) -> Error {
    Error::corrupt(
        path,
        "the kept features are damaged or were cut short; remove the file to have them computed anew",
    )
}
