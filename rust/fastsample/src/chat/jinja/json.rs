//! `tojson` as chat templates have it: Python's `json.dumps`, which escapes nothing for HTML.

use std::fmt::Write;

use super::Fail;
use super::budget::Allowance;
use super::python::float;
use super::value::{Given, JinjaValue};

/// Wider indents are no layout, but an attack.
const WIDEST_INDENT: i128 = 64;

/// The filter: `value | tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(super) fn tojson(
    budget: &mut Allowance,
    value: &JinjaValue,
    given: Given,
) -> Result<JinjaValue, Fail> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let mut options = [const { None }; 4];
    for (place, value) in given.0.into_iter().enumerate() {
        *options.get_mut(place).ok_or_else(|| Fail::new("tojson of five values".into()))? =
            Some(value);
    }
    for (name, value) in given.1 {
        let place = names.iter().position(|known| *known == name);
        let place =
            place.ok_or_else(|| Fail::new(format!("tojson with {name} is not supported")))?;
        options[place] = Some(value);
    }
    let [ascii, indent, separators, sort] = options.map(|option| match option {
        None | Some(JinjaValue::None) => None,
        found => found,
    });
    let indent = match indent {
        None => None,
        Some(JinjaValue::Text(text)) if text.len() as i128 <= WIDEST_INDENT => {
            Some(text.to_string())
        }
        Some(other) => match other.as_int() {
            Some(width) if width <= WIDEST_INDENT => Some(" ".repeat(width.max(0) as usize)),
            _ => return Err(Fail::new(format!("an indent of more than {WIDEST_INDENT}"))),
        },
    };
    let (item, key) = match &separators {
        Some(JinjaValue::Tuple(pair) | JinjaValue::List(pair)) => match pair.items.as_slice() {
            [JinjaValue::Text(item), JinjaValue::Text(key)] => (item.to_string(), key.to_string()),
            _ => return Err(Fail::new("separators are two strings".into())),
        },
        Some(_) => return Err(Fail::new("separators are two strings".into())),
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let is_true = |option: Option<JinjaValue>| option.is_some_and(|value| value.is_true());
    let (ascii, sort) = (is_true(ascii), is_true(sort));
    let mut json = Json { out: String::new(), ascii, indent, item, key, sort };
    json.value(budget, value, 0)?;
    Ok(JinjaValue::text(json.out))
}

struct Json {
    out: String,
    ascii: bool,
    indent: Option<String>,
    item: String,
    key: String,
    sort: bool,
}

impl Json {
    fn value(
        &mut self,
        budget: &mut Allowance,
        value: &JinjaValue,
        level: usize,
    ) -> Result<(), Fail> {
        let before = self.out.len();
        match value {
            JinjaValue::None => self.out.push_str("null"),
            JinjaValue::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            JinjaValue::Int(number) => {
                let _ = write!(self.out, "{number}");
            }
            JinjaValue::Float(number) if number.is_nan() => self.out.push_str("NaN"),
            JinjaValue::Float(number) if number.is_infinite() => {
                self.out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            JinjaValue::Float(number) => self.out.push_str(&float(*number)),
            JinjaValue::Text(text) => self.string(text),
            JinjaValue::List(items) | JinjaValue::Tuple(items) => {
                self.out.push('[');
                for (index, item) in items.items.iter().enumerate() {
                    self.next(index, level);
                    self.value(budget, item, level + 1)?;
                }
                self.close(']', items.items.is_empty(), level);
            }
            JinjaValue::Dict(pairs) => {
                let mut pairs: Vec<&(JinjaValue, JinjaValue)> = pairs.items.iter().collect();
                if self.sort {
                    budget.pay(pairs.len() as u64 * 16)?;
                    pairs.sort_by(|(one, _), (other, _)| one.as_text().cmp(&other.as_text()));
                }
                self.out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    self.next(index, level);
                    match key {
                        JinjaValue::Text(key) => self.string(key),
                        JinjaValue::Int(_)
                        | JinjaValue::Float(_)
                        | JinjaValue::Bool(_)
                        | JinjaValue::None => {
                            self.out.push('"');
                            self.value(budget, key, level)?;
                            self.out.push('"');
                        }
                        other => {
                            return Err(Fail::new(format!("{} as a key of JSON", other.kind())));
                        }
                    }
                    self.out.push_str(&self.key);
                    self.value(budget, value, level + 1)?;
                }
                self.close('}', pairs.is_empty(), level);
            }
            other => return Err(Fail::new(format!("{} can't be written as JSON", other.kind()))),
        }
        // Levels above pay again: they are few.
        budget.pay(1 + (self.out.len() - before) as u64 / 64)
    }

    fn next(&mut self, index: usize, level: usize) {
        if index > 0 {
            self.out.push_str(&self.item);
        }
        self.line(level + 1);
    }

    fn close(&mut self, bracket: char, is_empty: bool, level: usize) {
        if !is_empty {
            self.line(level);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, level: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            (0..level).for_each(|_| self.out.push_str(indent));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                ' '..='~' => self.out.push(character),
                '\0'..='\u{1f}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(character));
                }
                _ if self.ascii => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.out, "\\u{unit:04x}");
                    }
                }
                _ => self.out.push(character),
            }
        }
        self.out.push('"');
    }
}
