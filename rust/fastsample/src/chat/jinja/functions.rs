//! Functions that templates may call, and the fields of `loop`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::Fail;
use super::budget::Allowance;
use super::value::{Given, JinjaValue, Loop};
use super::{calendar, python};

const NAMES: [&str; 5] = ["raise_exception", "strftime_now", "namespace", "range", "dict"];

/// As in jinja2's sandbox.
const MOST_NUMBERS: i128 = 100_000;

/// Names of jinja2 that are not supported.
const OTHERS: [&str; 5] = ["lipsum", "cycler", "joiner", "self", "caller"];

/// The function of this name, or what is undefined.
pub(super) fn named(name: &str) -> Result<JinjaValue, Fail> {
    if OTHERS.contains(&name) {
        return Err(Fail::new(format!("{name} is not supported")));
    }
    let function =
        NAMES.iter().find(|known| **known == name).map(|name| JinjaValue::Function(name));
    Ok(function.unwrap_or_else(|| JinjaValue::Undefined(name.into())))
}

/// Calls a function.
pub(super) fn call(budget: &mut Allowance, name: &str, given: Given) -> Result<JinjaValue, Fail> {
    let (plain, named) = given;
    if !named.is_empty() && !matches!(name, "namespace" | "dict") {
        return Err(Fail::new(format!("{name} takes no arguments by name")));
    }
    match (name, plain.as_slice()) {
        ("raise_exception", [message]) => {
            let message = python::string(budget, message)?;
            Err(Fail::new(format!("it refuses the chat: {message:?}")))
        }
        ("strftime_now", [JinjaValue::Text(format)]) => {
            calendar::strftime_now(format).map(JinjaValue::text).map_err(Fail::new)
        }
        ("namespace" | "dict", first) if first.len() <= 1 => {
            let mut pairs = match first {
                [JinjaValue::Dict(pairs)] => pairs.items.clone(),
                [] => Vec::new(),
                [other, ..] => return Err(Fail::new(format!("{name} of {}", other.kind()))),
            };
            for (key, value) in named {
                budget.insert(&mut pairs, JinjaValue::text(key), value)?;
            }
            // A dict holds nothing that could hold itself, and so a namespace does not.
            let dict = JinjaValue::dict(pairs)?;
            let JinjaValue::Dict(pairs) = &dict else { return Ok(dict) };
            if name == "dict" {
                return Ok(dict);
            }
            let fields = pairs.items.iter();
            let fields =
                fields.filter_map(|(key, value)| Some((key.as_text()?.to_owned(), value.clone())));
            Ok(JinjaValue::Namespace(Rc::new(RefCell::new(fields.collect::<HashMap<_, _>>()))))
        }
        ("range", [_, ..]) if plain.len() <= 3 => {
            let numbers = plain.iter().map(JinjaValue::whole).collect::<Result<Vec<_>, Fail>>()?;
            let (start, stop, stride) = match *numbers.as_slice() {
                [stop] => (0, stop, 1),
                [start, stop] => (start, stop, 1),
                [start, stop, stride, ..] => (start, stop, stride),
                [] => (0, 0, 1),
            };
            if stride == 0 {
                return Err(Fail::new("a range with a step of 0".into()));
            }
            let count = ((stop - start + stride - stride.signum()) / stride).max(0);
            if count > MOST_NUMBERS {
                return Err(Fail::new(format!("a range of more than {MOST_NUMBERS} numbers")));
            }
            budget.pay(count as u64)?;
            JinjaValue::list(
                (0..count).map(|place| JinjaValue::Int(start + place * stride)).collect(),
            )
        }
        _ => Err(Fail::new(format!("{name} with such arguments is not supported"))),
    }
}

/// `loop.cycle(...)` and `loop.changed(...)`.
pub(super) fn call_loop(
    budget: &mut Allowance,
    state: &RefCell<Loop>,
    method: &str,
    plain: &[JinjaValue],
) -> Result<JinjaValue, Fail> {
    match method {
        "cycle" if !plain.is_empty() => {
            let index = state.borrow().index;
            Ok(plain[index % plain.len()].clone())
        }
        "changed" => {
            let before = state.borrow_mut().changed.replace(plain.to_vec());
            let Some(before) = before else { return Ok(JinjaValue::Bool(true)) };
            let mut is_same = before.len() == plain.len();
            for (one, other) in before.iter().zip(plain) {
                is_same = is_same && budget.equal(one, other)?;
            }
            Ok(JinjaValue::Bool(!is_same))
        }
        _ => Err(Fail::unknown_method("a loop", method)),
    }
}
