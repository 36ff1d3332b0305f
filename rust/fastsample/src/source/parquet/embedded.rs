//! Embedded Arrow schema (`ARROW:schema`) of a Parquet footer, checked before it is parsed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::file::metadata::ParquetMetaData;

use crate::source::ipc::message;

/// Whether the schema in the footer, if there is one, may be parsed.
pub(super) fn is_sound(metadata: &ParquetMetaData) -> bool {
    let entries = metadata.file_metadata().key_value_metadata();
    let mut schemas =
        entries.into_iter().flatten().filter(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    schemas.all(|pair| pair.value.as_deref().is_none_or(is_sound_schema))
}

fn is_sound_schema(encoded: &str) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(encoded) else { return false };
    message::parse(&bytes)
        .is_ok_and(|message| message.header_as_schema().is_some_and(message::is_native))
}
