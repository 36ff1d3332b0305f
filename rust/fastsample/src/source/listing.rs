//! Listing: which of the names in a store a folder or a glob stands for, and in which order.
//!
//! The rules are those of [`discover`](super::discover()) for folders of this machine, so that the
//! same files have the same row ids wherever they lie.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::discover::is_data;
use super::glob::{Token, has_wildcard, hides, matches, not_closed, parse};
use crate::error::Result;

/// Names of a listing, by index.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The files to read, in order.
    pub files: Vec<usize>,
    /// Files that are not read, though they lie in the folder or match the glob.
    pub passed_over: Vec<usize>,
}

/// The names that `location`, a folder or a glob, stands for.
///
/// # Errors
/// [`Error::Argument`](crate::Error::Argument) for a bracket that is not closed.
///
/// # Examples
/// ```
/// use fastsample::source::choose;
///
/// let names = ["a/2.parquet", "a/1.parquet", "a/_old/3.parquet", "a/readme.md"].map(String::from);
/// assert_eq!(choose("a", &names)?.files, [1, 0]);
/// assert_eq!(choose("a/[2-9].*", &names)?.files, [0]);
/// # Ok::<(), fastsample::Error>(())
/// ```
pub fn choose(location: &str, names: &[String]) -> Result<Listed> {
    let pattern = NamePattern::new(Path::new(location))?;
    let mut listed = Listed::default();
    // Names with a slash at the end stand for folders.
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.ends_with('/')) {
        let parts: Vec<&OsStr> = Path::new(name).iter().collect();
        match pattern.fate(&parts) {
            Some(Fate::Read) => listed.files.push(index),
            Some(Fate::PassedOver) => listed.passed_over.push(index),
            None => {}
        }
    }
    listed.files.sort_by_cached_key(|&index| PathBuf::from(&names[index]));
    Ok(listed)
}

/// What happens to a file that lies where it was looked for files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    PassedOver,
    Read,
}

/// A part of a pattern between two slashes.
enum PathStep {
    Plain(PathBuf),
    Glob(Vec<Token>),
    /// `**`
    Deep,
}

struct NamePattern(Vec<PathStep>);

impl NamePattern {
    fn new(location: &Path) -> Result<Self> {
        let step = |name: &OsStr| {
            if name == "**" {
                return Ok(PathStep::Deep);
            }
            if !has_wildcard(name) {
                return Ok(PathStep::Plain(name.into()));
            }
            parse(name.as_encoded_bytes()).map(PathStep::Glob).ok_or_else(|| not_closed(location))
        };
        Ok(Self(location.iter().map(step).collect::<Result<_>>()?))
    }

    /// A name that matches as a whole is read, whatever its ending; so are the data files in a
    /// folder that matches.
    fn fate(&self, parts: &[&OsStr]) -> Option<Fate> {
        let is_glob = self.0.iter().any(|step| !matches!(step, PathStep::Plain(_)));
        let (file, _) = parts.split_last()?;
        let data = is_data(Path::new(file));
        let whole = match fits(&self.0, parts, true) {
            Some(true) => Some(Fate::Read),
            Some(false) if is_glob && data => Some(Fate::PassedOver),
            _ => None,
        };
        let in_folder = (0..parts.len())
            .filter(|&len| fits(&self.0, &parts[..len], false) == Some(true))
            .filter_map(|len| fate_in_folder(&parts[len..]));
        in_folder.chain(whole).max()
    }
}

/// What happens to a file, by its path from a folder that is searched through.
fn fate_in_folder(parts: &[&OsStr]) -> Option<Fate> {
    let is_hidden = |part: &&OsStr| {
        part.as_encoded_bytes().starts_with(b".") || part.as_encoded_bytes().starts_with(b"_")
    };
    let (file, folders) = parts.split_last()?;
    if folders.iter().any(is_hidden) {
        return None;
    }
    match (is_hidden(file), is_data(Path::new(file))) {
        (false, true) => Some(Fate::Read),
        // What other programs keep for themselves (`_SUCCESS`, `.DS_Store`) is no data.
        (true, false) => None,
        _ => Some(Fate::PassedOver),
    }
}

/// Whether a path, of a file or a folder, matches; `Some(false)` if it would if it were not hidden.
fn fits(steps: &[PathStep], parts: &[&OsStr], is_file: bool) -> Option<bool> {
    let Some((step, rest)) = steps.split_first() else {
        return parts.is_empty().then_some(true);
    };
    if let PathStep::Deep = step {
        if rest.is_empty() && is_file {
            return None;
        }
        let is_seen = |part: &&&OsStr| !part.as_encoded_bytes().starts_with(b".");
        let folders = parts.iter().take_while(is_seen).count();
        return (0..=folders).filter_map(|len| fits(rest, &parts[len..], is_file)).max();
    }
    let (part, behind) = parts.split_first()?;
    let is_seen = match step {
        PathStep::Plain(name) => (name.as_os_str() == *part).then_some(true)?,
        PathStep::Glob(tokens) => {
            let name = part.as_encoded_bytes();
            matches(tokens, name).then(|| !hides(tokens, name))?
        }
        PathStep::Deep => return None,
    };
    // Of hidden folders, nothing is told.
    if !is_seen && !behind.is_empty() {
        return None;
    }
    Some(fits(rest, behind, is_file)? && is_seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::discover::discover;

    /// Names of every kind: hidden, private, of other endings, at several depths.
    const NAMES: [&str; 16] = [
        "a/1.parquet",
        "a/2.parquet",
        "a/.3.parquet",
        "a/_4.parquet",
        "a/readme.md",
        "a/_SUCCESS",
        "a/.git/5.parquet",
        "a/b/6.jsonl.gz",
        "a/b/7.txt",
        "a/b/c/8.parquet",
        "a-b/9.parquet",
        "a/_tmp/10.parquet",
        "x.parquet/11.parquet",
        "12.csv",
        "a/b.parquet",
        "a/bc/13.parquet",
    ];

    #[test]
    fn listings_follow_the_rules_of_folders() {
        let folder = tempfile::TempDir::new().expect("a folder");
        for name in NAMES {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "x").expect("written");
        }
        let names: Vec<String> = NAMES.iter().rev().map(|name| (*name).to_owned()).collect();
        for location in [
            "",
            "a",
            "a/b",
            "*",
            "a/*",
            "**",
            "**/*.parquet",
            "*/*.parquet",
            "a/**",
            "a/b*",
            "a/**/b*",
            "a/.*",
            "a/_*",
            "a/[12].parquet",
            "*/b/*",
            "a/b/**/8*",
            "a/*/*.parquet",
            "?/**/*.txt",
        ] {
            let found = discover(&folder.path().join(location)).expect("some files");
            let relative = |path: &PathBuf| {
                path.strip_prefix(folder.path()).expect("within").display().to_string()
            };
            let listed = choose(location, &names).expect("a glob");
            let chosen = |indices: &[usize]| -> Vec<String> {
                indices.iter().map(|&index| names[index].clone()).collect()
            };
            let expected: Vec<String> = found.files.iter().map(relative).collect();
            assert_eq!(chosen(&listed.files), expected, "{location}");
            let (mut told, mut expected) = (
                chosen(&listed.passed_over),
                found.passed_over.iter().map(relative).collect::<Vec<_>>(),
            );
            told.sort();
            expected.sort();
            assert_eq!(told, expected, "{location}");
        }
        assert!(choose("a/[b", &names).is_err());
    }
}
