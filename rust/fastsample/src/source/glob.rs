//! Globs over names of any bytes: `*`, `?`, `[...]` within a name, `**` for folders at any depth.
//!
//! Names need not be UTF-8 (archives made in a Chinese Windows hold names in GBK). As in a shell,
//! no pattern but one that begins with a dot matches a hidden name.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// Whether a path has a character that a glob uses.
pub(super) fn is_pattern(path: &Path) -> bool {
    has_wildcard(path.as_os_str())
}

pub(super) fn has_wildcard(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// What a glob matches.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// Files and folders, each once, in order.
    pub(super) paths: Vec<PathBuf>,
    /// Those that it would match if they were not hidden.
    pub(super) hidden: Vec<PathBuf>,
}

/// The files and folders that a glob matches.
///
/// # Errors
/// [`Error::Argument`] for a bracket that is not closed, [`Error::Read`] for a folder that can't be
/// read.
pub(super) fn expand(pattern: &Path) -> Result<Matches> {
    let (mut found, mut hidden) = (vec![PathBuf::new()], Vec::new());
    for component in pattern.components() {
        // Of hidden folders, nothing is told.
        hidden.clear();
        match component {
            Component::Normal(name) if name == "**" => {
                let mut below = Vec::new();
                for folder in &found {
                    descend(folder, &mut Vec::new(), &mut below)?;
                }
                found = below;
            }
            Component::Normal(name) if has_wildcard(name) => {
                let tokens = parse(name.as_encoded_bytes()).ok_or_else(|| not_closed(pattern))?;
                let mut matching = Vec::new();
                for folder in &found {
                    for (name, path) in entries(folder)? {
                        let name = name.as_encoded_bytes();
                        match matches(&tokens, name) {
                            true if hides(&tokens, name) => hidden.push(path),
                            true => matching.push(path),
                            false => {}
                        }
                    }
                }
                found = matching;
            }
            // Names without wildcards need not be listed, only looked up.
            plain => {
                found.iter_mut().for_each(|path| path.push(plain));
                found.retain(|path| path.symlink_metadata().is_ok());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(Matches { paths: found, hidden })
}

pub(super) fn not_closed(pattern: &Path) -> Error {
    Error::Argument(format!(
        "{}: not a valid glob: a bracket is not closed; write [[] for a bracket in a name",
        pattern.display()
    ))
}

/// The entries of a folder; none of what is no folder.
fn entries(folder: &Path) -> Result<Vec<(std::ffi::OsString, PathBuf)>> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let listing = match std::fs::read_dir(place) {
        Ok(listing) => listing,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Error::read(place, error)),
    };
    let named = listing.map(|entry| {
        let name = entry.map_err(|error| Error::read(place, error))?.file_name();
        let path = folder.join(&name);
        Ok((name, path))
    });
    named.collect()
}

/// A folder and all below it, hidden ones left out; `above` are the folders that led here.
fn descend(folder: &Path, above: &mut Vec<PathBuf>, found: &mut Vec<PathBuf>) -> Result<()> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(real) = place.canonicalize() else { return Ok(()) };
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    found.push(folder.to_path_buf());
    for (name, path) in entries(folder)? {
        if !name.as_encoded_bytes().starts_with(b".") && path.is_dir() {
            descend(&path, above, found)?;
        }
    }
    above.pop();
    Ok(())
}

/// A part of a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(Vec<u8>),
    /// `?`
    Any,
    /// `*`
    Many,
    /// `[...]` or `[!...]`: ranges of characters.
    Class {
        ranges: Vec<(u32, u32)>,
        negated: bool,
    },
}

/// A pattern; none if a bracket is not closed.
pub(super) fn parse(pattern: &[u8]) -> Option<Vec<Token>> {
    let (mut tokens, mut rest) = (Vec::new(), pattern);
    while let Some((char, behind)) = first_char(rest) {
        rest = behind;
        tokens.push(match char {
            b"*" => Token::Many,
            b"?" => Token::Any,
            b"[" => class(&mut rest)?,
            other => Token::Char(other.to_vec()),
        });
    }
    Some(tokens)
}

/// The class behind an opening bracket.
fn class(rest: &mut &[u8]) -> Option<Token> {
    let mut chars = Vec::new();
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    if negated {
        *rest = &rest[1..];
    }
    loop {
        let (char, behind) = first_char(rest)?;
        *rest = behind;
        // A bracket that comes first belongs to the class.
        if char == b"]" && !chars.is_empty() {
            break;
        }
        chars.push(code(char));
    }
    let (mut ranges, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        if at + 2 < chars.len() && chars[at + 1] == u32::from(b'-') {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some(Token::Class { ranges, negated })
}

/// The first character, or the first byte of what is not UTF-8, and what follows.
fn first_char(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let valid = |len: &usize| {
        bytes.get(..*len).is_some_and(|char| {
            std::str::from_utf8(char).is_ok_and(|text| text.chars().count() == 1)
        })
    };
    let len = (1..=4).find(valid).unwrap_or(1);
    (!bytes.is_empty()).then(|| bytes.split_at(len))
}

/// A number that tells characters, and bytes that are none, from each other.
fn code(char: &[u8]) -> u32 {
    let text = std::str::from_utf8(char).ok().and_then(|text| text.chars().next());
    text.map_or_else(|| 0x11_0000 + u32::from(char[0]), u32::from)
}

/// Whether a name is hidden from a pattern, which does not begin with a dot as the name does.
pub(super) fn hides(tokens: &[Token], name: &[u8]) -> bool {
    name.starts_with(b".") && !matches!(tokens.first(), Some(Token::Char(c)) if c == b".")
}

/// Whether a name matches, hidden or not. Only the last `*` is ever tried again, so time is at most
/// the product of both lengths.
pub(super) fn matches(tokens: &[Token], name: &[u8]) -> bool {
    let (mut at, mut rest) = (0, name);
    let mut retry: Option<(usize, &[u8])> = None;
    loop {
        let step = first_char(rest);
        match (tokens.get(at), step) {
            (Some(Token::Many), _) => {
                at += 1;
                retry = Some((at, rest));
                continue;
            }
            (Some(token), Some((char, behind))) if is_one(token, char) => {
                (at, rest) = (at + 1, behind);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((token, from)) = retry else { return false };
        let Some((_, behind)) = first_char(from) else { return false };
        (at, rest) = (token, behind);
        retry = Some((token, behind));
    }
}

fn is_one(token: &Token, char: &[u8]) -> bool {
    match token {
        Token::Char(wanted) => wanted == char,
        Token::Any => true,
        Token::Many => false,
        Token::Class { ranges, negated } => {
            let code = code(char);
            ranges.iter().any(|&(first, last)| (first..=last).contains(&code)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &[u8]) -> bool {
        let tokens = parse(pattern.as_bytes()).expect("valid");
        matches(&tokens, name) && !hides(&tokens, name)
    }

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name) in [
            ("*", "a"),
            ("*.parquet", "x.parquet"),
            ("a*b*c", "aXbYbZc"),
            ("?", "人"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("[人-仁]", "人"),
            (".*", ".x"),
            ("x*", "x"),
            ("**", "abc"),
            ("[a-]", "-"),
        ] {
            assert!(fits(pattern, name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".hidden"),
            ("?x", ".x"),
            ("[.]x", ".x"),
            ("*.parquet", "x.parq"),
            ("?", "ab"),
            ("[a-c]x", "dx"),
            ("a*b", "ac"),
            ("", "a"),
        ] {
            assert!(!fits(pattern, name.as_bytes()), "{pattern} {name}");
        }
        assert_eq!(parse(b"[abc"), None);
    }

    #[test]
    fn bytes_that_are_no_characters_match_too() {
        assert!(fits("*.parquet", b"\xc8\xcb.parquet"));
        assert!(fits("??.parquet", b"\xc8\xcb.parquet"));
        assert!(!fits("?.parquet", b"\xc8\xcb.parquet"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!fits(&"*a".repeat(50), &[b'a'; 49]));
        assert!(!fits(&("*a".repeat(50) + "b"), &[b'a'; 2000]));
    }
}
