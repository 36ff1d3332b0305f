//! Predicates over rows: a small part of SQL's `WHERE`, as in `lang = 'zh' AND score > 0.5`.
//!
//! ```text
//!  text ─▶ lexer ─▶ parser ─▶ Condition ─────────────────────────────┐
//!                                  ▼                                 ▼
//!  source ─▶ its columns ─▶ row groups that may match ─▶ batch ─▶ evaluate ─▶ Selection: rows that match
//! ```
//!
//! A condition is true, false or unknown (null), as in SQL. Only rows of which it is true match.
//!
//! | module | what it holds |
//! |---|---|
//! | `lexer` | tokens, with their places |
//! | `parser` | the grammar, by recursive descent |
//! | `condition` | the tree |
//! | `number` | decimal numbers, compared exactly with integers and decimals |
//! | `like` | patterns of `LIKE` |
//! | `truth` | three-valued logic, a bit mask for each value |
//! | `fault` | what is wrong, and where |
//! | `compare` | a column against a value |
//! | `evaluate` | a condition over a batch, and over a source |
//! | `possible` | a condition over row groups, by what footers say of them |

mod compare;
mod condition;
mod evaluate;
mod fault;
mod lexer;
mod like;
mod number;
mod parser;
mod possible;
mod truth;

use std::sync::Arc;

use self::condition::Condition;
use self::fault::explain;
use crate::error::Result;

/// A condition on the columns of a row.
#[derive(Debug, Clone)]
pub struct Predicate {
    text: Arc<str>,
    condition: Arc<Condition>,
}

impl Predicate {
    /// Parses a predicate.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] with the character at which it goes wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let condition = parser::parse(text).map_err(|fault| explain(text, &fault))?;
        Ok(Self { text: text.into(), condition: Arc::new(condition) })
    }

    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it reads, each once, in the order in which they come.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        self.condition.visit(&mut |operand| {
            if !columns.contains(&operand.column) {
                columns.push(operand.column.clone());
            }
        });
        columns
    }
}
