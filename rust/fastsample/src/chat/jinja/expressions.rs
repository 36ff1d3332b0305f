//! Expressions, by recursive descent: each level of precedence is a function.

use super::Fail;
use super::ast::{Assigned, Binary, CompareOp, Expr};
use super::lexer::TagToken;
use super::tokens::Tokens;

impl Tokens {
    pub(super) fn target(&mut self) -> Result<Assigned, Fail> {
        let is_open = self.takes("(");
        let first = self.name()?;
        if self.takes(".") {
            return Ok(Assigned::Field(first, self.name()?));
        }
        let mut names = vec![first];
        while self.takes(",") {
            names.push(self.name()?);
        }
        if is_open {
            self.expect(")")?;
        }
        Ok(Assigned::Names(names))
    }

    pub(super) fn parameters(&mut self) -> Result<Vec<(String, Option<Expr>)>, Fail> {
        self.expect("(")?;
        let mut found = Vec::new();
        while !self.takes(")") {
            let name = self.name()?;
            let default = self.takes("=").then(|| self.expression()).transpose()?;
            found.push((name, default));
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(found)
    }

    /// An expression, or several with commas between.
    pub(super) fn tuple(&mut self, with_if: bool) -> Result<Expr, Fail> {
        let one = |tokens: &mut Self| if with_if { tokens.expression() } else { tokens.or() };
        let first = one(self)?;
        if self.peek() != Some(&TagToken::Op(",")) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.takes(",") && !matches!(self.peek(), None | Some(TagToken::Op(")" | "="))) {
            items.push(one(self)?);
        }
        Ok(Expr::Tuple(items))
    }

    pub(super) fn expression(&mut self) -> Result<Expr, Fail> {
        self.enter()?;
        let mut value = self.or()?;
        while self.takes_name("if") {
            let condition = Box::new(self.or()?);
            let otherwise = self.takes_name("else").then(|| self.expression()).transpose()?;
            value = Expr::If(condition, Box::new(value), otherwise.map(Box::new));
        }
        self.leave();
        Ok(value)
    }

    pub(super) fn or(&mut self) -> Result<Expr, Fail> {
        let mut left = self.and()?;
        while self.takes_name("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Fail> {
        let mut left = self.not()?;
        while self.takes_name("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Fail> {
        let mut nots = 0;
        while self.takes_name("not") {
            nots += 1;
        }
        let value = self.compare()?;
        Ok(match nots {
            0 => value,
            nots if nots % 2 == 1 => Expr::Not(Box::new(value)),
            _ => Expr::Not(Box::new(Expr::Not(Box::new(value)))),
        })
    }

    fn compare(&mut self) -> Result<Expr, Fail> {
        let first = self.sum()?;
        let mut others = Vec::new();
        loop {
            let comparison = match self.peek() {
                Some(TagToken::Op("==")) => CompareOp::Equal,
                Some(TagToken::Op("!=")) => CompareOp::Unequal,
                Some(TagToken::Op("<")) => CompareOp::Less,
                Some(TagToken::Op("<=")) => CompareOp::LessOrEqual,
                Some(TagToken::Op(">")) => CompareOp::Greater,
                Some(TagToken::Op(">=")) => CompareOp::GreaterOrEqual,
                Some(TagToken::Name(name)) if name == "in" => CompareOp::In,
                Some(TagToken::Name(name)) if name == "not" => {
                    self.next();
                    if !self.is_name("in") {
                        return Err(self.fail("not behind a value"));
                    }
                    CompareOp::NotIn
                }
                _ => break,
            };
            self.next();
            others.push((comparison, self.sum()?));
        }
        Ok(if others.is_empty() { first } else { Expr::Compare(Box::new(first), others) })
    }

    fn sum(&mut self) -> Result<Expr, Fail> {
        let mut left = self.concat()?;
        loop {
            let binary = if self.takes("+") {
                Binary::Add
            } else if self.takes("-") {
                Binary::Subtract
            } else {
                return Ok(left);
            };
            left = Expr::Binary(binary, Box::new(left), Box::new(self.concat()?));
        }
    }

    fn concat(&mut self) -> Result<Expr, Fail> {
        let first = self.product()?;
        if self.peek() != Some(&TagToken::Op("~")) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.takes("~") {
            parts.push(self.product()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn product(&mut self) -> Result<Expr, Fail> {
        let mut left = self.power()?;
        loop {
            let binary = if self.takes("*") {
                Binary::Multiply
            } else if self.takes("/") {
                Binary::Divide
            } else if self.takes("//") {
                Binary::Floor
            } else if self.takes("%") {
                Binary::Modulo
            } else {
                return Ok(left);
            };
            left = Expr::Binary(binary, Box::new(left), Box::new(self.power()?));
        }
    }

    fn power(&mut self) -> Result<Expr, Fail> {
        let mut left = self.unary(true)?;
        while self.takes("**") {
            let right = self.unary(true)?;
            left = Expr::Binary(Binary::Power, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Result<Expr, Fail> {
        self.enter()?;
        let value = if self.takes("-") {
            Expr::Negative(Box::new(self.unary(false)?))
        } else if self.takes("+") {
            Expr::Positive(Box::new(self.unary(false)?))
        } else {
            self.primary()?
        };
        let mut value = self.postfix(value)?;
        if with_filters {
            value = self.filters(value)?;
        }
        self.leave();
        Ok(value)
    }
}
