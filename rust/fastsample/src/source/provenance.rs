//! Provenance: what made a file, as its own metadata tells.
//!
//! The rows that are drawn out of such a file are others than those that its provenance is of, so a
//! source doesn't hand it on with the metadata of its schema.

use arrow_schema::{Schema, SchemaRef};

/// The key of the metadata of a schema under which a file tells what made it.
pub const PROVENANCE: &str = "fastsample.provenance";

/// The schema without the provenance.
pub(super) fn without_provenance(schema: &SchemaRef) -> SchemaRef {
    with(schema, None)
}

/// The schema with this provenance.
pub(crate) fn with_provenance(schema: &SchemaRef, provenance: &str) -> SchemaRef {
    with(schema, Some(provenance))
}

fn with(schema: &SchemaRef, provenance: Option<&str>) -> SchemaRef {
    let mut metadata = schema.metadata().clone();
    let before = metadata.remove(PROVENANCE);
    if before.as_deref() == provenance {
        return schema.clone();
    }
    metadata.extend(provenance.map(|text| (PROVENANCE.to_owned(), text.to_owned())));
    Schema::new_with_metadata(schema.fields().clone(), metadata).into()
}
