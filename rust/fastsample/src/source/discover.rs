//! From what a user names (a file, a folder, a glob) to a list of files, in a fixed order.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Endings that are looked for in folders. A file named outright may have any.
pub const EXTENSIONS: [&str; 6] = ["parquet", "pq", "arrow", "arrows", "feather", "ipc"];

/// The files that `location` stands for.
///
/// A folder is searched through, hidden files and those that begin with `_` left out; a glob may
/// use `*`, `**`, `?` and `[...]`. Both are sorted by path, so that the order of rows does not
/// depend on the file system.
///
/// # Errors
/// [`Error::NotFound`] where there is nothing.
pub fn discover(location: &Path) -> Result<Vec<PathBuf>> {
    if location.is_dir() {
        let mut files = Vec::new();
        walk(location, &mut Vec::new(), &mut files)?;
        files.sort();
        if files.is_empty() {
            return Err(Error::NotFound(format!(
                "{}: the folder holds no data files (looked for .{}); name the files, or a glob, if they end otherwise",
                location.display(),
                EXTENSIONS.join(", .")
            )));
        }
        return Ok(files);
    }
    let pattern = location.to_string_lossy();
    if location.exists() || !pattern.contains(['*', '?', '[']) {
        std::fs::metadata(location).map_err(|error| Error::read(location, error))?;
        return Ok(vec![location.to_path_buf()]);
    }
    let matches = glob::glob(&pattern)
        .map_err(|error| Error::Argument(format!("{pattern}: not a valid glob: {error}")))?;
    let mut files = Vec::new();
    for path in matches {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            Error::read(&path, error.into())
        })?;
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::NotFound(format!(
            "{pattern}: no file matches this glob; check the path, and quote the glob in a shell"
        )));
    }
    Ok(files)
}

/// Collects the data files below `folder`; `above` are the folders that led here.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<()> {
    let real = folder.canonicalize().map_err(|error| Error::read(folder, error))?;
    // A link to a folder above would lead around in circles.
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    let entries = std::fs::read_dir(folder).map_err(|error| Error::read(folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| Error::read(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            walk(&path, above, files)?;
        } else if let Some(extension) = path.extension() {
            let extension = extension.to_string_lossy().to_lowercase();
            if EXTENSIONS.contains(&extension.as_str()) {
                files.push(path);
            }
        }
    }
    above.pop();
    Ok(())
}
