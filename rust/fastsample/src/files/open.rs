//! Consistent reads: a reader gets the files of a set all old or all new.
//!
//! ```text
//!  repeat   recover the folders (waits for a run that is just putting its files in place)
//!           find the files; note inode, size and time of each; open them
//!           recover the folders; until inode, size and time are what they were
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::identity::Identity;
use super::recover::{Unplaced, settle};
use crate::error::{Error, Result};

/// How often files are opened again that others were replacing meanwhile.
const ATTEMPTS: usize = 5;

/// Opens the files that `find` finds, none of which was replaced while the others were opened.
///
/// # Errors
/// What `find` and `open` fail with; [`Error::Changed`] for files that keep changing.
pub(crate) fn open_together<T>(
    find: impl Fn() -> Result<Vec<PathBuf>>,
    open: impl Fn(&[PathBuf]) -> Result<T>,
) -> Result<T> {
    let mut changed = PathBuf::new();
    for _ in 0..ATTEMPTS {
        let paths = find()?;
        if paths.len() < 2 {
            return open(&paths);
        }
        let before: Vec<_> = paths.iter().map(|path| identity(path)).collect();
        let opened = open(&paths);
        for folder in folders(&paths) {
            settle(folder);
        }
        match std::iter::zip(&paths, &before).find(|(path, before)| identity(path) != **before) {
            Some((path, _)) => changed.clone_from(path),
            None => return opened,
        }
    }
    Err(Error::Changed(changed))
}

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|found| Identity::of(&found))
}

fn folders(files: &[PathBuf]) -> BTreeSet<&Path> {
    files.iter().map(|file| parent(file)).collect()
}

/// The files that `find` finds for `location`, after sets of killed runs among them have been
/// completed.
///
/// # Errors
/// What `find` fails with; [`Error::Unsupported`] where a set can't be completed by this user and
/// has files that are not there yet.
pub(crate) fn settled(
    location: &Path,
    find: impl Fn() -> Result<Vec<PathBuf>>,
) -> Result<Vec<PathBuf>> {
    let is_file = !location.is_dir();
    // A file that is named may not be there yet.
    settle(if is_file { parent(location) } else { location });
    let mut files = find()?;
    let unfinished: Vec<Unplaced> = folders(&files).into_iter().filter_map(settle).collect();
    if unfinished.is_empty() {
        return Ok(files);
    }
    files = find()?;
    for (name, staged) in unfinished.into_iter().flatten() {
        match files.iter_mut().find(|file| **file == name) {
            Some(file) => *file = staged,
            None if location == name => {}
            None if is_file && location.exists() => {}
            None => {
                return Err(Error::unsupported(
                    &name,
                    "it belongs to a set of files whose writer was killed, and the folder can't be \
                     written to complete the set; read it once as a user who may write there",
                ));
            }
        }
    }
    Ok(files)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
