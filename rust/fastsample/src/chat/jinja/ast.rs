//! A parsed template.

use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Expr {
    Text(Arc<str>),
    Int(i128),
    Float(f64),
    Bool(bool),
    None,
    Name(String),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, String),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Args),
    /// None filters the body of a filter block.
    Filter(Option<Box<Expr>>, String, Args),
    Test(Box<Expr>, String, Args),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
}

#[derive(Debug, Default)]
pub(super) struct Args {
    pub(super) plain: Vec<Expr>,
    pub(super) named: Vec<(String, Expr)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompareOp {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Floor,
    Modulo,
    Power,
}

#[derive(Debug)]
pub(super) enum Assigned {
    Names(Vec<String>),
    /// A field of a namespace.
    Field(String, String),
}

#[derive(Debug)]
pub(super) struct MacroBody {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, Option<Expr>)>,
    pub(super) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(super) struct ForLoop {
    pub(super) names: Vec<String>,
    pub(super) items: Expr,
    pub(super) condition: Option<Expr>,
    pub(super) body: Vec<Stmt>,
    pub(super) otherwise: Vec<Stmt>,
}

#[derive(Debug)]
pub(super) enum What {
    Text(String),
    Print(Expr),
    Set(Assigned, Expr),
    SetBlock(Assigned, Vec<Stmt>),
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    For(ForLoop),
    With(Vec<(String, Expr)>, Vec<Stmt>),
    Filter(Expr, Vec<Stmt>),
    /// What the model is to write.
    Generation(Vec<Stmt>),
    Macro(Arc<MacroBody>),
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) struct Stmt {
    pub(super) what: What,
    pub(super) line: u32,
}
