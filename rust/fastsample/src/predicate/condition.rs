//! `Condition`: a predicate as a tree.

use super::like::Pattern;
use super::number::Decimal;

/// A condition on a row.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// All of these.
    And(Vec<Condition>),
    /// Any of these.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// `operand op value`.
    Compare(Operand, Operator, Literal),
    /// `operand IN (values)`.
    In(Operand, Vec<Literal>),
    /// `operand LIKE pattern`.
    Like(Operand, Pattern),
    /// `operand IS NULL`.
    IsNull(Operand),
    /// A column of truth values by itself.
    IsTrue(Operand),
}

/// What is compared: a column, or the number of characters in it.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) column: String,
    /// Whether it is `chars(column)`.
    pub(super) chars: bool,
    /// Where it stands: a byte of the text.
    pub(super) at: usize,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) value: Value,
    pub(super) at: usize,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Number(Decimal),
    Boolean(bool),
}

impl Condition {
    /// Calls `see` with each operand, from left to right.
    pub(super) fn visit(&self, see: &mut impl FnMut(&Operand)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Not(inner) => inner.visit(see),
            Self::Compare(operand, ..)
            | Self::In(operand, _)
            | Self::Like(operand, _)
            | Self::IsNull(operand)
            | Self::IsTrue(operand) => see(operand),
        }
    }
}
