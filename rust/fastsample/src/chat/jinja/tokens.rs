//! The tokens of a tag, taken one after the other.

use super::Fail;
use super::lexer::TagToken;

/// Brackets and signs within each other.
const MOST_LEVELS: usize = 100;

/// What is left of the tokens of a tag.
pub(super) struct Tokens {
    rest: std::iter::Peekable<std::vec::IntoIter<TagToken>>,
    pub(super) line: u32,
    level: usize,
}

impl Tokens {
    pub(super) fn new(tokens: Vec<TagToken>, line: u32) -> Self {
        Self { rest: tokens.into_iter().peekable(), line, level: 0 }
    }

    pub(super) fn fail(&self, what: &str) -> Fail {
        Fail::at(self.line, format!("{what} is not supported"))
    }

    pub(super) fn peek(&mut self) -> Option<&TagToken> {
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

    pub(super) fn is_name(&mut self, name: &str) -> bool {
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

    /// Goes a level down: a bracket or a sign within another.
    pub(super) fn enter(&mut self) -> Result<(), Fail> {
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(Fail::at(self.line, "too many signs or brackets within each other".into()));
        }
        Ok(())
    }

    /// Comes back from a level.
    pub(super) fn leave(&mut self) {
        self.level -= 1;
    }

    /// The texts behind a text, which are one with it.
    pub(super) fn more_text(&mut self) -> Option<String> {
        match self.rest.next_if(|token| matches!(token, TagToken::Text(_))) {
            Some(TagToken::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// A token, for messages.
pub(super) fn shown(token: &TagToken) -> String {
    match token {
        TagToken::Name(name) => name.clone(),
        TagToken::Text(text) => format!("{text:?}"),
        TagToken::Int(number) => number.to_string(),
        TagToken::Float(number) => number.to_string(),
        TagToken::Op(op) => (*op).to_owned(),
    }
}
