//! The pieces of a template: text between tags, and the tokens of tags.
//!
//! White space goes as in `transformers`: `trim_blocks` (a line feed behind a block goes) and
//! `lstrip_blocks` (blanks before a block that begins a line go), `-` and `+` in tags.

use super::Fail;
use super::value::LARGEST;

/// A token within a tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TagToken {
    Name(String),
    Text(String),
    Int(i128),
    Float(f64),
    /// An operator or a bracket.
    Op(&'static str),
}

/// A piece of a template, with its line.
#[derive(Debug)]
pub(super) enum TemplatePart {
    Text(String),
    /// `{{ }}`.
    Print(Vec<TagToken>, u32),
    /// `{% %}`.
    Block(Vec<TagToken>, u32),
}

/// Tokens of a tag: a chain of operators is parsed and evaluated as deep as it is long.
const MOST_TOKENS: usize = 4000;

/// Longest first.
const OPS: [&str; 27] = [
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[",
    "]", "{", "}", ",", ":", ".", "|", ";", "!",
];

/// Cuts a template into pieces.
pub(super) fn pieces(source: &str) -> Result<Vec<TemplatePart>, Fail> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let source = source.strip_suffix('\n').unwrap_or(&source);
    let (mut found, mut at) = (Vec::new(), 0);
    // What the tag before does to the text behind it.
    let (mut strip_next, mut trim_next) = (false, false);
    loop {
        let rest = &source[at..];
        let start = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min();
        let mut text = &rest[..start.unwrap_or(rest.len())];
        if strip_next {
            text = text.trim_start();
        } else if trim_next {
            text = text.strip_prefix('\n').unwrap_or(text);
        }
        let Some(start) = start else {
            found.push(TemplatePart::Text(text.to_owned()));
            return Ok(found);
        };
        let open = at + start;
        let line = line_of(source, open);
        let kind = source.as_bytes()[open + 1];
        let mut body = open + 2;
        match source.as_bytes().get(body) {
            Some(b'-') => {
                text = text.trim_end();
                body += 1;
            }
            Some(b'+') if kind != b'{' => body += 1,
            _ if kind != b'{' => {
                // Blanks at the beginning of a line.
                let bare = text.trim_end_matches([' ', '\t']);
                let begins = if bare.is_empty() {
                    let before = source[..open - (text.len() - bare.len())].chars().next_back();
                    before.is_none_or(|before| before == '\n')
                } else {
                    bare.ends_with('\n')
                };
                if begins {
                    text = bare;
                }
            }
            _ => {}
        }
        found.push(TemplatePart::Text(text.to_owned()));
        let end_of = |what: &str| Fail::at(line, format!("{what} does not end"));
        let (end, tokens) = if kind == b'#' {
            let end = source[body..].find("#}").ok_or_else(|| end_of("a comment"))? + body;
            (end, Vec::new())
        } else {
            tokens(source, body, if kind == b'%' { "%}" } else { "}}" }, line)?
        };
        let mark = source[body..end].chars().next_back();
        strip_next = mark == Some('-');
        trim_next = kind != b'{' && mark != Some('+');
        at = end + 2;
        match kind {
            b'{' => found.push(TemplatePart::Print(tokens, line)),
            b'%' if tokens == [TagToken::Name("raw".into())] => {
                let rest = &source[at..];
                let (length, after, marks) = raw_end(rest).ok_or_else(|| end_of("raw"))?;
                let mut text = &rest[..length];
                if strip_next {
                    text = text.trim_start();
                } else if trim_next {
                    text = text.strip_prefix('\n').unwrap_or(text);
                }
                if marks.0 {
                    text = text.trim_end();
                }
                found.push(TemplatePart::Text(text.to_owned()));
                (strip_next, trim_next, at) = (marks.1, true, at + after);
            }
            b'%' => found.push(TemplatePart::Block(tokens, line)),
            _ => {}
        }
    }
}

fn line_of(source: &str, at: usize) -> u32 {
    1 + source[..at].matches('\n').count() as u32
}

/// Where `{% endraw %}` begins and ends, and whether it strips before and behind.
fn raw_end(rest: &str) -> Option<(usize, usize, (bool, bool))> {
    let mut from = 0;
    while let Some(open) = rest[from..].find("{%").map(|open| open + from) {
        let tag = &rest[open + 2..];
        let word = tag.strip_prefix('-').unwrap_or(tag).trim_start();
        if let Some(after) = word.strip_prefix("endraw") {
            let after = after.trim_start();
            let behind = after.strip_prefix('-').unwrap_or(after);
            if behind.starts_with("%}") {
                let end = rest.len() - behind.len() + 2;
                return Some((open, end, (tag.starts_with('-'), after.starts_with('-'))));
            }
        }
        from = open + 2;
    }
    None
}

/// The tokens up to `close`, and where that begins; a mark before it is none of them.
fn tokens(
    source: &str,
    mut at: usize,
    close: &str,
    line: u32,
) -> Result<(usize, Vec<TagToken>), Fail> {
    let mut found = Vec::new();
    let mut open = 0_u32;
    loop {
        if found.len() > MOST_TOKENS {
            return Err(Fail::at(line, format!("a tag has more than {MOST_TOKENS} words")));
        }
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            return Err(Fail::at(line, "a tag does not end".into()));
        };
        if open == 0 {
            let marked = ["-", "+"].iter().find_map(|mark| rest.strip_prefix(mark));
            if marked.is_some_and(|rest| rest.starts_with(close)) {
                return Ok((at + 1, found));
            }
            if rest.starts_with(close) {
                return Ok((at, found));
            }
        }
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if first == '_' || first.is_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric());
            let end = end.unwrap_or(rest.len());
            found.push(TagToken::Name(rest[..end].to_owned()));
            end
        } else if first.is_ascii_digit() {
            number(rest, &mut found, line)?
        } else if first == '"' || first == '\'' {
            string(rest, first, &mut found, line)?
        } else {
            let op = OPS.iter().find(|op| rest.starts_with(**op));
            let op = op.ok_or_else(|| Fail::at(line, format!("{first:?} is no part of a tag")))?;
            match *op {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open = open.saturating_sub(1),
                _ => {}
            }
            found.push(TagToken::Op(op));
            op.len()
        };
        at += length;
    }
}

fn number(rest: &str, found: &mut Vec<TagToken>, line: u32) -> Result<usize, Fail> {
    let digits = |from: usize| {
        rest[from..]
            .find(|c: char| c != '_' && !c.is_ascii_digit())
            .map_or(rest.len(), |n| from + n)
    };
    let mut end = digits(0);
    let mut is_float = false;
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        (is_float, end) = (true, digits(end + 1));
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[end + 1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
            (is_float, end) = (true, digits(end + 1 + sign));
        }
    }
    let plain = rest[..end].replace('_', "");
    let token = if is_float {
        plain.parse().map(TagToken::Float).ok()
    } else {
        plain.parse().ok().filter(|number| *number <= LARGEST).map(TagToken::Int)
    };
    found.push(token.ok_or_else(|| Fail::at(line, format!("{plain} is no number")))?);
    Ok(end)
}

/// A string with Python's escapes.
fn string(rest: &str, quote: char, found: &mut Vec<TagToken>, line: u32) -> Result<usize, Fail> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    // The first half of a surrogate pair.
    let mut high: Option<u32> = None;
    while let Some((at, character)) = characters.next() {
        if character == quote {
            found.push(TagToken::Text(text));
            return Ok(at + 1);
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        let Some((_, escaped)) = characters.next() else { break };
        let code = |count: usize, characters: &mut dyn Iterator<Item = (usize, char)>| {
            let digits: String = characters.take(count).map(|(_, digit)| digit).collect();
            u32::from_str_radix(&digits, 16)
                .map_err(|_| Fail::at(line, format!("\\{escaped}{digits} is no character")))
        };
        match escaped {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'v' => text.push('\u{b}'),
            'a' => text.push('\u{7}'),
            '0' => text.push('\0'),
            '\n' => {}
            '\\' | '\'' | '"' => text.push(escaped),
            'x' | 'u' | 'U' => {
                let count = if escaped == 'x' {
                    2
                } else if escaped == 'u' {
                    4
                } else {
                    8
                };
                let code = code(count, &mut characters)?;
                if (0xd800..0xdc00).contains(&code) {
                    high = Some(code);
                    continue;
                }
                let code = match high.take() {
                    Some(high) => 0x1_0000 + ((high - 0xd800) << 10) + (code & 0x3ff),
                    None => code,
                };
                let character = char::from_u32(code);
                text.push(character.ok_or_else(|| Fail::at(line, "half a character".into()))?);
            }
            other => {
                text.push('\\');
                text.push(other);
            }
        }
    }
    Err(Fail::at(line, "a string does not end".into()))
}
