//! What filters make of lists and dicts: order, choice, what a path leads to.

use std::cmp::Ordering;

use super::budget::Allowance;
use super::value::JinjaValue;
use super::{Fail, predicates};

/// The filter `dictsort`: pairs in the order of their keys.
pub(super) fn sorted_pairs(budget: &mut Allowance, value: &JinjaValue) -> Result<JinjaValue, Fail> {
    let JinjaValue::Dict(pairs) = value else {
        return Err(Fail::new("the filter dictsort of other values is not supported".into()));
    };
    let mut pairs = pairs.items.clone();
    sort(budget, &mut pairs, |(key, _)| key.clone())?;
    let pairs = pairs.into_iter().map(|(key, value)| JinjaValue::tuple(vec![key, value]));
    JinjaValue::list(pairs.collect::<Result<_, _>>()?)
}

/// The filter `sort`, by what `path` leads to in each item, if it is given.
pub(super) fn sorted(
    budget: &mut Allowance,
    value: &JinjaValue,
    path: Option<&str>,
    is_reversed: bool,
) -> Result<JinjaValue, Fail> {
    let mut pairs = Vec::new();
    for item in budget.items_of(value)? {
        let key = match path {
            Some(path) => path_of(budget, &item, path)?,
            None => item.clone(),
        };
        pairs.push((key, item));
    }
    sort(budget, &mut pairs, |(key, _)| key.clone())?;
    let mut items: Vec<JinjaValue> = pairs.into_iter().map(|(_, item)| item).collect();
    if is_reversed {
        items.reverse();
    }
    JinjaValue::list(items)
}

/// The filter `unique`, without case.
pub(super) fn unique(budget: &mut Allowance, value: &JinjaValue) -> Result<JinjaValue, Fail> {
    let mut found: Vec<JinjaValue> = Vec::new();
    for item in budget.items_of(value)? {
        let folded = folded(&item);
        let mut is_new = true;
        for other in &found {
            let other = self::folded(other);
            is_new = is_new && !budget.equal(&other, &folded)?;
        }
        if is_new {
            found.push(item);
        }
    }
    JinjaValue::list(found)
}

/// The filters `min` and `max`.
pub(super) fn extreme(
    budget: &mut Allowance,
    name: &str,
    value: &JinjaValue,
) -> Result<JinjaValue, Fail> {
    let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
    let mut best: Option<JinjaValue> = None;
    for item in budget.items_of(value)? {
        let is_better = match &best {
            None => true,
            Some(best) => budget.order(&folded(&item), &folded(best))? == Some(wanted),
        };
        best = if is_better { Some(item) } else { best };
    }
    Ok(best.unwrap_or_else(|| JinjaValue::Undefined(format!("the {name} item").into())))
}

/// The filters `select`, `reject`, `selectattr`, `rejectattr`.
pub(super) fn select(
    budget: &mut Allowance,
    name: &str,
    value: &JinjaValue,
    plain: &[JinjaValue],
) -> Result<JinjaValue, Fail> {
    let unsupported =
        || Fail::new(format!("the filter {name} with such arguments is not supported"));
    let by_attribute = name.ends_with("attr");
    let (path, rest) = match plain {
        [JinjaValue::Text(path), rest @ ..] if by_attribute => (Some(path), rest),
        _ if by_attribute => return Err(unsupported()),
        rest => (None, rest),
    };
    let (test, args) = match rest {
        [] => (None, [].as_slice()),
        [JinjaValue::Text(test), args @ ..] => (Some(test), args),
        _ => return Err(unsupported()),
    };
    let mut found = Vec::new();
    for item in budget.items_of(value)? {
        let judged = match path {
            Some(path) => path_of(budget, &item, path)?,
            None => item.clone(),
        };
        let is_chosen = match test {
            Some(test) => predicates::test(budget, test, &judged, args)?,
            None => judged.is_true(),
        };
        if is_chosen == name.starts_with("select") {
            found.push(item);
        }
    }
    JinjaValue::list(found)
}

/// What a path such as `function.name` leads to.
pub(super) fn path_of(
    budget: &mut Allowance,
    value: &JinjaValue,
    path: &str,
) -> Result<JinjaValue, Fail> {
    let mut value = value.clone();
    for step in path.split('.') {
        value = match step.parse() {
            Ok(index) => budget.item(&value, &JinjaValue::Int(index))?,
            Err(_) => budget.item(&value, &JinjaValue::text(step))?,
        };
    }
    Ok(value)
}

/// Without case, as Jinja compares strings for order.
fn folded(value: &JinjaValue) -> JinjaValue {
    value.as_text().map_or_else(|| value.clone(), |text| JinjaValue::text(text.to_lowercase()))
}

/// Sorts, keeps the order of equals, and pays for comparisons.
fn sort<T>(
    budget: &mut Allowance,
    items: &mut [T],
    key: impl Fn(&T) -> JinjaValue,
) -> Result<(), Fail> {
    let mut failure = None;
    items.sort_by(|one, other| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        match budget.order(&folded(&key(one)), &folded(&key(other))) {
            Ok(order) => order.unwrap_or(Ordering::Equal),
            Err(fail) => {
                failure = Some(fail);
                Ordering::Equal
            }
        }
    });
    failure.map_or(Ok(()), Err)
}
