//! Python strings from UTF-8.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Makes strings, with buffers of its own.
#[derive(Default)]
pub(crate) struct Strings {
    wide: Vec<u32>,
}

impl Strings {
    /// The string of these bytes.
    ///
    /// # Errors
    /// `UnicodeDecodeError` unless they are UTF-8.
    pub(crate) fn make<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyString>> {
        // Python's own decoder is fast for ASCII. Chinese makes it widen and shrink what it has.
        if cfg!(windows) || bytes.is_ascii() {
            return PyString::from_bytes(py, bytes);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return PyString::from_bytes(py, bytes);
        };
        self.wide.clear();
        self.wide.reserve(bytes.len());
        self.wide.extend(text.chars().map(u32::from));
        from_wide(py, &self.wide)
    }
}

/// The string of these code points.
#[expect(unsafe_code, reason = "the stable ABI has no safe way to make a string of code points")]
fn from_wide<'py>(py: Python<'py>, points: &[u32]) -> PyResult<Bound<'py, PyString>> {
    // SAFETY: the pointer and the length are those of a slice, whose items have the size of a
    // `wchar_t` (4 bytes, except on Windows, where this is not called); the result is a new
    // reference to a str, or null with an exception set.
    let made = unsafe {
        let made = pyo3::ffi::PyUnicode_FromWideChar(points.as_ptr().cast(), points.len() as isize);
        Bound::from_owned_ptr_or_err(py, made)?
    };
    Ok(made.cast_into()?)
}
