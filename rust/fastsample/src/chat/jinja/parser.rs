//! Statements: tags that open and end bodies.

use std::sync::Arc;

use super::Fail;
use super::ast::{Assigned, ForLoop, MacroBody, Stmt, What};
use super::lexer::{TemplatePart, pieces};
use super::tokens::Tokens;

/// Blocks within each other.
const MOST_LEVELS: usize = 100;

/// Parses a template. Also tells whether it says what the model is to write.
pub(super) fn parse(source: &str) -> Result<(Vec<Stmt>, bool), Fail> {
    let pieces = pieces(source)?.into_iter();
    let mut blocks = BlockParser { pieces, level: 0, has_generation: false };
    let (body, end) = blocks.body(&[])?;
    debug_assert!(end.is_none(), "only the end of the template ends it");
    Ok((body, blocks.has_generation))
}

struct BlockParser {
    pieces: std::vec::IntoIter<TemplatePart>,
    level: usize,
    has_generation: bool,
}

/// A tag that ended a body: its first word, and what is behind it.
type End = Option<(String, Tokens)>;

impl BlockParser {
    /// Statements up to one of the tags `ends`; up to the end of the template if there are none.
    fn body(&mut self, ends: &[&str]) -> Result<(Vec<Stmt>, End), Fail> {
        self.level += 1;
        let mut found = Vec::new();
        let mut last = 1;
        while let Some(piece) = self.pieces.next() {
            let (what, line) = match piece {
                TemplatePart::Text(text) if text.is_empty() => continue,
                TemplatePart::Text(text) => (What::Text(text), last),
                TemplatePart::Print(tokens, line) => {
                    let mut tokens = Tokens::new(tokens, line);
                    let value = tokens.tuple(true)?;
                    tokens.end()?;
                    (What::Print(value), line)
                }
                TemplatePart::Block(tokens, line) => {
                    let mut tokens = Tokens::new(tokens, line);
                    let word = tokens.name()?;
                    if ends.contains(&word.as_str()) {
                        self.level -= 1;
                        return Ok((found, Some((word, tokens))));
                    }
                    if self.level > MOST_LEVELS {
                        return Err(Fail::at(line, "too many blocks within blocks".into()));
                    }
                    (self.block(&word, tokens)?, line)
                }
            };
            last = line;
            found.push(Stmt { what, line });
        }
        if let [.., end] = ends {
            return Err(Fail::at(last, format!("{{% {end} %}} is missing")));
        }
        self.level -= 1;
        Ok((found, None))
    }

    /// A body up to `end`.
    fn until(&mut self, end: &str) -> Result<Vec<Stmt>, Fail> {
        let (body, end) = self.body(&[end])?;
        if let Some((_, mut tokens)) = end {
            // A name behind `endmacro`.
            while tokens.next().is_some() {}
        }
        Ok(body)
    }

    fn block(&mut self, word: &str, mut tokens: Tokens) -> Result<What, Fail> {
        let what = match word {
            "if" => return self.condition(tokens),
            "for" => return self.for_loop(tokens),
            "set" => {
                let target = tokens.target()?;
                if tokens.takes("=") {
                    What::Set(target, tokens.tuple(true)?)
                } else {
                    tokens.end()?;
                    return Ok(What::SetBlock(target, self.until("endset")?));
                }
            }
            "with" => {
                let mut names = Vec::new();
                while !tokens.is_done() {
                    let name = tokens.name()?;
                    tokens.expect("=")?;
                    names.push((name, tokens.expression()?));
                    tokens.takes(",");
                }
                return Ok(What::With(names, self.until("endwith")?));
            }
            "generation" => {
                tokens.end()?;
                self.has_generation = true;
                return Ok(What::Generation(self.until("endgeneration")?));
            }
            "filter" => {
                let mut filtered = tokens.filter(None)?;
                while tokens.takes("|") {
                    filtered = tokens.filter(Some(filtered))?;
                }
                tokens.end()?;
                return Ok(What::Filter(filtered, self.until("endfilter")?));
            }
            "macro" => {
                let name = tokens.name()?;
                let parameters = tokens.parameters()?;
                tokens.end()?;
                let body = self.until("endmacro")?;
                return Ok(What::Macro(Arc::new(MacroBody { name, parameters, body })));
            }
            "break" => What::Break,
            "continue" => What::Continue,
            _ => return Err(tokens.fail(&format!("the tag {word:?}"))),
        };
        tokens.end()?;
        Ok(what)
    }

    fn condition(&mut self, mut tokens: Tokens) -> Result<What, Fail> {
        let mut cases = Vec::new();
        loop {
            let condition = tokens.tuple(true)?;
            tokens.end()?;
            let (body, end) = self.body(&["elif", "else", "endif"])?;
            cases.push((condition, body));
            let Some((word, rest)) = end else { break };
            match word.as_str() {
                "elif" => tokens = rest,
                "else" => return Ok(What::If(cases, self.until("endif")?)),
                _ => break,
            }
        }
        Ok(What::If(cases, Vec::new()))
    }

    fn for_loop(&mut self, mut tokens: Tokens) -> Result<What, Fail> {
        let Assigned::Names(names) = tokens.target()? else {
            return Err(tokens.fail("a loop over a field"));
        };
        if !tokens.takes_name("in") {
            return Err(tokens.fail("a loop without in"));
        }
        let items = tokens.tuple(false)?;
        let condition = tokens.takes_name("if").then(|| tokens.expression()).transpose()?;
        tokens.end()?;
        let (body, end) = self.body(&["else", "endfor"])?;
        let has_else = end.is_some_and(|(word, _)| word == "else");
        let otherwise = if has_else { self.until("endfor")? } else { Vec::new() };
        Ok(What::For(ForLoop { names, items, condition, body, otherwise }))
    }
}
