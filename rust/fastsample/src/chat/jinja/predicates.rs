//! Tests of Jinja: `value is name`.

use std::cmp::Ordering;

use super::Fail;
use super::budget::Allowance;
use super::value::JinjaValue;

/// `value is name(...)`.
pub(super) fn test(
    budget: &mut Allowance,
    name: &str,
    value: &JinjaValue,
    args: &[JinjaValue],
) -> Result<bool, Fail> {
    let order = |budget: &mut Allowance, other: &JinjaValue| budget.order(value, other);
    Ok(match (name, args) {
        ("defined", []) => !matches!(value, JinjaValue::Undefined(_)),
        ("undefined", []) => matches!(value, JinjaValue::Undefined(_)),
        ("none", []) => matches!(value, JinjaValue::None),
        ("string", []) => matches!(value, JinjaValue::Text(_)),
        ("mapping", []) => matches!(value, JinjaValue::Dict(_)),
        ("boolean", []) => matches!(value, JinjaValue::Bool(_)),
        ("true", []) => matches!(value, JinjaValue::Bool(true)),
        ("false", []) => matches!(value, JinjaValue::Bool(false)),
        ("number", []) => value.as_float().is_some(),
        ("integer", []) => matches!(value, JinjaValue::Int(_)),
        ("float", []) => matches!(value, JinjaValue::Float(_)),
        ("sequence" | "iterable", []) => matches!(
            value,
            JinjaValue::Text(_)
                | JinjaValue::List(_)
                | JinjaValue::Tuple(_)
                | JinjaValue::Dict(_)
                | JinjaValue::Undefined(_)
        ),
        ("callable", []) => matches!(value, JinjaValue::Macro(_) | JinjaValue::Function(_)),
        ("even", []) => value.whole()? % 2 == 0,
        ("odd", []) => value.whole()? % 2 != 0,
        ("divisibleby", [number]) => match number.whole()? {
            0 => return Err(Fail::new("division by zero".into())),
            number => value.whole()? % number == 0,
        },
        ("lower", []) => value.as_text().is_some_and(|text| {
            text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)
        }),
        ("upper", []) => value.as_text().is_some_and(|text| {
            text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
        }),
        ("eq" | "equalto" | "==" | "sameas", [other]) => budget.equal(value, other)?,
        ("ne" | "!=", [other]) => !budget.equal(value, other)?,
        ("lt" | "lessthan" | "<", [other]) => order(budget, other)? == Some(Ordering::Less),
        ("gt" | "greaterthan" | ">", [other]) => order(budget, other)? == Some(Ordering::Greater),
        ("le" | "<=", [other]) => order(budget, other)?.is_some_and(Ordering::is_le),
        ("ge" | ">=", [other]) => order(budget, other)?.is_some_and(Ordering::is_ge),
        ("in", [other]) => budget.contains(other, value)?,
        _ => return Err(Fail::new(format!("the test {name} is not supported"))),
    })
}
