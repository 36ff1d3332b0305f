//! Filters of Jinja, a table of them.

use super::budget::Allowance;
use super::json::tojson;
use super::methods::{capitalize, replace, strip, text_of};
use super::sequences::{extreme, path_of, select, sorted, sorted_pairs, unique};
use super::value::{Given, JinjaValue, LARGEST};
use super::{Fail, python};

/// `value | name(...)`.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each filter")]
pub(super) fn filter(
    budget: &mut Allowance,
    name: &str,
    value: JinjaValue,
    given: Given,
) -> Result<JinjaValue, Fail> {
    budget.pay_bytes(value.size())?;
    if name == "tojson" {
        return tojson(budget, &value, given);
    }
    if matches!(name, "select" | "reject" | "selectattr" | "rejectattr") {
        return select(budget, name, &value, &given.0);
    }
    let (plain, named) = given;
    let unsupported =
        || Fail::new(format!("the filter {name} with such arguments is not supported"));
    let option = |place: usize, key: &str| {
        let by_name = named.iter().find(|(found, _)| found == key).map(|(_, value)| value);
        plain.get(place).or(by_name)
    };
    let known: &[&str] = match name {
        "default" | "d" => &["default_value", "boolean"],
        "join" => &["d", "attribute"],
        "map" => &["attribute", "default"],
        "indent" => &["width", "first", "blank"],
        "sort" => &["reverse", "case_sensitive", "attribute"],
        "trim" => &["chars"],
        "round" => &["precision", "method"],
        "int" | "float" => &["default", "base"],
        _ => &[],
    };
    if named.iter().any(|(found, _)| !known.contains(&found.as_str())) {
        return Err(unsupported());
    }
    Ok(match (name, plain.len()) {
        ("default" | "d", 0..=2) => {
            let with_false = option(1, "boolean").is_some_and(JinjaValue::is_true);
            let is_missing =
                matches!(value, JinjaValue::Undefined(_)) || with_false && !value.is_true();
            let other =
                || option(0, "default_value").cloned().unwrap_or_else(|| JinjaValue::text(""));
            if is_missing { other() } else { value }
        }
        ("trim", 0..=1) => {
            let text = text_of(budget, &value)?;
            match option(0, "chars") {
                None | Some(JinjaValue::None) => JinjaValue::text(strip(&text, None, true, true)),
                Some(JinjaValue::Text(chars)) => {
                    budget.pay(text.len() as u64 * chars.len() as u64 / 64)?;
                    JinjaValue::text(strip(&text, Some(chars), true, true))
                }
                Some(_) => return Err(unsupported()),
            }
        }
        ("upper", 0) => JinjaValue::text(text_of(budget, &value)?.to_uppercase()),
        ("lower", 0) => JinjaValue::text(text_of(budget, &value)?.to_lowercase()),
        ("title", 0) => JinjaValue::text(title_of_words(&text_of(budget, &value)?)),
        ("capitalize", 0) => JinjaValue::text(capitalize(&text_of(budget, &value)?)),
        ("string", 0) if value.as_text().is_none() => {
            JinjaValue::text(python::string(budget, &value)?)
        }
        ("string" | "safe", 0) => value,
        ("escape" | "e", 0) => {
            let text = text_of(budget, &value)?;
            budget.pay_bytes(5 * text.len() as u64)?;
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            JinjaValue::text(text.replace('\'', "&#39;").replace('"', "&#34;"))
        }
        ("replace", 2..=3) => {
            let text = text_of(budget, &value)?;
            let (old, new) = (text_of(budget, &plain[0])?, text_of(budget, &plain[1])?);
            let most = plain.get(2).map(JinjaValue::whole).transpose()?;
            replace(budget, &text, &old, &new, most)?
        }
        ("length" | "count", 0) => JinjaValue::Int(match &value {
            JinjaValue::Text(text) => text.chars().count(),
            JinjaValue::List(items) | JinjaValue::Tuple(items) => items.items.len(),
            JinjaValue::Dict(pairs) => pairs.items.len(),
            JinjaValue::Undefined(_) => 0,
            other => return Err(Fail::new(format!("{} has no length", other.kind()))),
        } as i128),
        ("list", 0) => JinjaValue::list(budget.items_of(&value)?)?,
        ("items", 0) => match &value {
            JinjaValue::Undefined(_) => JinjaValue::list(Vec::new())?,
            _ => super::methods::call(budget, &value, "items", (Vec::new(), Vec::new()))?,
        },
        ("dictsort", 0) => sorted_pairs(budget, &value)?,
        ("first" | "last", 0) => {
            let items = budget.items_of(&value)?;
            let found = if name == "first" { items.first() } else { items.last() };
            found
                .cloned()
                .unwrap_or_else(|| JinjaValue::Undefined(format!("the {name} item").into()))
        }
        ("reverse", 0) => match &value {
            JinjaValue::Text(text) => JinjaValue::text(text.chars().rev().collect::<String>()),
            value => {
                let mut items = budget.items_of(value)?;
                items.reverse();
                JinjaValue::list(items)?
            }
        },
        ("sort", 0..=1) => {
            if option(1, "case_sensitive").is_some_and(JinjaValue::is_true) {
                return Err(unsupported());
            }
            let path = match option(2, "attribute") {
                Some(JinjaValue::Text(path)) => Some(&**path),
                Some(_) => return Err(unsupported()),
                None => None,
            };
            let is_reversed = option(0, "reverse").is_some_and(JinjaValue::is_true);
            sorted(budget, &value, path, is_reversed)?
        }
        ("unique", 0) => unique(budget, &value)?,
        ("min" | "max", 0) => extreme(budget, name, &value)?,
        ("sum", 0) => {
            let mut sum = JinjaValue::Int(0);
            for item in budget.items_of(&value)? {
                sum = budget.binary(super::ast::Binary::Add, &sum, &item)?;
            }
            sum
        }
        ("join", 0..=2) => {
            let separator = match option(0, "d") {
                Some(separator) => text_of(budget, separator)?,
                None => String::new(),
            };
            let mut text = String::new();
            for (index, item) in budget.items_of(&value)?.iter().enumerate() {
                budget.pay_bytes(separator.len() as u64 + 64)?;
                text.push_str(if index > 0 { &separator } else { "" });
                let found = match option(1, "attribute") {
                    Some(JinjaValue::Text(path)) => path_of(budget, item, path)?,
                    Some(_) => return Err(unsupported()),
                    None => item.clone(),
                };
                text.push_str(&text_of(budget, &found)?);
            }
            JinjaValue::text(text)
        }
        ("map", _) => {
            let mut found = Vec::new();
            for item in budget.items_of(&value)? {
                found.push(
                    match (named.iter().find(|(name, _)| name == "attribute"), plain.first()) {
                        (Some((_, JinjaValue::Text(path))), None) => {
                            let default = option(9, "default").cloned();
                            match path_of(budget, &item, path)? {
                                JinjaValue::Undefined(name) => {
                                    default.unwrap_or(JinjaValue::Undefined(name))
                                }
                                found => found,
                            }
                        }
                        (None, Some(JinjaValue::Text(inner)))
                            if named.is_empty() && **inner != *"map" =>
                        {
                            filter(budget, inner, item, (plain[1..].to_vec(), Vec::new()))?
                        }
                        _ => return Err(unsupported()),
                    },
                );
            }
            JinjaValue::list(found)?
        }
        ("indent", 0..=3) => {
            let text = text_of(budget, &value)?;
            let width = match option(0, "width") {
                None => " ".repeat(4),
                Some(JinjaValue::Text(text)) => text.to_string(),
                Some(width) => " ".repeat(width.whole()?.clamp(0, 1000) as usize),
            };
            let first = option(1, "first").is_some_and(JinjaValue::is_true);
            let blank = option(2, "blank").is_some_and(JinjaValue::is_true);
            let lines = text.matches('\n').count() as u64 + 1;
            budget.pay_bytes(lines.saturating_mul(width.len() as u64))?;
            let mut out = String::new();
            for (index, line) in text.split('\n').enumerate() {
                out.push_str(if index > 0 { "\n" } else { "" });
                if (index > 0 || first) && (blank || !line.is_empty()) {
                    out.push_str(&width);
                }
                out.push_str(line);
            }
            JinjaValue::text(out)
        }
        ("abs", 0) => match value {
            JinjaValue::Float(number) => JinjaValue::Float(number.abs()),
            value => JinjaValue::Int(value.whole()?.abs()),
        },
        ("int", 0..=1) => {
            let text = value.as_text().map(|text| strip(text, None, true, true).replace('_', ""));
            let parsed = match (&value, text) {
                (_, Some(text)) => text
                    .parse()
                    .ok()
                    .filter(|n: &i128| n.unsigned_abs() <= LARGEST.unsigned_abs())
                    .or_else(|| {
                        text.parse()
                            .ok()
                            .filter(|number: &f64| number.abs() < 1e30)
                            .map(|n| n as i128)
                    }),
                (JinjaValue::Float(number), _) if number.abs() < 1e30 => Some(*number as i128),
                (value, _) => value.as_int(),
            };
            parsed.map_or_else(
                || option(0, "default").cloned().unwrap_or(JinjaValue::Int(0)),
                JinjaValue::Int,
            )
        }
        ("float", 0..=1) => {
            let text = value.as_text().map(|text| strip(text, None, true, true));
            let parsed = text.map_or_else(|| value.as_float(), |text| text.parse().ok());
            parsed.map_or_else(
                || option(0, "default").cloned().unwrap_or(JinjaValue::Float(0.0)),
                JinjaValue::Float,
            )
        }
        ("round", 0..=1) if option(1, "method").is_none() => {
            let digits = option(0, "precision").map(JinjaValue::whole).transpose()?.unwrap_or(0);
            let number = value.as_float().ok_or_else(unsupported)?;
            let digits = usize::try_from(digits).ok().filter(|digits| *digits < 30);
            let rounded = format!("{number:.*}", digits.ok_or_else(unsupported)?);
            JinjaValue::Float(rounded.parse().map_err(|_| unsupported())?)
        }
        _ => return Err(Fail::new(format!("the filter {name} is not supported"))),
    })
}

/// The filter `title`: words end at white space, hyphens and brackets, unlike in `str.title`.
fn title_of_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "-([{<".contains(c)) {
        out.push_str(&capitalize(word));
    }
    out
}
