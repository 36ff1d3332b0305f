//! Expressions: names, operators, comparisons, items and slices.

use std::cmp::Ordering;

use super::Fail;
use super::ast::{Args, CompareOp, Expr};
use super::render::Renderer;
use super::value::{Given, JinjaValue};
use super::{filters, functions, methods, predicates, python};

impl Renderer {
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<JinjaValue, Fail> {
        self.budget.enter()?;
        let value = self.value_of(expr);
        self.budget.leave();
        value
    }

    #[expect(clippy::too_many_lines, reason = "a table: an arm for each kind of expression")]
    fn value_of(&mut self, expr: &Expr) -> Result<JinjaValue, Fail> {
        Ok(match expr {
            Expr::Text(text) => JinjaValue::Text(text.clone()),
            Expr::Int(number) => JinjaValue::Int(*number),
            Expr::Float(number) => JinjaValue::Float(*number),
            Expr::Bool(value) => JinjaValue::Bool(*value),
            Expr::None => JinjaValue::None,
            Expr::Name(name) => match self.lookup(name) {
                Some(value) => value,
                None => functions::named(name)?,
            },
            Expr::List(items) => JinjaValue::list(self.all(items)?)?,
            Expr::Tuple(items) => JinjaValue::tuple(self.all(items)?)?,
            Expr::Dict(pairs) => {
                let mut found = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let (key, value) = (self.eval(key)?, self.eval(value)?);
                    self.budget.insert(&mut found, key, value)?;
                }
                JinjaValue::dict(found)?
            }
            Expr::Attribute(value, name) => {
                let value = self.eval(value)?;
                self.budget.attribute(&value, name)?
            }
            Expr::Item(value, index) => {
                let (value, index) = (self.eval(value)?, self.eval(index)?);
                self.budget.item(&value, &index)?
            }
            Expr::Slice(value, parts) => {
                let value = self.eval(value)?;
                let mut bounds = [None; 3];
                for (bound, part) in bounds.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        let part = self.eval(part)?;
                        *bound = match &part {
                            JinjaValue::None => None,
                            part => Some(part.whole()?),
                        };
                    }
                }
                self.budget.slice(&value, bounds)?
            }
            Expr::Call(callee, args) => self.call(callee, args)?,
            Expr::Filter(value, name, args) => {
                let Some(value) = value else {
                    return Err(Fail::new("a filter without a value".into()));
                };
                let value = self.eval(value)?;
                let given = self.args(args)?;
                filters::filter(&mut self.budget, name, value, given)?
            }
            Expr::Test(value, name, args) => {
                let value = self.eval(value)?;
                let given = self.args(args)?;
                JinjaValue::Bool(predicates::test(&mut self.budget, name, &value, &given.0)?)
            }
            Expr::Not(value) => JinjaValue::Bool(!self.eval(value)?.is_true()),
            Expr::Negative(value) => match self.eval(value)? {
                JinjaValue::Float(number) => JinjaValue::Float(-number),
                value => JinjaValue::Int(-value.whole()?),
            },
            Expr::Positive(value) => match self.eval(value)? {
                JinjaValue::Float(number) => JinjaValue::Float(number),
                value => JinjaValue::Int(value.whole()?),
            },
            Expr::And(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { self.eval(right)? } else { left }
            }
            Expr::Or(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { left } else { self.eval(right)? }
            }
            Expr::If(condition, value, otherwise) => {
                if self.eval(condition)?.is_true() {
                    self.eval(value)?
                } else if let Some(otherwise) = otherwise {
                    self.eval(otherwise)?
                } else {
                    JinjaValue::Undefined("the value of an if without else".into())
                }
            }
            Expr::Compare(first, others) => {
                let mut left = self.eval(first)?;
                for (comparison, right) in others {
                    let right = self.eval(right)?;
                    if !self.compares(*comparison, &left, &right)? {
                        return Ok(JinjaValue::Bool(false));
                    }
                    left = right;
                }
                JinjaValue::Bool(true)
            }
            Expr::Binary(binary, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                self.budget.binary(*binary, &left, &right)?
            }
            Expr::Concat(parts) => {
                let mut text = String::new();
                for part in parts {
                    let part = self.eval(part)?;
                    if let JinjaValue::Text(part) = &part {
                        self.budget.pay_bytes(part.len() as u64)?;
                        text.push_str(part);
                    } else {
                        text.push_str(&python::string(&mut self.budget, &part)?);
                    }
                }
                JinjaValue::text(text)
            }
        })
    }

    fn all(&mut self, items: &[Expr]) -> Result<Vec<JinjaValue>, Fail> {
        items.iter().map(|item| self.eval(item)).collect()
    }

    pub(super) fn args(&mut self, args: &Args) -> Result<Given, Fail> {
        let plain = self.all(&args.plain)?;
        let mut named = Vec::with_capacity(args.named.len());
        for (name, value) in &args.named {
            named.push((name.clone(), self.eval(value)?));
        }
        Ok((plain, named))
    }

    /// What a filter block makes of its text.
    pub(super) fn filter_of(
        &mut self,
        filter: &Expr,
        text: JinjaValue,
    ) -> Result<JinjaValue, Fail> {
        let Expr::Filter(inner, name, args) = filter else {
            return Err(Fail::new("a filter block without a filter".into()));
        };
        let text = match inner {
            Some(inner) => self.filter_of(inner, text)?,
            None => text,
        };
        let given = self.args(args)?;
        filters::filter(&mut self.budget, name, text, given)
    }

    fn call(&mut self, callee: &Expr, args: &Args) -> Result<JinjaValue, Fail> {
        if let Expr::Attribute(value, method) = callee {
            let value = self.eval(value)?;
            let given = self.args(args)?;
            return methods::call(&mut self.budget, &value, method, given);
        }
        match self.eval(callee)? {
            JinjaValue::Macro(found) => self.call_macro(&found, args),
            JinjaValue::Function(name) => {
                let given = self.args(args)?;
                functions::call(&mut self.budget, name, given)
            }
            JinjaValue::Undefined(name) => Err(Fail::new(format!("there is no function {name}"))),
            other => Err(Fail::new(format!("{} can't be called", other.kind()))),
        }
    }

    fn compares(
        &mut self,
        comparison: CompareOp,
        left: &JinjaValue,
        right: &JinjaValue,
    ) -> Result<bool, Fail> {
        Ok(match comparison {
            CompareOp::Equal => self.budget.equal(left, right)?,
            CompareOp::Unequal => !self.budget.equal(left, right)?,
            CompareOp::In => self.budget.contains(right, left)?,
            CompareOp::NotIn => !self.budget.contains(right, left)?,
            CompareOp::Less => self.budget.order(left, right)? == Some(Ordering::Less),
            CompareOp::Greater => self.budget.order(left, right)? == Some(Ordering::Greater),
            CompareOp::LessOrEqual => {
                matches!(self.budget.order(left, right)?, Some(Ordering::Less | Ordering::Equal))
            }
            CompareOp::GreaterOrEqual => {
                matches!(self.budget.order(left, right)?, Some(Ordering::Greater | Ordering::Equal))
            }
        })
    }
}
