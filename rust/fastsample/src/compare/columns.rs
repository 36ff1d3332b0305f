//! The columns that are compared, looked up in the source and in the sample.

use arrow_schema::DataType;

use crate::columns::{named_columns, text_columns};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::Source;
use crate::text::TextColumns;

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// Text columns; the default of [`crate::text`] but `by` if none.
    pub text: Option<Vec<String>>,
    /// A column whose values' shares are compared.
    pub by: Option<String>,
    /// Characters (all text columns together) at which training cuts a row off.
    pub max_chars: usize,
}

/// The text to compare by, in the source.
pub(super) fn text_of(
    ctx: &Context,
    source: &Source,
    options: &CompareOptions,
) -> Result<TextColumns> {
    let found = text_columns(ctx, source, options.text.as_deref(), "compare by");
    let found = found.map_err(|error| within("source", error))?;
    match &options.by {
        Some(by) if options.text.is_none() && found.paths().contains(by) => {
            let others: Vec<String> = found.paths().into_iter().filter(|path| path != by).collect();
            if others.is_empty() { Ok(found) } else { named_columns(source, &others) }
        }
        _ => Ok(found),
    }
}

pub(super) fn within(side: &str, error: Error) -> Error {
    match error {
        Error::Column(what) if side == "sample" => Error::Column(format!(
            "in the sample, {what}; source and sample must share the columns that are compared"
        )),
        Error::Column(what) => Error::Column(format!("in the {side}, {what}")),
        other => other,
    }
}

pub(super) fn find_values(side: &Source, name: &str, whose: &str) -> Result<usize> {
    let index = find(side, name, whose)?;
    let kind = side.schema().field(index).data_type();
    if arrow_cast::can_cast_types(kind, &DataType::Utf8View) {
        return Ok(index);
    }
    Err(Error::Column(format!(
        "column {name:?} of the {whose} is {kind}, whose values cannot be told apart as text; \
         choose a column of text, numbers or dates"
    )))
}

fn find(side: &Source, name: &str, whose: &str) -> Result<usize> {
    side.schema().index_of(name).map_err(|_| {
        Error::Column(format!(
            "the {whose} has no column {name:?}; its columns are {}; \
             source and sample must share the columns that are compared",
            described(side)
        ))
    })
}

fn described(side: &Source) -> String {
    let fields = side.schema().fields().iter();
    fields.map(|f| format!("{} ({})", f.name(), f.data_type())).collect::<Vec<_>>().join(", ")
}
