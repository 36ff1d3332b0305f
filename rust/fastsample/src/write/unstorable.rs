//! Types that a format can't store, found before anything is written.

use arrow_schema::{DataType, Schema};

use crate::error::Result;
use crate::files::Output;

/// Refuses a schema with a type, at any depth, that `refusal` has a name for.
///
/// # Errors
/// [`crate::Error::Output`] that names the column, the type and `format`.
pub(super) fn check_types(
    schema: &Schema,
    output: &Output,
    format: &str,
    refusal: impl Fn(&DataType) -> Option<&'static str>,
) -> Result<()> {
    for field in schema.fields() {
        if let Some(kind) = within(field.data_type(), &refusal) {
            return Err(output.failed(&format!(
                "column {:?} holds {kind}, which {format} files can't; \
                 write Arrow IPC, or leave the column out with columns=",
                field.name()
            )));
        }
    }
    Ok(())
}

/// The first type within a type that is refused.
fn within(
    kind: &DataType,
    refusal: &impl Fn(&DataType) -> Option<&'static str>,
) -> Option<&'static str> {
    refusal(kind).or_else(|| match kind {
        DataType::Struct(fields) => {
            fields.iter().find_map(|field| within(field.data_type(), refusal))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => within(item.data_type(), refusal),
        DataType::Dictionary(_, values) => within(values, refusal),
        _ => None,
    })
}
