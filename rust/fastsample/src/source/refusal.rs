//! Refusal: why a file is not decoded, found before its decoder is called.

use std::path::Path;

use crate::error::Error;

/// Why a file is refused before it is decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It breaks the format.
    Damaged(String),
    /// It is sound but not handled.
    Unsupported(String),
}

impl Refusal {
    /// The error of the file at `path`; `damage` names what is damaged.
    pub(super) fn of(self, path: &Path, damage: &str) -> Error {
        match self {
            Self::Damaged(what) => {
                Error::corrupt(path, format!("{damage}: {what}; fetch or write the file again"))
            }
            Self::Unsupported(what) => Error::unsupported(path, &what),
        }
    }
}
