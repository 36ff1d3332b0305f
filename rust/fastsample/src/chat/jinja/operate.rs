//! Operators, items, slices and comparisons of values.

use std::cmp::Ordering;

use super::Fail;
use super::ast::Binary;
use super::budget::Allowance;
use super::value::{JinjaValue, LARGEST};

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

    #[expect(clippy::float_cmp, reason = "as in Python")]
    pub(super) fn equal(&mut self, left: &JinjaValue, right: &JinjaValue) -> Result<bool, Fail> {
        self.pay(1 + left.size().min(right.size()) / 64)?;
        Ok(match (left, right) {
            (JinjaValue::Undefined(_), JinjaValue::Undefined(_))
            | (JinjaValue::None, JinjaValue::None) => true,
            (JinjaValue::Text(left), JinjaValue::Text(right)) => left == right,
            (JinjaValue::List(left), JinjaValue::List(right))
            | (JinjaValue::Tuple(left), JinjaValue::Tuple(right)) => {
                left.items.len() == right.items.len() && {
                    let mut pairs = left.items.iter().zip(&right.items);
                    pairs.try_fold(true, |all, (a, b)| Ok::<_, Fail>(all && self.equal(a, b)?))?
                }
            }
            (JinjaValue::Dict(left), JinjaValue::Dict(other)) => {
                left.items.len() == other.items.len() && {
                    let mut all = true;
                    for (key, value) in &left.items {
                        let found = self.item(right, key)?;
                        let is_there = !matches!(found, JinjaValue::Undefined(_));
                        all = all && is_there && self.equal(value, &found)?;
                    }
                    all
                }
            }
            _ => match (left.as_int(), right.as_int()) {
                (Some(left), Some(right)) => left == right,
                _ => match (left.as_float(), right.as_float()) {
                    (Some(left), Some(right)) => left == right,
                    _ => false,
                },
            },
        })
    }

    pub(super) fn order(
        &mut self,
        left: &JinjaValue,
        right: &JinjaValue,
    ) -> Result<Option<Ordering>, Fail> {
        self.pay(1 + left.size().min(right.size()) / 64)?;
        match (left, right) {
            (JinjaValue::Text(left), JinjaValue::Text(right)) => return Ok(Some(left.cmp(right))),
            (JinjaValue::List(left), JinjaValue::List(right))
            | (JinjaValue::Tuple(left), JinjaValue::Tuple(right)) => {
                for (left, right) in left.items.iter().zip(&right.items) {
                    if !self.equal(left, right)? {
                        return self.order(left, right);
                    }
                }
                return Ok(Some(left.items.len().cmp(&right.items.len())));
            }
            _ => {}
        }
        if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
            return Ok(Some(left.cmp(&right)));
        }
        if let (Some(left), Some(right)) = (left.as_float(), right.as_float()) {
            return Ok(left.partial_cmp(&right));
        }
        Err(Fail::new(format!("{} and {} have no order", left.kind(), right.kind())))
    }

    pub(super) fn contains(&mut self, whole: &JinjaValue, part: &JinjaValue) -> Result<bool, Fail> {
        match (whole, part) {
            (JinjaValue::Text(whole), JinjaValue::Text(part)) => {
                self.pay_bytes((whole.len() + part.len()) as u64)?;
                Ok(whole.contains(&**part))
            }
            (
                JinjaValue::List(_)
                | JinjaValue::Tuple(_)
                | JinjaValue::Dict(_)
                | JinjaValue::Undefined(_),
                _,
            ) => {
                for item in self.items_of(whole)? {
                    if self.equal(&item, part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(Fail::new(format!("{} has no {} in it", whole.kind(), part.kind()))),
        }
    }

    pub(super) fn binary(
        &mut self,
        binary: Binary,
        left: &JinjaValue,
        right: &JinjaValue,
    ) -> Result<JinjaValue, Fail> {
        match (binary, left, right) {
            (Binary::Add, JinjaValue::Text(one), JinjaValue::Text(other)) => {
                self.pay_bytes((one.len() + other.len()) as u64)?;
                return Ok(JinjaValue::text([&**one, &**other].concat()));
            }
            (Binary::Add, JinjaValue::List(one), JinjaValue::List(other)) => {
                self.pay((one.items.len() + other.items.len()) as u64 / 2)?;
                return JinjaValue::list([one.items.as_slice(), &other.items].concat());
            }
            (Binary::Add, JinjaValue::Tuple(one), JinjaValue::Tuple(other)) => {
                self.pay((one.items.len() + other.items.len()) as u64 / 2)?;
                return JinjaValue::tuple([one.items.as_slice(), &other.items].concat());
            }
            (Binary::Multiply, JinjaValue::Text(text), times)
            | (Binary::Multiply, times, JinjaValue::Text(text)) => {
                let times = u64::try_from(times.whole()?.max(0)).unwrap_or(u64::MAX);
                self.pay_bytes(times.saturating_mul(text.len() as u64))?;
                return Ok(JinjaValue::text(if text.is_empty() {
                    String::new()
                } else {
                    text.repeat(times as usize)
                }));
            }
            (Binary::Multiply, JinjaValue::List(items), times)
            | (Binary::Multiply, times, JinjaValue::List(items)) => {
                let times = u64::try_from(times.whole()?.max(0)).unwrap_or(u64::MAX);
                self.pay(times.saturating_mul(items.items.len() as u64))?;
                let count = (times as usize).saturating_mul(items.items.len());
                return JinjaValue::list(items.items.iter().cycle().take(count).cloned().collect());
            }
            (Binary::Modulo, JinjaValue::Text(_), _) => {
                return Err(Fail::new("% of a string is not supported; use ~".into()));
            }
            _ => {}
        }
        numbers(binary, left, right)
    }
}

fn numbers(binary: Binary, left: &JinjaValue, right: &JinjaValue) -> Result<JinjaValue, Fail> {
    let sign = match binary {
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Floor => "//",
        Binary::Modulo => "%",
        Binary::Power => "**",
    };
    let impossible =
        || Fail::new(format!("{} {sign} {} is not possible", left.kind(), right.kind()));
    let is_zero = right.as_float() == Some(0.0);
    if is_zero && matches!(binary, Binary::Divide | Binary::Floor | Binary::Modulo) {
        return Err(Fail::new("division by zero".into()));
    }
    if let (Some(one), Some(other)) = (left.as_int(), right.as_int())
        && binary != Binary::Divide
        && (binary != Binary::Power || other >= 0)
    {
        let found = match binary {
            Binary::Add => one.checked_add(other),
            Binary::Subtract => one.checked_sub(other),
            Binary::Multiply => one.checked_mul(other),
            Binary::Floor => {
                let rest = one.rem_euclid(other.abs());
                // Python rounds down.
                let down = if other < 0 && rest != 0 { rest + other } else { rest };
                Some((one - down) / other)
            }
            Binary::Modulo => {
                let rest = one.rem_euclid(other.abs());
                Some(if other < 0 && rest != 0 { rest + other } else { rest })
            }
            Binary::Power => u32::try_from(other).ok().and_then(|other| one.checked_pow(other)),
            Binary::Divide => None,
        };
        let found = found.filter(|found| found.abs() <= LARGEST);
        return found.map(JinjaValue::Int).ok_or_else(|| Fail::new("a number is too large".into()));
    }
    let (one, other) = left.as_float().zip(right.as_float()).ok_or_else(impossible)?;
    let floor = (one / other).floor();
    Ok(JinjaValue::Float(match binary {
        Binary::Add => one + other,
        Binary::Subtract => one - other,
        Binary::Multiply => one * other,
        Binary::Divide => one / other,
        Binary::Floor => floor,
        Binary::Modulo => one - other * floor,
        Binary::Power => one.powf(other),
    }))
}
