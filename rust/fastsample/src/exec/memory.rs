//! Memory whose size comes from the data: an error where the system gives none, not an abort.
//!
//! Rust aborts the process when an allocation fails. So what grows with the rows of a source or with
//! the pages of a file is asked for first, and given back at once: under a limit on the address space
//! (`ulimit -v`) that tells whether the allocation that follows will succeed.

use crate::error::{Error, Result};

/// Smaller ones are not asked for: a process that lacks them can't report an error, either.
const LEAST: usize = 1 << 20;

/// Makes sure that there is memory of `bytes` bytes for `what`.
///
/// # Errors
/// [`Error::Memory`] if there is not.
pub(crate) fn require(bytes: usize, what: impl FnOnce() -> String) -> Result<()> {
    if bytes < LEAST {
        return Ok(());
    }
    let mut trial = Vec::<u8>::new();
    trial.try_reserve_exact(bytes).map_err(|_| Error::Memory { what: what(), bytes })?;
    // So that the compiler does not leave the allocation out.
    std::hint::black_box(&trial);
    Ok(())
}

/// Makes sure that there is memory for a value of `T` for each of `rows` rows.
///
/// # Errors
/// [`Error::Memory`] if there is not.
pub(crate) fn require_rows<T>(rows: u64, what: &str) -> Result<()> {
    let bytes = usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(size_of::<T>());
    require(bytes, || format!("{what} of {rows} rows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused() {
        assert!(require(0, String::new).is_ok() && require(64 << 20, String::new).is_ok());
        for bytes in [isize::MAX as usize, usize::MAX] {
            let error = require(bytes, || "a page".into()).expect_err("too much");
            assert!(matches!(error, Error::Memory { .. }));
            assert!(error.to_string().contains("no memory for a page"), "{error}");
        }
        let error = require_rows::<u64>(1 << 60, "the ordinals").expect_err("too much");
        assert!(error.to_string().contains("the ordinals of 1152921504606846976 rows"), "{error}");
    }
}
