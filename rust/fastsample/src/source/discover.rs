//! Discovery: a file, a folder or a glob becomes a list of files in a fixed order.

use std::path::{Path, PathBuf};

use super::glob;
use crate::error::{Error, Result};

/// Endings that are looked for in folders. A file named outright may have any.
pub const EXTENSIONS: [&str; 19] = [
    "parquet",
    "parq",
    "pq",
    "arrow",
    "arrows",
    "feather",
    "ipc",
    "jsonl",
    "jsonl.gz",
    "jsonl.zst",
    "ndjson",
    "ndjson.gz",
    "ndjson.zst",
    "csv",
    "csv.gz",
    "csv.zst",
    "tsv",
    "tsv.gz",
    "tsv.zst",
];

/// Names that are listed of files that were passed over.
const LISTED: usize = 3;

/// What a location stands for.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to read.
    pub files: Vec<PathBuf>,
    /// Files that are not read, though they lie in the folder or match the glob: their ending is
    /// not looked for, or they are data files whose name is hidden.
    pub passed_over: Vec<PathBuf>,
}

/// The files that `location` stands for.
///
/// A folder is searched through, hidden files and those that begin with `_` left out; a glob may
/// use `*`, `**`, `?` and `[...]`, which match no hidden names, and a folder that it matches is
/// searched through like one that is named. Both are sorted by path, so that the order of rows does
/// not depend on the file system.
///
/// # Errors
/// [`Error::NotFound`] where there is nothing, [`Error::Argument`] for an empty path,
/// [`Error::Unsupported`] for an address of an object store.
pub fn discover(location: &Path) -> Result<Found> {
    if location.as_os_str().is_empty() {
        return Err(Error::Argument(
            "the path is empty; name a file, a folder or a glob (\".\" is the current folder)"
                .into(),
        ));
    }
    if location.is_dir() {
        let found = search(location)?;
        if found.files.is_empty() {
            return Err(Error::NotFound(format!(
                "{}: the folder holds no data files (looked for .{}){}; \
                 name the files, or a glob, if they end otherwise",
                location.display(),
                EXTENSIONS.join(", ."),
                and_passed_over(&found.passed_over)
            )));
        }
        return Ok(found);
    }
    if !location.exists()
        && let Some(address) = address(location)
    {
        return Err(Error::Unsupported {
            path: PathBuf::from(address),
            what: "this is an address of a kind that is not read; give a string that begins with \
                   s3://, gs://, az:// or https://, or download the files"
                .into(),
        });
    }
    if location.exists() || !glob::is_pattern(location) {
        std::fs::metadata(location).map_err(|error| Error::read(location, error))?;
        return Ok(Found { files: vec![location.to_path_buf()], ..Found::default() });
    }
    let glob::Matches { paths, hidden } = glob::expand(location)?;
    let mut found = Found::default();
    found.passed_over.extend(hidden.into_iter().filter(|path| is_data(path) && path.is_file()));
    for path in paths {
        if path.is_dir() {
            found.extend(search(&path)?);
        } else {
            found.files.push(path);
        }
    }
    found.sort();
    if found.files.is_empty() {
        return Err(Error::NotFound(format!(
            "{}: no file matches this glob{}; check the path, and quote the glob in a shell",
            location.display(),
            and_passed_over(&found.passed_over)
        )));
    }
    Ok(found)
}

/// A sentence about files that were passed over, with the names of some; none if there are none.
pub(super) fn note(passed_over: &[PathBuf]) -> Option<String> {
    let what = match passed_over {
        [] => return None,
        [_] => "1 file was passed over, which is hidden or does not".to_owned(),
        more => format!("{} files were passed over, which are hidden or do not", more.len()),
    };
    Some(format!("{what} end in .{}: {}", EXTENSIONS.join(", ."), some_names(passed_over)))
}

/// The address of an object store or a web page, if that is what a path is. Python's paths lose the
/// second slash.
fn address(location: &Path) -> Option<String> {
    let text = location.to_str()?;
    let (scheme, rest) = text.split_once(":/")?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    is_scheme.then(|| format!("{scheme}://{}", rest.trim_start_matches('/')))
}

impl Found {
    fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
        self.passed_over.extend(other.passed_over);
    }

    /// Puts the names in order, each once: a glob with `**` matches folders and the files in them.
    fn sort(&mut self) {
        for paths in [&mut self.files, &mut self.passed_over] {
            paths.sort();
            paths.dedup();
        }
    }
}

/// Names of files that were passed over, to be put behind a message.
fn and_passed_over(paths: &[PathBuf]) -> String {
    if paths.is_empty() { String::new() } else { format!(" and passed over {}", some_names(paths)) }
}

/// The first names, and how many more there are.
fn some_names(paths: &[PathBuf]) -> String {
    let names = paths.iter().take(LISTED).map(|path| path.display().to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(LISTED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Whether the ending of a name is one that is looked for.
pub(super) fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
}

/// The data files below `folder`, sorted.
fn search(folder: &Path) -> Result<Found> {
    let mut found = Found::default();
    walk(folder, &mut Vec::new(), &mut found)?;
    found.sort();
    Ok(found)
}

/// Collects the files below `folder`; `above` are the folders that led here.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, found: &mut Found) -> Result<()> {
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
        let is_hidden = name.starts_with(['.', '_']);
        match (is_hidden, is_data(&path)) {
            _ if path.is_dir() => {
                if !is_hidden {
                    walk(&path, above, found)?;
                }
            }
            (false, true) => found.files.push(path),
            // What other programs keep for themselves (`_SUCCESS`, `.DS_Store`) is no data.
            (true, false) => {}
            _ => found.passed_over.push(path),
        }
    }
    above.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        let found = |text: &str| address(Path::new(text));
        assert_eq!(found("s3:/b/k.parquet").as_deref(), Some("s3://b/k.parquet"));
        assert_eq!(found("https://x.org/a").as_deref(), Some("https://x.org/a"));
        for path in ["C:/data/a.parquet", "data/a:/b", "/s3:/x", "a.parquet", "时:/x"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
