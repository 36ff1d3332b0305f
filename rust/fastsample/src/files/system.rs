//! System calls beside writing: folders made durable, errors in the words of the system, and whether
//! what only Linux has is used.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

static PORTABLE: AtomicBool = AtomicBool::new(false);

/// From now on, does without what only Linux has, as on every other system.
pub fn be_portable() {
    PORTABLE.store(true, Ordering::Relaxed);
}

/// Whether there are unnamed files, early write-back, and a list of what is mapped.
pub(crate) fn has_linux_ways() -> bool {
    cfg!(target_os = "linux") && !PORTABLE.load(Ordering::Relaxed)
}

/// The system's own words for an error, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// Makes the names in a folder durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// The error of an output, in the system's words.
pub(super) fn output_error(path: &Path, error: &io::Error) -> Error {
    Error::output(path, reason(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_in_the_words_of_the_system() {
        let said = |number| reason(&io::Error::from_raw_os_error(number));
        if cfg!(target_os = "linux") {
            assert_eq!(said(5), "Input/output error");
            assert_eq!(said(24), "Too many open files");
            assert_eq!(said(28), "No space left on device");
        }
        assert_eq!(reason(&io::Error::other("as it is")), "as it is");
    }
}
