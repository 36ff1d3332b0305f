//! Statements: text, blocks, loops, macros; scopes of names; the budget.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::ast::{Args, Assigned, ForLoop, Stmt, What};
use super::budget::Allowance;
use super::value::{JinjaValue, Loop, Macro};
use super::{Fail, Rendered, python};

/// Calls within calls.
const MOST_CALLS: usize = 100;

/// What a statement does to the loop around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Scope = HashMap<String, JinjaValue>;

/// A rendering under way.
pub(super) struct Renderer {
    /// The variables, the names of the template, those of each loop, and so on.
    scopes: Vec<Scope>,
    out: String,
    /// The bytes of `out` that `generation` blocks wrote; none once one is not in `out` itself.
    generated: Option<Vec<Range<usize>>>,
    /// Bodies around what is written, of which the text is put elsewhere: macros, set and filter
    /// blocks; and `generation` blocks.
    captures: usize,
    pub(super) budget: Allowance,
    calls: usize,
}

impl Renderer {
    pub(super) fn new(variables: Scope) -> Self {
        let scopes = vec![variables, Scope::new()];
        Self {
            scopes,
            out: String::new(),
            generated: Some(Vec::new()),
            captures: 0,
            budget: Allowance::new(),
            calls: 0,
        }
    }

    pub(super) fn template(mut self, body: &[Stmt]) -> Result<Rendered, Fail> {
        self.body(body)?;
        Ok(Rendered { text: self.out, generated: self.generated })
    }

    pub(super) fn lookup(&self, name: &str) -> Option<JinjaValue> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    fn put(&mut self, name: &str, value: JinjaValue) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    fn body(&mut self, body: &[Stmt]) -> Result<Flow, Fail> {
        self.budget.enter()?;
        let mut flow = Flow::On;
        for stmt in body {
            flow = self.stmt(&stmt.what).map_err(|fail| fail.or_at(stmt.line))?;
            if flow != Flow::On {
                break;
            }
        }
        self.budget.leave();
        Ok(flow)
    }

    /// Runs `body` in a scope of its own.
    fn scoped(&mut self, scope: Scope, body: &[Stmt]) -> Result<Flow, Fail> {
        self.scopes.push(scope);
        let flow = self.body(body);
        self.scopes.pop();
        flow
    }

    /// The text of a body, in a scope of its own.
    fn captured(&mut self, scope: Scope, body: &[Stmt]) -> Result<JinjaValue, Fail> {
        let before = std::mem::take(&mut self.out);
        self.captures += 1;
        let flow = self.scoped(scope, body);
        self.captures -= 1;
        let text = std::mem::replace(&mut self.out, before);
        flow.map(|_| JinjaValue::text(text))
    }

    /// Runs a `generation` block, and keeps where its text lies.
    fn generation(&mut self, body: &[Stmt]) -> Result<Flow, Fail> {
        if self.captures > 0 {
            self.generated = None;
        }
        let start = self.out.len();
        self.captures += 1;
        let flow = self.scoped(Scope::new(), body)?;
        self.captures -= 1;
        if let Some(generated) = &mut self.generated {
            generated.push(start..self.out.len());
        }
        Ok(flow)
    }

    fn write(&mut self, text: &str) -> Result<(), Fail> {
        self.budget.pay_bytes(text.len() as u64)?;
        self.out.push_str(text);
        Ok(())
    }

    fn stmt(&mut self, what: &What) -> Result<Flow, Fail> {
        self.budget.pay(1)?;
        match what {
            What::Text(text) => self.write(text)?,
            What::Print(value) => {
                let value = self.eval(value)?;
                if let JinjaValue::Text(text) = &value {
                    self.write(text)?;
                } else {
                    let text = python::string(&mut self.budget, &value)?;
                    self.out.push_str(&text);
                }
            }
            What::Set(target, value) => {
                let value = self.eval(value)?;
                self.assign(target, value)?;
            }
            What::SetBlock(target, body) => {
                let text = self.captured(Scope::new(), body)?;
                self.assign(target, text)?;
            }
            What::If(cases, otherwise) => {
                for (condition, body) in cases {
                    if self.eval(condition)?.is_true() {
                        return self.body(body);
                    }
                }
                return self.body(otherwise);
            }
            What::For(found) => return self.for_loop(found),
            What::With(names, body) => {
                let mut scope = Scope::new();
                for (name, value) in names {
                    scope.insert(name.clone(), self.eval(value)?);
                }
                return self.scoped(scope, body);
            }
            What::Generation(body) => return self.generation(body),
            What::Filter(filter, body) => {
                let text = self.captured(Scope::new(), body)?;
                let text = self.filter_of(filter, text)?;
                let text = python::string(&mut self.budget, &text)?;
                self.out.push_str(&text);
            }
            What::Macro(body) => {
                let (body, scopes) = (body.clone(), self.scopes.len());
                let value = JinjaValue::Macro(Rc::new(Macro { body: body.clone(), scopes }));
                self.put(&body.name, value);
            }
            What::Break => return Ok(Flow::Break),
            What::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn assign(&mut self, target: &Assigned, value: JinjaValue) -> Result<(), Fail> {
        match target {
            Assigned::Names(names) => {
                if let [name] = names.as_slice() {
                    self.put(name, value);
                } else {
                    let items = self.unpacked(names, &value)?;
                    names.iter().zip(items).for_each(|(name, item)| self.put(name, item));
                }
            }
            Assigned::Field(name, field) => {
                let Some(JinjaValue::Namespace(namespace)) = self.lookup(name) else {
                    return Err(Fail::new(format!("{name} is no namespace")));
                };
                if let JinjaValue::Namespace(_) | JinjaValue::Loop(_) | JinjaValue::Macro(_) = value
                {
                    return Err(Fail::new(format!(
                        "{} in a namespace is not supported",
                        value.kind()
                    )));
                }
                namespace.borrow_mut().insert(field.clone(), value);
            }
        }
        Ok(())
    }

    fn unpacked(&mut self, names: &[String], value: &JinjaValue) -> Result<Vec<JinjaValue>, Fail> {
        let items = self.budget.items_of(value)?;
        if items.len() == names.len() {
            return Ok(items);
        }
        Err(Fail::new(format!("{} names for {} values", names.len(), items.len())))
    }

    fn for_loop(&mut self, found: &ForLoop) -> Result<Flow, Fail> {
        let items = self.eval(&found.items)?;
        let mut items = self.budget.items_of(&items)?;
        if let Some(condition) = &found.condition {
            let mut chosen = Vec::new();
            for item in items {
                let scope = self.loop_scope(&found.names, item.clone())?;
                self.scopes.push(scope);
                let is_chosen = self.eval(condition);
                self.scopes.pop();
                if is_chosen?.is_true() {
                    chosen.push(item);
                }
            }
            items = chosen;
        }
        if items.is_empty() {
            return self.scoped(Scope::new(), &found.otherwise);
        }
        let items = Rc::new(items);
        let state = Loop { items: items.clone(), index: 0, changed: None };
        let state = Rc::new(RefCell::new(state));
        for (index, item) in items.iter().enumerate() {
            state.borrow_mut().index = index;
            let mut scope = self.loop_scope(&found.names, item.clone())?;
            scope.insert("loop".to_owned(), JinjaValue::Loop(state.clone()));
            if self.scoped(scope, &found.body)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn loop_scope(&mut self, names: &[String], item: JinjaValue) -> Result<Scope, Fail> {
        self.budget.pay(1)?;
        if let [name] = names {
            return Ok(HashMap::from([(name.clone(), item)]));
        }
        let items = self.unpacked(names, &item)?;
        Ok(names.iter().cloned().zip(items).collect())
    }

    /// Calls a macro.
    pub(super) fn call_macro(&mut self, found: &Macro, args: &Args) -> Result<JinjaValue, Fail> {
        let (plain, named) = self.args(args)?;
        let body = found.body.clone();
        let mut scope = Scope::new();
        if plain.len() > body.parameters.len() {
            return Err(Fail::new(format!("macro {} has too many arguments", body.name)));
        }
        for (name, value) in named {
            if !body.parameters.iter().any(|(known, _)| *known == name) {
                return Err(Fail::new(format!("macro {} has no argument {name}", body.name)));
            }
            scope.insert(name, value);
        }
        for ((name, _), value) in body.parameters.iter().zip(plain) {
            scope.insert(name.clone(), value);
        }
        self.calls += 1;
        if self.calls > MOST_CALLS {
            return Err(Fail::new("too many calls within calls".into()));
        }
        // A macro sees the names around it, not those around its call.
        let mut hidden = self.scopes.split_off(found.scopes.min(self.scopes.len()));
        self.scopes.push(scope);
        for (name, default) in &body.parameters {
            if self.scopes.last().is_some_and(|scope| !scope.contains_key(name)) {
                let value = match default {
                    Some(default) => self.eval(default)?,
                    None => JinjaValue::Undefined(name.as_str().into()),
                };
                self.put(name, value);
            }
        }
        let text = self.captured(Scope::new(), &body.body);
        self.scopes.pop();
        self.scopes.append(&mut hidden);
        self.calls -= 1;
        text
    }
}
