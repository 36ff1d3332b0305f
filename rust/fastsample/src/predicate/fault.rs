//! `Fault`: what is wrong with a predicate, and where.

use crate::error::Error;

/// What is wrong with a predicate, and where: the place is a byte of its text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
    /// Whether a column is missing.
    pub(super) column: bool,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), column: false }
    }
}

/// The fault as an error, with the place counted in characters from 1.
pub(super) fn explain(text: &str, fault: &Fault) -> Error {
    let place = text[..fault.at].chars().count() + 1;
    let message = format!("where, at character {place}: {}: {text}", fault.what);
    if fault.column { Error::Column(message) } else { Error::Argument(message) }
}
