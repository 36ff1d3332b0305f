//! Discovery: a file, a folder or a glob becomes a list of files in a fixed order.

use std::path::{Path, PathBuf};

use super::glob;
use crate::error::{Error, Result};

/// Endings that are looked for in folders. A file named outright may have any.
pub const EXTENSIONS: [&str; 7] = ["parquet", "parq", "pq", "arrow", "arrows", "feather", "ipc"];

/// Names that an error lists of files that were passed over.
const LISTED: usize = 3;

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
pub fn discover(location: &Path) -> Result<Vec<PathBuf>> {
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
                found.passed_over()
            )));
        }
        return Ok(found.files);
    }
    if !location.exists()
        && let Some(address) = address(location)
    {
        return Err(Error::Unsupported {
            path: PathBuf::from(address),
            what: "this is an address, and only local files are read; download the files, or pass \
                   a pyarrow.dataset of them"
                .into(),
        });
    }
    if location.exists() || !glob::is_pattern(location) {
        std::fs::metadata(location).map_err(|error| Error::read(location, error))?;
        return Ok(vec![location.to_path_buf()]);
    }
    let (mut files, mut passed_over) = (Vec::new(), Vec::new());
    for path in glob::expand(location)? {
        if path.is_dir() {
            let found = search(&path)?;
            files.extend(found.files);
            passed_over.extend(found.others);
        } else {
            files.push(path);
        }
    }
    files.sort();
    // A glob with `**` matches folders and the files in them.
    files.dedup();
    if files.is_empty() {
        let found = Found { files, others: passed_over };
        return Err(Error::NotFound(format!(
            "{}: no file matches this glob{}; check the path, and quote the glob in a shell",
            location.display(),
            found.passed_over()
        )));
    }
    Ok(files)
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

/// What a folder holds.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// Files whose ending is not looked for.
    others: Vec<PathBuf>,
}

impl Found {
    /// Names of files that were passed over, to be put behind a message.
    fn passed_over(&self) -> String {
        if self.others.is_empty() {
            return String::new();
        }
        let mut others: Vec<&PathBuf> = self.others.iter().collect();
        others.sort();
        let names = others.iter().take(LISTED).map(|path| path.display().to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        match others.len().saturating_sub(LISTED) {
            0 => format!(" and passed over {names}"),
            more => format!(" and passed over {names} and {more} more"),
        }
    }
}

/// The data files below `folder`, sorted.
fn search(folder: &Path) -> Result<Found> {
    let mut found = Found::default();
    walk(folder, &mut Vec::new(), &mut found)?;
    found.files.sort();
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
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            walk(&path, above, found)?;
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if EXTENSIONS.contains(&extension.as_str()) {
            found.files.push(path);
        } else {
            found.others.push(path);
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
