//! Output paths: the one rule for where an output may go.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::identity::is_same;
use super::recover;
use super::system::output_error;
use crate::error::{Error, Result};

/// A path that may be written.
///
/// - Links are followed: `folder` and `name` are those of the file that they lead to.
/// - It is a regular file or does not exist; then its folder does.
/// - It is none of the inputs, by whatever name.
#[derive(Debug, Clone)]
pub(super) struct OutputPath {
    /// As the caller wrote it, for messages.
    path: PathBuf,
    folder: PathBuf,
    name: OsString,
    overwrite: bool,
}

impl OutputPath {
    pub(super) fn new(path: &Path, overwrite: bool, inputs: &[PathBuf]) -> Result<Self> {
        let refuse = |what: &str| Err(Error::output(path, what));
        let (folder, name) = place(path)?;
        // What a killed run left unfinished there is finished before anything is decided.
        recover::settle(&folder);
        let real = folder.join(&name);
        match std::fs::symlink_metadata(&real).map(|found| found.file_type()) {
            Ok(kind) if kind.is_dir() => return refuse("it is a folder; name a file"),
            Ok(kind) if kind.is_symlink() && is_of_a_process(&folder) => {
                return refuse("it is an open file of a process; name a file");
            }
            Ok(kind) if kind.is_symlink() => {
                return refuse("it is a link that leads nowhere; remove it");
            }
            Ok(kind) if !kind.is_file() => {
                return refuse(
                    "it is a device, pipe or socket, which is never replaced; name a file",
                );
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(output_error(path, &error));
            }
            found => {
                if let Some(input) = inputs.iter().find(|input| is_same(input, &real)) {
                    let input = input.display();
                    return refuse(&format!("it is the input {input}; choose another name"));
                }
                if !overwrite && found.is_ok() {
                    return refuse("it exists already; choose another name or pass overwrite");
                }
            }
        }
        Ok(Self { path: path.to_path_buf(), folder, name, overwrite })
    }

    /// A file of another name in the same folder.
    pub(super) fn sibling(&self, path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_owned();
        Self { path, name, folder: self.folder.clone(), overwrite: self.overwrite }
    }

    /// The path as the caller wrote it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file itself, links followed: an absolute path.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// The file itself, links followed.
    pub(super) fn real(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    pub(super) fn overwrite(&self) -> bool {
        self.overwrite
    }
}

/// The folder and the name of the file that `path` means, links followed.
fn place(path: &Path) -> Result<(PathBuf, OsString)> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    // Links of /proc lead to open files, which may have no name.
    let is_open_file = is_link && path.parent().is_some_and(is_of_a_process);
    let followed = match path.canonicalize() {
        Ok(followed) if !is_open_file => followed,
        _ => path.to_path_buf(),
    };
    let Some(name) = followed.file_name() else {
        return Err(Error::output(path, "it is a folder; name a file"));
    };
    let folder = match followed.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok((real, name.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(output_error(path, &error))
        }
        _ => {
            let folder = folder.display();
            Err(Error::output(path, format!("there is no folder {folder}; create it first")))
        }
    }
}

fn is_of_a_process(folder: &Path) -> bool {
    cfg!(target_os = "linux")
        && folder.canonicalize().is_ok_and(|folder| folder.starts_with("/proc"))
}
