//! Panic barrier around decoders: their errors and panics become errors of the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::errors::ParquetError;

use crate::error::{Error, Result};
use crate::exec::{cause, panic_message};

/// Runs a decoder on data that may be hostile: its errors and its panics are the file's fault.
pub(super) fn catch<T>(path: &Path, decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::parquet(path, &error)),
        Err(panic) => Err(cause(&*panic).unwrap_or_else(|| {
            let what = panic_message(&*panic);
            let what = format!(
                "damaged data (the decoder gave up: {what}); fetch or write the file again"
            );
            Error::corrupt(path, what)
        })),
    }
}
