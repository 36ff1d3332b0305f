//! Operands of expressions: literals, names, and what stands behind them.

use super::Fail;
use super::ast::{Args, Expr};
use super::lexer::TagToken;
use super::tokens::{Tokens, shown};

impl Tokens {
    /// A literal, a name, or an expression in brackets.
    pub(super) fn primary(&mut self) -> Result<Expr, Fail> {
        let Some(token) = self.next() else {
            return Err(Fail::at(self.line, "a value is expected, not the end of the tag".into()));
        };
        Ok(match token {
            TagToken::Name(name) => match name.as_str() {
                "true" | "True" => Expr::Bool(true),
                "false" | "False" => Expr::Bool(false),
                "none" | "None" => Expr::None,
                _ => Expr::Name(name),
            },
            TagToken::Text(mut text) => {
                while let Some(more) = self.more_text() {
                    text.push_str(&more);
                }
                Expr::Text(text.into())
            }
            TagToken::Int(number) => Expr::Int(number),
            TagToken::Float(number) => Expr::Float(number),
            TagToken::Op("(") => {
                if self.takes(")") {
                    return Ok(Expr::Tuple(Vec::new()));
                }
                let value = self.tuple(true)?;
                self.expect(")")?;
                value
            }
            TagToken::Op("[") => {
                let mut items = Vec::new();
                while !self.takes("]") {
                    items.push(self.expression()?);
                    if !self.takes(",") {
                        self.expect("]")?;
                        break;
                    }
                }
                Expr::List(items)
            }
            TagToken::Op("{") => {
                let mut pairs = Vec::new();
                while !self.takes("}") {
                    let key = self.expression()?;
                    self.expect(":")?;
                    pairs.push((key, self.expression()?));
                    if !self.takes(",") {
                        self.expect("}")?;
                        break;
                    }
                }
                Expr::Dict(pairs)
            }
            token @ TagToken::Op(_) => {
                return Err(Fail::at(self.line, format!("{} is not expected", shown(&token))));
            }
        })
    }

    /// What stands behind a value: attributes, items, calls.
    pub(super) fn postfix(&mut self, mut value: Expr) -> Result<Expr, Fail> {
        loop {
            if self.takes(".") {
                value = match self.next() {
                    Some(TagToken::Name(name)) => Expr::Attribute(Box::new(value), name),
                    Some(TagToken::Int(index)) => {
                        Expr::Item(Box::new(value), Box::new(Expr::Int(index)))
                    }
                    _ => return Err(self.fail("a dot without a name")),
                };
            } else if self.takes("[") {
                value = self.subscript(value)?;
                self.expect("]")?;
            } else if self.peek() == Some(&TagToken::Op("(")) {
                value = Expr::Call(Box::new(value), self.args()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn subscript(&mut self, value: Expr) -> Result<Expr, Fail> {
        let mut parts = [None, None, None];
        let mut colons = 0;
        loop {
            match self.peek() {
                Some(TagToken::Op(":")) if colons < 2 => {
                    self.next();
                    colons += 1;
                }
                Some(TagToken::Op("]")) => break,
                _ if parts[colons].is_none() => {
                    parts[colons] = Some(Box::new(self.expression()?));
                }
                _ => break,
            }
        }
        if colons > 0 {
            return Ok(Expr::Slice(Box::new(value), parts));
        }
        let [index, ..] = parts;
        let index = index.ok_or_else(|| Fail::at(self.line, "[] without an index".into()))?;
        Ok(Expr::Item(Box::new(value), index))
    }

    fn args(&mut self) -> Result<Args, Fail> {
        self.expect("(")?;
        let mut args = Args::default();
        while !self.takes(")") {
            let value = self.expression()?;
            match value {
                Expr::Name(name) if self.takes("=") => {
                    args.named.push((name, self.expression()?));
                }
                value if args.named.is_empty() => args.plain.push(value),
                _ => return Err(self.fail("an argument without a name behind one with a name")),
            }
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(args)
    }

    pub(super) fn filter(&mut self, value: Option<Expr>) -> Result<Expr, Fail> {
        let name = self.name()?;
        let is_open = self.peek() == Some(&TagToken::Op("("));
        let args = if is_open { self.args()? } else { Args::default() };
        Ok(Expr::Filter(value.map(Box::new), name, args))
    }

    /// Filters and tests behind a value.
    pub(super) fn filters(&mut self, mut value: Expr) -> Result<Expr, Fail> {
        loop {
            if self.takes("|") {
                value = self.filter(Some(value))?;
            } else if self.takes_name("is") {
                value = self.test(value)?;
            } else if self.peek() == Some(&TagToken::Op("(")) {
                value = Expr::Call(Box::new(value), self.args()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn test(&mut self, value: Expr) -> Result<Expr, Fail> {
        let is_not = self.takes_name("not");
        let name = self.name()?;
        let mut args = Args::default();
        let is_value = match self.peek() {
            Some(TagToken::Op("(")) => {
                args = self.args()?;
                false
            }
            Some(TagToken::Name(name)) => {
                !["else", "or", "and", "is", "if", "in", "not"].contains(&name.as_str())
            }
            Some(
                TagToken::Text(_) | TagToken::Int(_) | TagToken::Float(_) | TagToken::Op("[" | "{"),
            ) => true,
            _ => false,
        };
        if is_value {
            let primary = self.primary()?;
            args.plain.push(self.postfix(primary)?);
        }
        let test = Expr::Test(Box::new(value), name, args);
        Ok(if is_not { Expr::Not(Box::new(test)) } else { test })
    }
}
