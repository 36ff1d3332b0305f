//! Layouts of records: which of them can be copied into which files.

use std::sync::Arc;

use bytes::Bytes;

/// How the records of a source are laid out, if all are alike.
#[derive(Debug, Clone)]
pub(crate) enum LineLayout {
    /// An object a line.
    Jsonl,
    /// Fields in the order of a header.
    Csv {
        delimiter: u8,
        names: Arc<[String]>,
        /// The header as it is in the file, without its line feed.
        header: Bytes,
    },
}

impl PartialEq for LineLayout {
    /// Headers may differ in their quotes.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Jsonl, Self::Jsonl) => true,
            (
                Self::Csv { delimiter, names, .. },
                Self::Csv { delimiter: other, names: others, .. },
            ) => delimiter == other && names == others,
            _ => false,
        }
    }
}
