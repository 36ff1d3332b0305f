//! Function definitions that a chat template shows to a model: the column `tools` beside a chat.
//!
//! Data sets have them as a list of structs, or as the text of a JSON list, since the parameters of
//! two functions seldom fit one struct. Either is what `apply_chat_template(messages, tools=tools)`
//! is called with. Keys keep their order, as in Python.

use std::collections::HashMap;
use std::fmt;

use arrow_array::Array;
use arrow_schema::{DataType, Field};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::jinja::{Fail, JinjaValue};
use super::values::value;
use crate::text::is_text;

/// The name of the column.
pub(crate) const TOOLS: &str = "tools";

/// Whether a column of this type may hold functions.
pub(crate) fn may_hold_tools(field: &Field) -> bool {
    let kind = field.data_type();
    is_text(kind)
        || matches!(
            kind,
            DataType::List(_)
                | DataType::LargeList(_)
                | DataType::ListView(_)
                | DataType::LargeListView(_)
                | DataType::FixedSizeList(..)
        )
}

/// The functions of a row: a list of dicts, or none where there is none.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn tools(column: &dyn Array, row: usize) -> Result<JinjaValue, Fail> {
    // A part of the data may have nothing but nulls, of no type.
    let found = match value(column, row)? {
        JinjaValue::Text(text) if text.trim().is_empty() => JinjaValue::None,
        JinjaValue::Text(text) => parse(&text)?,
        found => found,
    };
    if matches!(found, JinjaValue::None) {
        return Ok(found);
    }
    let functions = found.as_list().ok_or_else(|| Fail::new("the functions are no list".into()))?;
    let function = |(place, function): (usize, &JinjaValue)| {
        let function = match function {
            JinjaValue::Text(text) => parse(text)?,
            other => other.clone(),
        };
        let is_object = matches!(function, JinjaValue::Dict(_));
        is_object
            .then_some(function)
            .ok_or_else(|| Fail::new(format!("item {} of the functions is no object", place + 1)))
    };
    JinjaValue::list(functions.iter().enumerate().map(function).collect::<Result<_, Fail>>()?)
}

/// The value of a JSON text, as Python's `json.loads` makes it.
fn parse(text: &str) -> Result<JinjaValue, Fail> {
    let mut json = serde_json::Deserializer::from_str(text);
    let found = AnyJson.deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    found.map_err(|error| Fail::new(format!("the functions are no JSON ({error})")))
}

/// Makes a value of any JSON.
#[derive(Clone, Copy)]
struct AnyJson;

impl<'de> DeserializeSeed<'de> for AnyJson {
    type Value = JinjaValue;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<JinjaValue, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyJson {
    type Value = JinjaValue;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<JinjaValue, E> {
        Ok(JinjaValue::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<JinjaValue, E> {
        Ok(JinjaValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JinjaValue, E> {
        Ok(JinjaValue::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JinjaValue, E> {
        Ok(JinjaValue::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JinjaValue, E> {
        Ok(JinjaValue::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<JinjaValue, E> {
        Ok(JinjaValue::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JinjaValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Self)? {
            items.push(item);
        }
        JinjaValue::list(items).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<JinjaValue, A::Error> {
        let (mut pairs, mut places) = (Vec::new(), HashMap::new());
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(Self)?;
            // A key that is there twice has the place of the first and the value of the last.
            if let Some(&place) = places.get(&key) {
                let (_, old): &mut (JinjaValue, JinjaValue) = &mut pairs[place];
                *old = value;
            } else {
                pairs.push((JinjaValue::text(key.as_str()), value));
                places.insert(key, pairs.len() - 1);
            }
        }
        JinjaValue::dict(pairs).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::ChatTemplate;
    use super::*;

    fn printed(text: &str) -> Result<String, String> {
        let template = ChatTemplate::of("{{ messages | tojson }}").expect("Jinja");
        let value = parse(text).map_err(|fail| fail.to_string())?;
        template.render(value, JinjaValue::None).map_err(|fail| fail.to_string())
    }

    #[test]
    fn json_is_read_as_in_python() {
        for (text, expected) in [
            (
                r#"{"b": 1, "a": [true, null, -2.50, "é\u00e9"]}"#,
                r#"{"b": 1, "a": [true, null, -2.5, "éé"]}"#,
            ),
            (r#"{"a": 1, "b": 2, "a": {}}"#, r#"{"a": {}, "b": 2}"#),
            ("18446744073709551615", "18446744073709551615"),
            ("1.0", "1.0"),
        ] {
            assert_eq!(printed(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["{", "[] []", "[1,]", "nope", &"[".repeat(500)] {
            let what = printed(text).expect_err(text);
            assert!(what.starts_with("the functions are no JSON ("), "{what}");
        }
    }
}
