//! Attributes, items and slices of values.

use super::Fail;
use super::budget::Allowance;
use super::value::JinjaValue;

/// Methods of Python's dict.
const METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

impl Allowance {
    /// `value.name`.
    pub(super) fn attribute(&mut self, value: &JinjaValue, name: &str) -> Result<JinjaValue, Fail> {
        let missing = || JinjaValue::Undefined(name.into());
        Ok(match value {
            // In Python, this is the method, whatever keys there are.
            JinjaValue::Dict(_) if METHODS.contains(&name) => {
                return Err(Fail::unknown_method("a dict without a call", name));
            }
            JinjaValue::Dict(pairs) => {
                self.pay(pairs.items.len() as u64 / 8)?;
                value.get(name).cloned().unwrap_or_else(missing)
            }
            JinjaValue::Namespace(fields) => {
                fields.borrow().get(name).cloned().unwrap_or_else(missing)
            }
            JinjaValue::Loop(state) => state.borrow().attribute(name).unwrap_or_else(missing),
            JinjaValue::Undefined(what) => {
                return Err(Fail::new(format!("{what} is not there, so it has no {name}")));
            }
            _ => missing(),
        })
    }

    /// `value[index]`.
    pub(super) fn item(
        &mut self,
        value: &JinjaValue,
        index: &JinjaValue,
    ) -> Result<JinjaValue, Fail> {
        let missing = || {
            let name = match index {
                JinjaValue::Text(name) => name.clone(),
                JinjaValue::Int(number) => number.to_string().into(),
                other => other.kind().into(),
            };
            JinjaValue::Undefined(name)
        };
        let place = |length: usize| {
            let index = index.as_int()?;
            let index = if index < 0 { index + length as i128 } else { index };
            usize::try_from(index).ok().filter(|&index| index < length)
        };
        Ok(match value {
            JinjaValue::List(items) | JinjaValue::Tuple(items) => {
                place(items.items.len()).map_or_else(missing, |place| items.items[place].clone())
            }
            JinjaValue::Dict(pairs) => {
                self.pay(pairs.items.len() as u64 / 8)?;
                for (key, found) in &pairs.items {
                    if self.equal(key, index)? {
                        return Ok(found.clone());
                    }
                }
                missing()
            }
            JinjaValue::Text(text) if index.as_int().is_some() => {
                self.pay_bytes(text.len() as u64)?;
                let place = place(text.chars().count());
                let found = place.and_then(|place| text.chars().nth(place));
                found.map_or_else(missing, |found| JinjaValue::text(found.to_string()))
            }
            JinjaValue::Undefined(what) => {
                return Err(Fail::new(format!("{what} is not there, so it has no items")));
            }
            other => match index {
                JinjaValue::Text(name) => self.attribute(other, name)?,
                _ => missing(),
            },
        })
    }

    pub(super) fn slice(
        &mut self,
        value: &JinjaValue,
        [start, stop, stride]: [Option<i128>; 3],
    ) -> Result<JinjaValue, Fail> {
        self.pay_bytes(value.size())?;
        let places = |length: usize| -> Result<Vec<usize>, Fail> {
            let (length, stride) = (length as i128, stride.unwrap_or(1));
            if stride == 0 {
                return Err(Fail::new("a slice with a step of 0".into()));
            }
            let (least, most) = if stride > 0 { (0, length) } else { (-1, length - 1) };
            let bound = |bound: Option<i128>, other: i128| match bound {
                Some(bound) if bound < 0 => (bound + length).clamp(least, most),
                Some(bound) => bound.clamp(least, most),
                None => other,
            };
            let (begin, end) = if stride > 0 { (least, most) } else { (most, least) };
            let (mut at, stop) = (bound(start, begin), bound(stop, end));
            let mut found = Vec::new();
            while if stride > 0 { at < stop } else { at > stop } {
                found.push(at as usize);
                at += stride;
            }
            Ok(found)
        };
        match value {
            JinjaValue::Text(text) => {
                let characters: Vec<char> = text.chars().collect();
                let places = places(characters.len())?;
                Ok(JinjaValue::text(
                    places.into_iter().map(|place| characters[place]).collect::<String>(),
                ))
            }
            JinjaValue::List(items) | JinjaValue::Tuple(items) => {
                let places = places(items.items.len())?;
                let found = places.into_iter().map(|place| items.items[place].clone()).collect();
                if matches!(value, JinjaValue::List(_)) {
                    JinjaValue::list(found)
                } else {
                    JinjaValue::tuple(found)
                }
            }
            other => Err(Fail::new(format!("{} can't be sliced", other.kind()))),
        }
    }

    /// What a loop over a value goes through.
    pub(super) fn items_of(&mut self, value: &JinjaValue) -> Result<Vec<JinjaValue>, Fail> {
        let items = match value {
            JinjaValue::List(items) | JinjaValue::Tuple(items) => items.items.clone(),
            JinjaValue::Dict(pairs) => pairs.items.iter().map(|(key, _)| key.clone()).collect(),
            JinjaValue::Text(text) => {
                self.pay_bytes(16 * text.len() as u64)?;
                text.chars().map(|character| JinjaValue::text(character.to_string())).collect()
            }
            JinjaValue::Undefined(_) => Vec::new(),
            other => return Err(Fail::new(format!("{} has no items", other.kind()))),
        };
        self.pay(items.len() as u64 / 4)?;
        Ok(items)
    }

    /// Puts a pair into a dict, in the place of its key if that is there.
    pub(super) fn insert(
        &mut self,
        pairs: &mut Vec<(JinjaValue, JinjaValue)>,
        key: JinjaValue,
        value: JinjaValue,
    ) -> Result<(), Fail> {
        for (found, place) in &mut *pairs {
            if self.equal(found, &key)? {
                *place = value;
                return Ok(());
            }
        }
        pairs.push((key, value));
        Ok(())
    }
}
