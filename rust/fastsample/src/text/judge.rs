//! Text detection by content: whether the strings of a column are text, judged by some of them.
//!
//! | the first that is true of the values seen | the column is |
//! |---|---|
//! | there are none | empty |
//! | a twentieth of them or fewer are distinct; half, if they are short | labels |
//! | nine of ten are single words without a space, numbers, times, links or paths | identifiers |
//! | nine of ten are JSON | JSON |
//! | they have fewer than 20 characters in the mean | short |
//! | otherwise | text |
//!
//! Short strings are text only where there is nothing better.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use super::column::count_chars;
use crate::exec::fields::ByteFields;

/// Of a list, only the first strings of a row are looked at, so that no row outweighs others.
const TEXTS_PER_ROW: usize = 4;

/// Strings with more characters are not identifiers, whatever is in them.
const IDENTIFIER_CHARS: usize = 512;

/// The mean length from which on strings are text beside others, in characters: a short sentence
/// of Chinese.
const TEXT_CHARS: u64 = 20;

/// What the strings of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sentences, or whatever else people read.
    Text,
    /// A few characters each.
    Short,
    /// Ids, hashes, links, paths, numbers, times.
    Identifiers,
    /// Few distinct values.
    Labels,
    /// Objects or arrays in JSON.
    Json,
    /// Nothing.
    Empty,
    /// An id, a link or the like by its name; nobody looked.
    Named,
}

impl Kind {
    /// All of them, in the order of their bytes.
    const ALL: [Self; 7] = [
        Self::Text,
        Self::Short,
        Self::Identifiers,
        Self::Labels,
        Self::Json,
        Self::Empty,
        Self::Named,
    ];

    pub(crate) fn to_byte(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Short => "short strings",
            Self::Identifiers => "identifiers, links, numbers or times",
            Self::Labels => "few distinct values",
            Self::Json => "JSON",
            Self::Empty => "empty",
            Self::Named => "no text by its name",
        })
    }
}

/// Counts over the strings of a column. Parts merge in any order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    values: u64,
    chars: u64,
    identifiers: u64,
    json: u64,
    hashes: Vec<u64>,
}

impl Strings {
    /// Looks at the texts of a row.
    pub(crate) fn add<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for text in texts.take(TEXTS_PER_ROW).filter(|text| !text.trim().is_empty()) {
            self.values += 1;
            self.chars += count_chars(text) as u64;
            self.identifiers += u64::from(is_identifier(text.trim()));
            self.json += u64::from(is_json(text.trim()));
            self.hashes.push(xxh3_64(text.as_bytes()));
        }
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        self.values += other.values;
        self.chars += other.chars;
        self.identifiers += other.identifiers;
        self.json += other.json;
        self.hashes.append(&mut other.hashes);
    }

    /// Appends the counts to `bytes`.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let numbers = [self.values, self.chars, self.identifiers, self.json];
        let numbers = numbers.into_iter().chain([self.hashes.len() as u64]);
        bytes.extend(numbers.chain(self.hashes.iter().copied()).flat_map(u64::to_le_bytes));
    }

    /// What [`Strings::write`] appended.
    pub(crate) fn read(bytes: &mut ByteFields<'_>) -> Option<Self> {
        let (values, chars) = (bytes.u64()?, bytes.u64()?);
        let (identifiers, json) = (bytes.u64()?, bytes.u64()?);
        let hashes = (0..bytes.count(8)?).map(|_| bytes.u64()).collect::<Option<Vec<_>>>()?;
        let fits = values == hashes.len() as u64 && identifiers.max(json) <= values;
        fits.then_some(Self { values, chars, identifiers, json, hashes })
    }

    /// What they are, by the table at the top.
    pub(crate) fn kind(mut self) -> Kind {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        let distinct = self.hashes.len() as u64;
        let is_short = self.chars < TEXT_CHARS * self.values;
        match self.values {
            0 => Kind::Empty,
            all if distinct * 20 <= all || is_short && distinct * 2 <= all => Kind::Labels,
            all if self.identifiers * 10 >= all * 9 => Kind::Identifiers,
            all if self.json * 10 >= all * 9 => Kind::Json,
            _ if is_short => Kind::Short,
            _ => Kind::Text,
        }
    }
}

/// Whether this is one word, a number, a time, a link or a path: ASCII without a space; or digits
/// and punctuation with one.
fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_time = |byte: &u8| !byte.is_ascii_alphabetic() || b"TZ".contains(byte);
    bytes.len() <= IDENTIFIER_CHARS
        && text.is_ascii()
        && (!bytes.iter().any(u8::is_ascii_whitespace) || bytes.iter().all(is_time))
        || is_link(text)
}

/// Whether this begins as a link does, in any script.
fn is_link(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !text.contains(char::is_whitespace)
}

fn is_json(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') || text.starts_with('[') && text.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(texts: &[&str]) -> Kind {
        let mut strings = Strings::default();
        texts.iter().for_each(|text| strings.add([*text].into_iter()));
        strings.kind()
    }

    #[test]
    fn strings_are_told_apart() {
        assert_eq!(kind(&["", " "]), Kind::Empty);
        assert_eq!(kind(&["a1f3", "b77e", "0c9d"]), Kind::Identifiers);
        assert_eq!(kind(&["https://例.com/一", "https://例.com/二"]), Kind::Identifiers);
        assert_eq!(kind(&["2021-01-02 03:04:05", "2021-01-02T03:04:06Z"]), Kind::Identifiers);
        assert_eq!(kind(&["src/a.py", "src/b.py"]), Kind::Identifiers);
        assert_eq!(kind(&["开放问答", "分类", "开放问答", "分类"]), Kind::Labels);
        let long = "一句很长的话，每一行都是同样的话，所以它其实只是一个标签";
        assert_eq!(kind(&[long; 40]), Kind::Labels);
        assert_eq!(kind(&[r#"{"url": "a b"}"#, r#"{"url": "c d"}"#]), Kind::Json);
        assert_eq!(kind(&["北京", "上海"]), Kind::Short);
        assert_eq!(kind(&["red fox", "blue whale"]), Kind::Short);
        assert_eq!(
            kind(&[
                "今天天气真不错，我们一起去公园散步吧，好不好",
                "The cat sat on the mat again."
            ]),
            Kind::Text
        );
        assert_eq!(kind(&["same text, and a long one at that"; 2]), Kind::Text);
    }

    #[test]
    fn parts_merge_in_any_order() {
        let part = |texts: &[&str]| {
            let mut strings = Strings::default();
            strings.add(texts.iter().copied());
            strings
        };
        let (mut one, mut other) = (part(&["a", "b"]), part(&["b c d e f g h i j k l m n o"]));
        let (first, second) = (one.clone(), other.clone());
        one.merge(second);
        other.merge(first);
        assert_eq!(one.kind(), other.kind());
    }
}
