//! File identity: inode, size and time of change, which tell files and their versions apart.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What tells a file from another one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    inode: Option<(u64, u64)>,
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { len: metadata.len(), modified: metadata.modified().ok(), inode: inode(metadata) }
    }

    /// When it was changed, in nanoseconds since 1970; empty where the system does not tell.
    pub(crate) fn changed(&self) -> String {
        let since = self.modified.map(|time| match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => after.as_nanos().to_string(),
            Err(before) => format!("-{}", before.duration().as_nanos()),
        });
        since.unwrap_or_default()
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

/// Device and inode of a file, where the system has such.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(super) fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Device and inode of a file, where the system has such.
#[cfg(not(unix))]
pub(super) fn inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The inode of what a path leads to; 0 where the system has no such.
pub(super) fn file_id(path: &Path) -> io::Result<u64> {
    Ok(inode(&std::fs::metadata(path)?).map_or(0, |(_, inode)| inode))
}

/// Whether two paths lead to the same file.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(found), Ok(other)) = (std::fs::metadata(a), std::fs::metadata(b)) else {
        return false;
    };
    match (inode(&found), inode(&other)) {
        (Some(found), Some(other)) => found == other,
        _ => a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b)),
    }
}
