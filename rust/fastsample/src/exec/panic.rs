//! A caught panic as an error.

use super::memory;
use crate::error::{Error, is_want_of_memory};

/// The text of a caught panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a thread panicked")
        .to_owned()
}

/// What a caught panic comes from, if it is not a defect of the code that panicked: libraries that
/// get no memory do so.
pub(crate) fn cause(panic: &(dyn std::any::Any + Send)) -> Option<Error> {
    (memory::is_short() || is_want_of_memory(&panic_message(panic))).then_some(Error::NoMemory)
}

/// A caught panic as an error.
#[must_use]
pub fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    cause(panic).unwrap_or_else(|| Error::Internal(panic_message(panic)))
}
