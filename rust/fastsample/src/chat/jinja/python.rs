//! Values as Python writes them: `str` of what a template prints, `repr` of what lies in a list.

use std::fmt::Write;

use super::Fail;
use super::budget::Allowance;
use super::value::JinjaValue;

/// What `{{ value }}` prints.
pub(super) fn string(budget: &mut Allowance, value: &JinjaValue) -> Result<String, Fail> {
    budget.pay_bytes(value.size())?;
    Ok(match value {
        JinjaValue::Undefined(_) => String::new(),
        JinjaValue::Text(text) => text.to_string(),
        value => {
            let mut out = String::new();
            repr(budget, value, &mut out)?;
            out
        }
    })
}

fn repr(budget: &mut Allowance, value: &JinjaValue, out: &mut String) -> Result<(), Fail> {
    budget.pay(1)?;
    match value {
        JinjaValue::Undefined(_) => out.push_str("Undefined"),
        JinjaValue::None => out.push_str("None"),
        JinjaValue::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        JinjaValue::Int(number) => {
            let _ = write!(out, "{number}");
        }
        JinjaValue::Float(number) => out.push_str(&float(*number)),
        JinjaValue::Text(text) => quoted(text, out),
        JinjaValue::List(items) | JinjaValue::Tuple(items) => {
            let is_tuple = matches!(value, JinjaValue::Tuple(_));
            out.push(if is_tuple { '(' } else { '[' });
            for (index, item) in items.items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                repr(budget, item, out)?;
            }
            out.push_str(if is_tuple && items.items.len() == 1 { "," } else { "" });
            out.push(if is_tuple { ')' } else { ']' });
        }
        JinjaValue::Dict(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                repr(budget, key, out)?;
                out.push_str(": ");
                repr(budget, value, out)?;
            }
            out.push('}');
        }
        other => return Err(Fail::new(format!("{} can't be printed", other.kind()))),
    }
    Ok(())
}

/// A float as Python's `repr` writes it: the shortest digits, with an exponent below 1e-4 and from
/// 1e16 on.
pub(super) fn float(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string().to_lowercase();
    }
    let shortest = format!("{number:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A string in quotes, with escapes for what can't be printed.
fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(character) => out.push(character),
            _ => {
                let _ = match u32::from(character) {
                    code @ 0..0x100 => write!(out, "\\x{code:02x}"),
                    code @ 0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Whether Python prints it: `Debug` of a string escapes the same characters, but at its beginning
/// those that combine with what is before, too.
fn is_printable(character: char) -> bool {
    character.is_alphanumeric()
        || !format!("{:?}", ['a', character].iter().collect::<String>()).contains('\\')
}
