//! A small Jinja: the part of the language that chat templates use, as Python's jinja2 renders it.
//!
//! ```text
//!  source ─▶ lexer: pieces ─▶ parser: statements ─▶ render: text
//! ```
//!
//! Templates are hostile input, and values of a template can be shared, so a few lines can stand
//! for terabytes. So the interpreter is our own: every value knows its size when it is written out,
//! each step and each byte that is read or written is paid for from one budget, levels of blocks,
//! brackets, calls and lists are bounded, and there is nothing to read files or the clock with.
//! What is not supported is an error, never another text.
//!
//! - `lexer`, `parser`, `tokens`, `expressions`, `operands`, `ast`: from the source to statements;
//! - `value`: values and their sizes; `budget`: what a row may take;
//! - `render`: statements; `eval`: expressions; `operate`: items; `arithmetic`, `comparisons`: operators;
//! - `filters`, `sequences`, `predicates` (`is`), `functions`, `methods`: what templates may call;
//! - `python`, `json`: values as Python writes them; `calendar`: a date that is always the same.

mod arithmetic;
mod ast;
mod budget;
mod calendar;
mod comparisons;
mod eval;
mod expressions;
mod fail;
mod filters;
mod functions;
mod json;
mod lexer;
mod methods;
mod operands;
mod operate;
mod parser;
mod predicates;
mod python;
mod render;
mod sequences;
mod tokens;
mod value;

use std::collections::HashMap;
use std::ops::Range;

pub(crate) use fail::Fail;
pub(crate) use value::JinjaValue;

/// A parsed template.
#[derive(Debug)]
pub(super) struct Template {
    body: Vec<ast::Stmt>,
    has_generation: bool,
}

/// What a template made.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) text: String,
    /// The bytes of what is in `generation` blocks, in their order; none if it is not known where in
    /// the text one of them lies.
    pub(super) generated: Option<Vec<Range<usize>>>,
}

impl Template {
    pub(super) fn parse(source: &str) -> Result<Self, Fail> {
        let (body, has_generation) = parser::parse(source)?;
        Ok(Self { body, has_generation })
    }

    /// Whether there is a `generation` block in it.
    pub(super) fn has_generation(&self) -> bool {
        self.has_generation
    }

    /// The text of the template with some variables.
    pub(super) fn render(&self, variables: HashMap<String, JinjaValue>) -> Result<Rendered, Fail> {
        render::Renderer::new(variables).template(&self.body)
    }
}
