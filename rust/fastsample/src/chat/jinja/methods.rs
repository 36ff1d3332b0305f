//! Methods of Python's strings and dicts.

use super::Fail;
use super::budget::Allowance;
use super::value::{Given, JinjaValue};
use super::{functions, python};

/// Calls `value.method(...)`.
pub(super) fn call(
    budget: &mut Allowance,
    value: &JinjaValue,
    method: &str,
    given: Given,
) -> Result<JinjaValue, Fail> {
    budget.pay_bytes(value.size())?;
    let (mut plain, named) = given;
    match value {
        JinjaValue::Text(text) => {
            // `split(sep=None, maxsplit=-1)` and `splitlines(keepends=False)`.
            for (name, value) in named {
                match (name.as_str(), plain.len()) {
                    ("sep" | "keepends", 0) | ("maxsplit", 1) => plain.push(value),
                    ("maxsplit", 0) => plain.extend([JinjaValue::None, value]),
                    _ => {
                        return Err(Fail::unknown_method(
                            "a string",
                            &format!("{method} with {name}"),
                        ));
                    }
                }
            }
            of_text(budget, text, method, &plain)
        }
        JinjaValue::Loop(state) => functions::call_loop(budget, state, method, &plain),
        JinjaValue::Dict(pairs) if named.is_empty() => match (method, plain.as_slice()) {
            ("items", []) => {
                let pairs = pairs.items.iter();
                let pairs =
                    pairs.map(|(key, value)| JinjaValue::tuple(vec![key.clone(), value.clone()]));
                JinjaValue::list(pairs.collect::<Result<_, _>>()?)
            }
            ("keys", []) => {
                JinjaValue::list(pairs.items.iter().map(|(key, _)| key.clone()).collect())
            }
            ("values", []) => {
                JinjaValue::list(pairs.items.iter().map(|(_, value)| value.clone()).collect())
            }
            ("get", [key, rest @ ..]) if rest.len() <= 1 => Ok(match budget.item(value, key)? {
                JinjaValue::Undefined(_) => rest.first().cloned().unwrap_or(JinjaValue::None),
                found => found,
            }),
            _ => Err(Fail::unknown_method("a dict", method)),
        },
        JinjaValue::List(items) if method == "count" && plain.len() == 1 => {
            let mut count = 0;
            for item in &items.items {
                count += i128::from(budget.equal(item, &plain[0])?);
            }
            Ok(JinjaValue::Int(count))
        }
        JinjaValue::Undefined(name) => {
            Err(Fail::new(format!("{name} is not there, so it has no method {method}")))
        }
        other => Err(Fail::unknown_method(other.kind(), method)),
    }
}

fn of_text(
    budget: &mut Allowance,
    text: &str,
    method: &str,
    plain: &[JinjaValue],
) -> Result<JinjaValue, Fail> {
    let all = |is: fn(char) -> bool| JinjaValue::Bool(!text.is_empty() && text.chars().all(is));
    Ok(match (method, plain) {
        ("strip", []) => JinjaValue::text(strip(text, None, true, true)),
        ("lstrip", []) => JinjaValue::text(strip(text, None, true, false)),
        ("rstrip", []) => JinjaValue::text(strip(text, None, false, true)),
        ("strip" | "lstrip" | "rstrip", [chars]) => {
            let chars =
                if let JinjaValue::None = chars { None } else { Some(argument(chars, method)?) };
            budget.pay(text.len() as u64 * chars.map_or(0, str::len) as u64 / 64)?;
            JinjaValue::text(strip(text, chars, method != "rstrip", method != "lstrip"))
        }
        ("upper", []) => JinjaValue::text(text.to_uppercase()),
        ("lower", []) => JinjaValue::text(text.to_lowercase()),
        ("title", []) => JinjaValue::text(title(text)),
        ("capitalize", []) => JinjaValue::text(capitalize(text)),
        ("startswith" | "endswith", [parts]) => {
            let parts = match parts {
                JinjaValue::Tuple(parts) => parts.items.as_slice(),
                part => std::slice::from_ref(part),
            };
            let mut found = false;
            for part in parts {
                let part = argument(part, method)?;
                found |= if method == "startswith" {
                    text.starts_with(part)
                } else {
                    text.ends_with(part)
                };
            }
            JinjaValue::Bool(found)
        }
        ("removeprefix", [part]) => {
            let part = argument(part, method)?;
            JinjaValue::text(text.strip_prefix(part).unwrap_or(text))
        }
        ("removesuffix", [part]) => {
            let part = argument(part, method)?;
            JinjaValue::text(text.strip_suffix(part).unwrap_or(text))
        }
        ("replace", [old, new, most @ ..]) if most.len() <= 1 => {
            let (old, new) = (argument(old, method)?, argument(new, method)?);
            let most = most.first().map(JinjaValue::whole).transpose()?;
            replace(budget, text, old, new, most)?
        }
        ("split" | "rsplit", parts) if parts.len() <= 2 => {
            let separator = match parts.first() {
                None | Some(JinjaValue::None) => None,
                Some(separator) => Some(argument(separator, method)?),
            };
            let most = parts.get(1).map(JinjaValue::whole).transpose()?;
            let most = most.and_then(|most| usize::try_from(most).ok());
            let parts = split(text, separator, most, method == "rsplit")?;
            budget.pay(parts.len() as u64)?;
            JinjaValue::list(parts.into_iter().map(JinjaValue::text).collect())?
        }
        ("splitlines", []) => split_lines(budget, text, false)?,
        ("splitlines", [keep]) => split_lines(budget, text, keep.is_true())?,
        ("join", [items]) => join(budget, text, items)?,
        ("find" | "index" | "rfind", [part]) => {
            let part = argument(part, method)?;
            let found = if method == "rfind" { text.rfind(part) } else { text.find(part) };
            match found {
                Some(at) => JinjaValue::Int(text[..at].chars().count() as i128),
                None if method == "index" => return Err(Fail::new("substring not found".into())),
                None => JinjaValue::Int(-1),
            }
        }
        ("count", [part]) => {
            let part = argument(part, method)?;
            let count =
                if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() };
            JinjaValue::Int(count as i128)
        }
        ("isdigit", []) => all(char::is_numeric),
        ("isalpha", []) => all(char::is_alphabetic),
        ("isalnum", []) => all(char::is_alphanumeric),
        ("isspace", []) => all(is_space),
        ("isupper", []) => JinjaValue::Bool(
            text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        ),
        ("islower", []) => JinjaValue::Bool(
            text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        ),
        _ => return Err(Fail::unknown_method("a string", method)),
    })
}

fn argument<'a>(value: &'a JinjaValue, method: &str) -> Result<&'a str, Fail> {
    value
        .as_text()
        .ok_or_else(|| Fail::new(format!("{method} takes a string, not {}", value.kind())))
}

/// `separator.join(items)`, of strings only.
fn join(budget: &mut Allowance, separator: &str, items: &JinjaValue) -> Result<JinjaValue, Fail> {
    let items = budget.items_of(items)?;
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        let item = argument(item, "join")?;
        budget.pay_bytes((separator.len() + item.len() + 64) as u64)?;
        text.push_str(if index > 0 { separator } else { "" });
        text.push_str(item);
    }
    Ok(JinjaValue::text(text))
}

/// `str.replace`, paid for before it is made.
pub(super) fn replace(
    budget: &mut Allowance,
    text: &str,
    old: &str,
    new: &str,
    most: Option<i128>,
) -> Result<JinjaValue, Fail> {
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let count = text.matches(old).take(most).count() as u64;
    budget.pay_bytes((text.len() as u64).saturating_add(count.saturating_mul(new.len() as u64)))?;
    Ok(JinjaValue::text(text.replacen(old, new, most)))
}

/// `str.title`.
pub(super) fn title(text: &str) -> String {
    let mut is_inside = false;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_inside {
            out.extend(character.to_lowercase());
        } else {
            out.extend(character.to_uppercase());
        }
        is_inside = character.is_alphabetic();
    }
    out
}

/// `str.capitalize`.
pub(super) fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().collect::<String>() + &characters.as_str().to_lowercase()
}

/// Whether Python's `str.strip` takes this as white space: Unicode's, and four separators.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `str.strip`, `lstrip` and `rstrip`.
pub(super) fn strip<'a>(text: &'a str, chars: Option<&str>, left: bool, right: bool) -> &'a str {
    let goes = |character: char| match chars {
        Some(chars) => chars.contains(character),
        None => is_space(character),
    };
    let text = if left { text.trim_start_matches(goes) } else { text };
    if right { text.trim_end_matches(goes) } else { text }
}

/// `str.split` and `rsplit`, with at most `most` splits.
fn split<'a>(
    text: &'a str,
    separator: Option<&str>,
    most: Option<usize>,
    from_right: bool,
) -> Result<Vec<&'a str>, Fail> {
    let pieces = most.map_or(usize::MAX, |most| most.saturating_add(1));
    let mut parts: Vec<&str> = match separator {
        Some("") => return Err(Fail::new("empty separator".into())),
        Some(separator) if from_right => text.rsplitn(pieces, separator).collect(),
        Some(separator) => text.splitn(pieces, separator).collect(),
        None => words(text, most.unwrap_or(usize::MAX), from_right),
    };
    if from_right {
        parts.reverse();
    }
    Ok(parts)
}

/// Words between runs of white space; after `most` splits, the rest is one.
fn words(text: &str, most: usize, from_right: bool) -> Vec<&str> {
    let (mut rest, mut found) = (strip(text, None, !from_right, from_right), Vec::new());
    while !rest.is_empty() {
        let end = if from_right { rest.rfind(is_space) } else { rest.find(is_space) };
        let Some(end) = end.filter(|_| found.len() < most) else {
            found.push(rest);
            break;
        };
        let width = rest[end..].chars().next().map_or(1, char::len_utf8);
        let (before, after) = (&rest[..end], &rest[end + width..]);
        let (word, others) = if from_right { (after, before) } else { (before, after) };
        found.push(word);
        rest = strip(others, None, !from_right, from_right);
    }
    found
}

/// `str.splitlines`: more ends of lines than a line feed.
fn split_lines(budget: &mut Allowance, text: &str, keep: bool) -> Result<JinjaValue, Fail> {
    let is_end = |character: char| {
        matches!(
            character,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let (mut rest, mut lines) = (text, Vec::new());
    while !rest.is_empty() {
        let Some(end) = rest.find(is_end) else {
            lines.push(JinjaValue::text(rest));
            break;
        };
        let next = rest[end..].chars().next().map_or(1, char::len_utf8);
        let next = end + if rest[end..].starts_with("\r\n") { 2 } else { next };
        lines.push(JinjaValue::text(&rest[..if keep { next } else { end }]));
        rest = &rest[next..];
    }
    budget.pay(lines.len() as u64)?;
    JinjaValue::list(lines)
}

/// What a filter takes as a string.
pub(super) fn text_of(budget: &mut Allowance, value: &JinjaValue) -> Result<String, Fail> {
    let text = python::string(budget, value)?;
    budget.pay_bytes(text.len() as u64)?;
    Ok(text)
}
