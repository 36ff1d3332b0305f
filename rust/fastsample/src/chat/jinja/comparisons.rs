//! Comparisons of values: equality, order, membership.

use std::cmp::Ordering;

use super::Fail;
use super::budget::Allowance;
use super::value::JinjaValue;

impl Allowance {
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
}
