//! Operators of two values: `+`, `-`, `*`, `/`, `//`, `%`, `**`.

use super::Fail;
use super::ast::Binary;
use super::budget::Allowance;
use super::value::{JinjaValue, LARGEST};

impl Allowance {
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
        let found = found.filter(|found| found.unsigned_abs() <= LARGEST.unsigned_abs());
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
