//! Values of a template, with the size that they have when they are written out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Fail;
use super::ast::MacroBody;

/// Levels of lists and dicts. Python gives up at some hundred.
const MOST_LEVELS: u32 = 100;

/// Integers beyond these are not supported; templates count messages.
pub(super) const LARGEST: i128 = 1 << 100;

/// Arguments of a call: those without a name, and those with one.
pub(super) type Given = (Vec<JinjaValue>, Vec<(String, JinjaValue)>);

/// A value. No list or dict holds a namespace, so nothing holds itself.
#[derive(Debug, Clone)]
pub(crate) enum JinjaValue {
    /// What is not there, by name.
    Undefined(Arc<str>),
    /// `None`.
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    List(Rc<Items<JinjaValue>>),
    Tuple(Rc<Items<JinjaValue>>),
    Dict(Rc<Items<(JinjaValue, JinjaValue)>>),
    Namespace(Rc<RefCell<HashMap<String, JinjaValue>>>),
    Macro(Rc<Macro>),
    Function(&'static str),
    Loop(Rc<RefCell<Loop>>),
}

/// The items of a list, or the pairs of a dict.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the items are what there is")]
pub(crate) struct Items<T> {
    pub(super) items: Vec<T>,
    /// Bytes, written out, and the levels within.
    size: u64,
    level: u32,
}

/// A macro.
#[derive(Debug)]
pub(crate) struct Macro {
    pub(super) body: Arc<MacroBody>,
    /// Scopes that it sees.
    pub(super) scopes: usize,
}

/// The variable `loop`.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(super) items: Rc<Vec<JinjaValue>>,
    pub(super) index: usize,
    pub(super) changed: Option<Vec<JinjaValue>>,
}

impl JinjaValue {
    /// A string.
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list.
    pub(crate) fn list(items: Vec<Self>) -> Result<Self, Fail> {
        Items::new(items, |item| [item, item], 1).map(Self::List)
    }

    /// A tuple.
    pub(crate) fn tuple(items: Vec<Self>) -> Result<Self, Fail> {
        Items::new(items, |item| [item, item], 1).map(Self::Tuple)
    }

    /// A dict of keys that differ.
    pub(crate) fn dict(pairs: Vec<(Self, Self)>) -> Result<Self, Fail> {
        Items::new(pairs, |(key, value)| [key, value], 2).map(Self::Dict)
    }

    /// The string, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The items, if it is a list.
    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(&items.items) } else { None }
    }

    /// The value of a key, if it is a dict that has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Dict(pairs) = self else { return None };
        pairs.items.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }

    /// Bytes, written out.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::List(items) | Self::Tuple(items) => items.size,
            Self::Dict(pairs) => pairs.size,
            _ => 8,
        }
    }

    fn level(&self) -> u32 {
        match self {
            Self::List(items) | Self::Tuple(items) => items.level,
            Self::Dict(pairs) => pairs.level,
            _ => 0,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.items.is_empty(),
            Self::Dict(pairs) => !pairs.items.is_empty(),
            _ => true,
        }
    }

    /// The name of the type, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "undefined",
            Self::None => "none",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
            Self::Namespace(_) => "a namespace",
            Self::Macro(_) | Self::Function(_) => "a function",
            Self::Loop(_) => "a loop",
        }
    }

    /// The value of a key of a dict.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(pairs) = self else { return None };
        pairs.items.iter().find(|(found, _)| found.as_text() == Some(key)).map(|(_, value)| value)
    }

    /// Numbers as Python sees them: booleans are numbers.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number, or an error.
    pub(super) fn whole(&self) -> Result<i128, Fail> {
        match self.as_int() {
            Some(number) if number.unsigned_abs() <= LARGEST.unsigned_abs() => Ok(number),
            Some(_) => Err(Fail::new("a number is too large".into())),
            None => Err(Fail::new(format!("a whole number is expected, not {}", self.kind()))),
        }
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }
}

impl Loop {
    /// `loop.name`.
    pub(super) fn attribute(&self, name: &str) -> Option<JinjaValue> {
        let (index, length) = (self.index, self.items.len());
        let number = |number: usize| Some(JinjaValue::Int(number as i128));
        match name {
            "index" => number(index + 1),
            "index0" => number(index),
            "revindex" => number(length - index),
            "revindex0" => number(length - index - 1),
            "length" => number(length),
            "depth" => number(1),
            "depth0" => number(0),
            "first" => Some(JinjaValue::Bool(index == 0)),
            "last" => Some(JinjaValue::Bool(index + 1 == length)),
            "previtem" => index.checked_sub(1).map(|index| self.items[index].clone()),
            "nextitem" => self.items.get(index + 1).cloned(),
            _ => None,
        }
    }
}

impl<T> Items<T> {
    fn new(
        items: Vec<T>,
        parts: impl Fn(&T) -> [&JinjaValue; 2],
        count: usize,
    ) -> Result<Rc<Self>, Fail> {
        let (mut size, mut level) = (2_u64, 0);
        for part in items.iter().flat_map(|item| parts(item).into_iter().take(2).skip(2 - count)) {
            if let JinjaValue::Namespace(_) | JinjaValue::Loop(_) | JinjaValue::Macro(_) = part {
                return Err(Fail::new(format!(
                    "{} in a list or dict is not supported",
                    part.kind()
                )));
            }
            size = size.saturating_add(part.size().saturating_add(8));
            level = level.max(part.level() + 1);
        }
        if level > MOST_LEVELS {
            return Err(Fail::new("too many lists within lists".into()));
        }
        Ok(Rc::new(Self { items, size, level }))
    }
}
