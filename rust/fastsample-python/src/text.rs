//! Text columns as Python sees them.

use fastsample::text::TextColumns;

/// The paths of the text columns; strings that were left out by default, each with the reason.
pub(crate) type Described = (Vec<String>, Vec<(String, String)>);

/// Text columns as plain values.
pub(crate) fn described(text: &TextColumns) -> Described {
    let left_out = text.left_out().iter().map(|(path, kind)| (path.clone(), kind.to_string()));
    (text.paths(), left_out.collect())
}
