//! Object: bytes with a name, a length and a version; a local file, or an object of a store.
//!
//! ```text
//!  local   open file ─────────────────────▶ reads of any size, where they are wanted
//!  far     object of a store ──▶ `ahead` ──▶ few requests of some megabytes, many under way
//! ```
//!
//! Formats read through [`OpenFile`](super::file::OpenFile) and do not know which of them it is.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;

use crate::error::{Error, Result};

/// By what a store tells the contents of an object from others of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreIdentity {
    /// The `ETag`, which depends on the content.
    pub etag: Option<String>,
    /// The id of the version, where the store keeps versions, and tells it.
    pub version_id: Option<String>,
}

/// Bytes that can be read in any part, by any thread, and that do not change meanwhile.
///
/// # Errors
/// Every read fails with [`Error::Changed`] rather than give bytes of another version.
pub trait Object: Debug + Send + Sync {
    /// The path or the URL, as messages name it.
    fn name(&self) -> &Path;

    /// Bytes in all.
    fn size(&self) -> u64;

    /// What tells this version of the content from others of the same name.
    fn version(&self) -> String;

    /// By what a store tells its content from others; a local file has no such thing.
    fn store_identity(&self) -> StoreIdentity {
        StoreIdentity::default()
    }

    /// Whether a request takes so long that ranges are better asked for early, and together.
    fn is_far(&self) -> bool;

    /// The bytes of ranges that lie in the object, all asked for at once.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::NotFound`] or [`Error::Read`], of the first that fails.
    fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>>;

    /// Reads some bytes at an offset; none at the end.
    ///
    /// # Errors
    /// The system's reason, or one of this crate inside, as `reason` takes it out.
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fails if the object is known to be no longer what it was.
    ///
    /// # Errors
    /// [`Error::Changed`].
    fn verify(&self) -> Result<()>;
}

/// The error behind a failure to read `name`.
pub(super) fn reason(name: &Path, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::read(name, error),
    }
}
