//! A file that appears whole under its name, or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::outgoing::Outgoing;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::inode;

/// A file under a temporary name in the folder of its target.
///
/// Dropping it removes it. [`AtomicFile::commit`] makes it durable and gives it its name.
pub(crate) struct AtomicFile {
    target: PathBuf,
    overwrite: bool,
    /// Closed while nothing is written to it, so that many shards need no more handles than one.
    file: TempPath,
    ctx: Context,
}

impl AtomicFile {
    /// Begins a file that is to become `target`, which must be none of `inputs`.
    pub(crate) fn create(
        ctx: &Context,
        target: &Path,
        overwrite: bool,
        inputs: &[PathBuf],
    ) -> Result<Self> {
        // Through a symbolic link, the file that it leads to is written, as with any other tool.
        let target = &target.canonicalize().unwrap_or_else(|_| target.to_path_buf());
        match std::fs::symlink_metadata(target).map(|found| found.file_type()) {
            Ok(kind) if kind.is_dir() => {
                return Err(Error::output(target, "it is a folder; name a file"));
            }
            Ok(kind) if kind.is_symlink() => {
                return Err(Error::output(target, "it is a link that leads nowhere; remove it"));
            }
            Ok(kind) if !kind.is_file() => {
                return Err(Error::output(
                    target,
                    "it is a device, pipe or socket, which is never replaced; name a file",
                ));
            }
            _ => {}
        }
        if let Some(input) = inputs.iter().find(|input| is_same(input, target)) {
            let input = input.display();
            return Err(Error::output(
                target,
                format!("it is the input {input}; choose another name"),
            ));
        }
        if !overwrite && target.exists() {
            return Err(Error::output(
                target,
                "it exists already; choose another name or pass overwrite",
            ));
        }
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(Error::output(
                target,
                format!("there is no folder {folder}; create it first"),
            ));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let file = new_temporary(&format!(".{name}."), folder)
            // The error's own text names the temporary file.
            .map_err(|error| {
                let (why, folder) = (error.kind(), folder.display());
                Error::output(target, format!("{why} in the folder {folder}; choose another"))
            })?;
        ctx.add_scratch(&file);
        Ok(Self { target: target.clone(), overwrite, file, ctx: ctx.clone() })
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Opens the file for writing.
    pub(super) fn writer(&self) -> Result<Outgoing> {
        self.open().map(Outgoing::new)
    }

    fn open(&self) -> Result<File> {
        let file = File::options().write(true).open(&self.file);
        file.map_err(|error| self.failed(&error.kind()))
    }

    /// Why writing failed, with the target's name.
    pub(crate) fn failed(&self, error: &dyn std::fmt::Display) -> Error {
        Error::output(&self.target, error)
    }

    /// Writes everything out and gives the file its name. Returns its size in bytes.
    pub(crate) fn commit(self) -> Result<u64> {
        self.ctx.check()?;
        let temporary = self.file.to_path_buf();
        let fail = |error: &io::Error| Error::output(&self.target, error.kind());
        let file = self.open()?;
        file.sync_all().map_err(|error| fail(&error))?;
        let bytes = file.metadata().map_err(|error| fail(&error))?.len();
        drop(file);
        if self.overwrite {
            self.file.persist(&self.target).map_err(|error| fail(&error.error))?;
        } else {
            self.file.persist_noclobber(&self.target).map_err(|error| fail(&error.error))?;
        }
        self.ctx.forget_scratch(&temporary);
        if let Some(folder) = self.target.parent() {
            // The name is durable once the folder is; not every file system can do that.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(bytes)
    }
}

/// A named temporary file that, once renamed, has the permissions of any new file.
fn new_temporary(prefix: &str, folder: &Path) -> io::Result<TempPath> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    Ok(builder.tempfile_in(folder)?.into_temp_path())
}

fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(a), Ok(b)) = (std::fs::metadata(a), std::fs::metadata(b)) else { return false };
    inode(&a).is_some() && inode(&a) == inode(&b)
}
