//! The grammar of predicates, by recursive descent.
//!
//! ```text
//! or      = and { OR and }
//! and     = not { AND not }
//! not     = NOT not | "(" or ")" | test
//! test    = operand ( compare value
//!                   | [NOT] IN "(" value { "," value } ")"
//!                   | [NOT] LIKE text
//!                   | [NOT] BETWEEN value AND value
//!                   | IS [NOT] NULL
//!                   | nothing: a column of truth values )
//! operand = column | chars "(" column ")"
//! value   = number | text | TRUE | FALSE
//! ```

use super::condition::{Condition, Literal, Operand, Operator, Value};
use super::fault::Fault;
use super::lexer::{Lexeme, tokens};
use super::like::Pattern;

/// Levels of parentheses and NOT: more would need more stack than a thread may have.
const MOST_LEVELS: usize = 64;

/// Words that name no column unless they are in double quotes.
const KEYWORDS: [&str; 10] =
    ["AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "BETWEEN", "TRUE", "FALSE"];

/// The condition that `text` says.
pub(super) fn parse(text: &str) -> Result<Condition, Fault> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, levels: 0 };
    let condition = parser.or()?;
    match parser.peek() {
        Lexeme::End => Ok(condition),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser {
    tokens: Vec<(usize, Lexeme)>,
    next: usize,
    levels: usize,
}

impl Parser {
    fn peek(&self) -> &Lexeme {
        &self.tokens[self.next].1
    }

    fn at(&self) -> usize {
        self.tokens[self.next].0
    }

    /// The next token. The last one, the end, is never left behind.
    fn take(&mut self) -> (usize, Lexeme) {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn expected(&self, what: &str) -> Fault {
        Fault::new(self.at(), format!("found {}, expected {what}", self.peek().shown()))
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Lexeme::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Takes the keyword if it comes next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.is_keyword(keyword);
        if is_next {
            self.take();
        }
        is_next
    }

    fn or(&mut self) -> Result<Condition, Fault> {
        let mut parts = vec![self.and()?];
        while self.keyword("OR") {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Condition::Or))
    }

    fn and(&mut self) -> Result<Condition, Fault> {
        let mut parts = vec![self.not()?];
        while self.keyword("AND") {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Condition::And))
    }

    fn not(&mut self) -> Result<Condition, Fault> {
        let is_open = matches!(self.peek(), Lexeme::Open);
        if !is_open && !self.is_keyword("NOT") {
            return self.test();
        }
        if self.levels == MOST_LEVELS {
            let what = format!("more than {MOST_LEVELS} levels of parentheses; use fewer");
            return Err(Fault::new(self.at(), what));
        }
        self.levels += 1;
        self.take();
        let condition = if is_open {
            let inner = self.or()?;
            self.close()?;
            inner
        } else {
            Condition::Not(Box::new(self.not()?))
        };
        self.levels -= 1;
        Ok(condition)
    }

    fn close(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Lexeme::Close) {
            return Err(self.expected("\")\""));
        }
        self.take();
        Ok(())
    }

    fn test(&mut self) -> Result<Condition, Fault> {
        let operand = self.operand()?;
        if let Lexeme::Compare(comparison) = *self.peek() {
            self.take();
            return Ok(Condition::Compare(operand, comparison, self.value()?));
        }
        if self.keyword("IS") {
            let negated = self.keyword("NOT");
            if !self.keyword("NULL") {
                return Err(self.expected("NULL"));
            }
            return Ok(not_if(negated, Condition::IsNull(operand)));
        }
        let negated = self.keyword("NOT");
        let condition = if self.keyword("IN") {
            Condition::In(operand, self.values()?)
        } else if self.keyword("LIKE") {
            match self.take() {
                (at, Lexeme::Text(text)) => {
                    let pattern = Pattern::new(&text).map_err(|what| Fault::new(at, what))?;
                    Condition::Like(operand, pattern)
                }
                (at, other) => {
                    let what = format!("found {}, expected a text in single quotes", other.shown());
                    return Err(Fault::new(at, what));
                }
            }
        } else if self.keyword("BETWEEN") {
            let low = self.value()?;
            if !self.keyword("AND") {
                return Err(self.expected("AND"));
            }
            Condition::And(vec![
                Condition::Compare(operand.clone(), Operator::GreaterOrEqual, low),
                Condition::Compare(operand, Operator::LessOrEqual, self.value()?),
            ])
        } else if negated {
            return Err(self.expected("IN, LIKE or BETWEEN"));
        } else {
            Condition::IsTrue(operand)
        };
        Ok(not_if(negated, condition))
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        let at = self.at();
        match self.peek().clone() {
            Lexeme::Name(column) => {
                self.take();
                Ok(Operand { column, chars: false, at })
            }
            Lexeme::Word(word) if !KEYWORDS.iter().any(|k| word.eq_ignore_ascii_case(k)) => {
                self.take();
                if !matches!(self.peek(), Lexeme::Open) {
                    return Ok(Operand { column: word, chars: false, at });
                }
                if !word.eq_ignore_ascii_case("chars") {
                    let what = format!("there is no function {word:?}; the only one is chars");
                    return Err(Fault::new(at, what));
                }
                self.take();
                let inner = self.operand()?;
                if inner.chars {
                    return Err(Fault::new(inner.at, "chars takes the name of a column"));
                }
                self.close()?;
                Ok(Operand { chars: true, ..inner })
            }
            Lexeme::Text(text) => {
                let what = format!(
                    "found the text '{text}', expected a column; names of columns go without \
                     quotes or in double quotes, and come before the value"
                );
                Err(Fault::new(at, what))
            }
            _ => Err(self.expected("the name of a column")),
        }
    }

    fn values(&mut self) -> Result<Vec<Literal>, Fault> {
        if !matches!(self.peek(), Lexeme::Open) {
            return Err(self.expected("\"(\""));
        }
        self.take();
        let mut values = vec![self.value()?];
        while matches!(self.peek(), Lexeme::Comma) {
            self.take();
            values.push(self.value()?);
        }
        self.close()?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Literal, Fault> {
        let at = self.at();
        let value = match self.peek() {
            Lexeme::Text(text) => Value::Text(text.clone()),
            Lexeme::Number(number) => Value::Number(number.clone()),
            Lexeme::Word(word) if word.eq_ignore_ascii_case("TRUE") => Value::Boolean(true),
            Lexeme::Word(word) if word.eq_ignore_ascii_case("FALSE") => Value::Boolean(false),
            Lexeme::Word(word) if word.eq_ignore_ascii_case("NULL") => {
                let what = "nothing equals NULL; write IS NULL or IS NOT NULL";
                return Err(Fault::new(at, what));
            }
            Lexeme::Word(word) => {
                let what = format!("found {word:?}, expected a value; write texts as '{word}'");
                return Err(Fault::new(at, what));
            }
            Lexeme::Name(name) => {
                let what = format!(
                    "found {name:?}, expected a value; texts are in single quotes: '{name}'"
                );
                return Err(Fault::new(at, what));
            }
            _ => return Err(self.expected("a value")),
        };
        self.take();
        Ok(Literal { value, at })
    }
}

fn one_or(mut parts: Vec<Condition>, all: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            all(parts)
        }
        None => all(parts),
    }
}

fn not_if(negated: bool, condition: Condition) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}
