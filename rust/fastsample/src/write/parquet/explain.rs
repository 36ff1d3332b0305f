//! Errors of the Parquet writer, without the names of the layers in between.

use parquet::errors::ParquetError;

use crate::error::Error;
use crate::files::{Output, reason};

/// Why a file could not be written, without the names of the layers in between.
pub(super) fn explain(file: &Output, error: ParquetError) -> Error {
    let inner = match error {
        ParquetError::External(inner) => inner,
        ParquetError::NYI(what) | ParquetError::ArrowError(what) => {
            return file.failed(&format!("Parquet can't hold this data: {what}"));
        }
        other => return file.failed(&other),
    };
    match inner.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => match other.downcast::<std::io::Error>() {
            Ok(error) => file.failed(&reason(&error)),
            Err(other) => file.failed(&other),
        },
    }
}
