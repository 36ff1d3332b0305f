//! `Fail`: why a template can't be parsed or rendered.

/// Why a template can't be parsed or rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fail {
    what: String,
    line: Option<u32>,
}

impl Fail {
    pub(crate) fn new(what: String) -> Self {
        Self { what, line: None }
    }

    pub(super) fn unknown_method(kind: &str, method: &str) -> Self {
        Self::new(format!("the method {method} of {kind} is not supported"))
    }

    pub(super) fn at(line: u32, what: String) -> Self {
        Self { what, line: Some(line) }
    }

    pub(super) fn or_at(self, line: u32) -> Self {
        Self { line: self.line.or(Some(line)), ..self }
    }
}

impl std::fmt::Display for Fail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{} (line {line} of the template)", self.what),
            None => f.write_str(&self.what),
        }
    }
}
