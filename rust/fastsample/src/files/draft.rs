//! Draft: an output that is being written and has no name yet (`O_TMPFILE`).

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::identity::is_same;

/// A file without a name, or with one in a staging folder.
///
/// An unnamed file (`O_TMPFILE`) is gone when its process is, however that ends.
#[derive(Debug)]
pub(crate) enum Draft {
    /// Open, and without a name.
    Unnamed(File),
    /// Closed while nothing is written to it, so that many need no more handles than one.
    Named(PathBuf),
}

impl Draft {
    /// A file without a name on the file system of `folder`. None where there are no such files.
    pub(super) fn unnamed(folder: &Path) -> Option<Self> {
        open_unnamed(folder).map(Self::Unnamed)
    }

    pub(super) fn named(path: PathBuf) -> io::Result<Self> {
        File::options().write(true).create_new(true).open(&path)?;
        Ok(Self::Named(path))
    }

    /// Opens it for writing, from its beginning.
    pub(crate) fn writer(&self) -> io::Result<File> {
        match self {
            Self::Unnamed(file) => file.try_clone(),
            Self::Named(path) => File::options().write(true).open(path),
        }
    }

    /// Opens it for reading, from its beginning.
    pub(crate) fn reader(&self) -> io::Result<File> {
        match self {
            Self::Unnamed(file) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Ok(file)
            }
            Self::Named(path) => File::open(path),
        }
    }

    /// Frees what it takes on the disk.
    pub(crate) fn discard(self) {
        if let Self::Named(path) = self {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Makes what was written durable. Returns the size in bytes.
    pub(super) fn sync(&self) -> io::Result<u64> {
        let file = self.writer()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }

    /// Gives it a name that no file has, on the same file system.
    pub(super) fn link(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Unnamed(file) => link_unnamed(file, path),
            Self::Named(draft) => place_new(draft, path),
        }
    }

    /// Gives a copy of it that name: some systems make unnamed files and can't name them.
    pub(super) fn copy(&self, path: &Path) -> io::Result<()> {
        let mut copy = File::options().write(true).create_new(true).open(path)?;
        io::copy(&mut self.reader()?, &mut copy)?;
        copy.sync_all()
    }
}

/// Renames `from` to `to`, which must not exist.
pub(super) fn place_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => {}
        // A kill came after the link.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_same(from, to) => {}
        // A file system without hard links.
        Err(error) if is_unsupported(&error) && !to.exists() => return std::fs::rename(from, to),
        Err(error) => return Err(error),
    }
    // What is left of it goes with its folder.
    let _ = std::fs::remove_file(from);
    Ok(())
}

/// Whether an error says that a file system has no such operation.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
    )
}

#[cfg(target_os = "linux")]
fn open_unnamed(folder: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use super::system::has_linux_ways;
    // `/proc` is the way by which it gets a name later.
    if !has_linux_ways() || !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).ok()?;
    File::options().read(true).write(true).custom_flags(flags).open(folder).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_unnamed(_: &Path) -> Option<File> {
    None
}

#[cfg(target_os = "linux")]
fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link_unnamed(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
