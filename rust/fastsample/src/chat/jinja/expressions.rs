//! Expressions, by recursive descent: each level of precedence is a function.

use super::Fail;
use super::ast::{Args, Assigned, Binary, CompareOp, Expr};
use super::lexer::TagToken;

/// Brackets and signs within each other.
const MOST_LEVELS: usize = 100;

/// What is left of the tokens of a tag.
pub(super) struct Tokens {
    rest: std::iter::Peekable<std::vec::IntoIter<TagToken>>,
    line: u32,
    level: usize,
}

impl Tokens {
    pub(super) fn new(tokens: Vec<TagToken>, line: u32) -> Self {
        Self { rest: tokens.into_iter().peekable(), line, level: 0 }
    }

    pub(super) fn fail(&self, what: &str) -> Fail {
        Fail::at(self.line, format!("{what} is not supported"))
    }

    fn peek(&mut self) -> Option<&TagToken> {
        self.rest.peek()
    }

    pub(super) fn next(&mut self) -> Option<TagToken> {
        self.rest.next()
    }

    pub(super) fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    pub(super) fn end(&mut self) -> Result<(), Fail> {
        match self.next() {
            None => Ok(()),
            Some(token) => Err(Fail::at(self.line, format!("{} is not expected", shown(&token)))),
        }
    }

    pub(super) fn takes(&mut self, op: &str) -> bool {
        self.rest.next_if(|token| matches!(token, TagToken::Op(found) if *found == op)).is_some()
    }

    pub(super) fn takes_name(&mut self, name: &str) -> bool {
        self.rest.next_if(|token| matches!(token, TagToken::Name(found) if found == name)).is_some()
    }

    fn is_name(&mut self, name: &str) -> bool {
        matches!(self.peek(), Some(TagToken::Name(found)) if found == name)
    }

    pub(super) fn expect(&mut self, op: &str) -> Result<(), Fail> {
        if self.takes(op) {
            return Ok(());
        }
        let found = self.next().map_or("the end of the tag".to_owned(), |token| shown(&token));
        Err(Fail::at(self.line, format!("{op} is expected, not {found}")))
    }

    pub(super) fn name(&mut self) -> Result<String, Fail> {
        match self.next() {
            Some(TagToken::Name(name)) => Ok(name),
            Some(token) => {
                Err(Fail::at(self.line, format!("a name is expected, not {}", shown(&token))))
            }
            None => Err(Fail::at(self.line, "a name is expected, not the end of the tag".into())),
        }
    }

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
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(Fail::at(self.line, "too many brackets within brackets".into()));
        }
        let mut value = self.or()?;
        while self.takes_name("if") {
            let condition = Box::new(self.or()?);
            let otherwise = self.takes_name("else").then(|| self.expression()).transpose()?;
            value = Expr::If(condition, Box::new(value), otherwise.map(Box::new));
        }
        self.level -= 1;
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
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(Fail::at(self.line, "too many signs or brackets".into()));
        }
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
        self.level -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Result<Expr, Fail> {
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
                while let Some(TagToken::Text(more)) =
                    self.rest.next_if(|t| matches!(t, TagToken::Text(_)))
                {
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

    fn postfix(&mut self, mut value: Expr) -> Result<Expr, Fail> {
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

    fn filters(&mut self, mut value: Expr) -> Result<Expr, Fail> {
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

fn shown(token: &TagToken) -> String {
    match token {
        TagToken::Name(name) => name.clone(),
        TagToken::Text(text) => format!("{text:?}"),
        TagToken::Int(number) => number.to_string(),
        TagToken::Float(number) => number.to_string(),
        TagToken::Op(op) => (*op).to_owned(),
    }
}
