//! Output set: files that appear together, all of them or none.

use std::fs::File;
use std::io::ErrorKind::AlreadyExists;
use std::io::Read;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::draft::{Draft, place_new};
use super::identity::file_id;
use super::journal::{self, Member, new_file, old_file};
use super::output_path::OutputPath;
use super::staging::{Workspace, lock_root};
use super::system::{reason, sync_folder};
use crate::error::{Error, Result};
use crate::exec::Context;

/// Members of a set that may be files without names: each is a handle that stays open.
const UNNAMED_MOST: usize = 64;

/// Bytes that are read at once to be hashed.
const HASHED_AT_ONCE: usize = 1 << 20;

/// Files that are being written and appear together. Dropped, they leave nothing.
#[derive(Debug)]
pub(crate) struct OutputSet {
    outputs: Vec<Output>,
    workspace: Workspace,
    ctx: Context,
}

/// A file of a set.
#[derive(Debug)]
pub(crate) struct Output {
    target: OutputPath,
    draft: Draft,
}

impl Output {
    /// The path as the caller wrote it.
    pub(crate) fn path(&self) -> &Path {
        self.target.path()
    }

    /// Opens the file for writing, from its beginning.
    pub(crate) fn open(&self) -> Result<File> {
        self.draft.writer().map_err(|error| self.failed(&reason(&error)))
    }

    /// Why writing failed, with the target's name.
    pub(crate) fn failed(&self, error: &dyn std::fmt::Display) -> Error {
        Error::output(self.path(), error)
    }
}

impl OutputSet {
    /// Begins files that are to become `paths`, which must be none of `inputs`.
    ///
    /// # Errors
    /// [`Error::Output`], before anything has changed, if one of them may not be written.
    pub(crate) fn create(
        ctx: &Context,
        paths: &[PathBuf],
        overwrite: bool,
        inputs: &[PathBuf],
    ) -> Result<Self> {
        let target = |path: &PathBuf| OutputPath::new(path, overwrite, inputs);
        let targets = paths.iter().map(target).collect::<Result<Vec<_>>>()?;
        let Some(first) = targets.first() else {
            return Err(Error::Internal("a set without files".into()));
        };
        check_together(&targets)?;
        let workspace = Workspace::new(ctx, first.folder());
        let named = targets.len() > UNNAMED_MOST;
        let begin = |(k, target): (usize, OutputPath)| match workspace.draft(&k.to_string(), named)
        {
            Ok(draft) => Ok(Output { target, draft }),
            Err(error) => {
                let (why, folder) = (reason(&error), target.folder().display());
                Err(Error::output(
                    target.path(),
                    format!("{why} in the folder {folder}; choose another"),
                ))
            }
        };
        let outputs = targets.into_iter().enumerate().map(begin).collect::<Result<Vec<_>>>()?;
        Ok(Self { outputs, workspace, ctx: ctx.clone() })
    }

    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The folder in which the files will lie.
    pub(crate) fn folder(&self) -> &Path {
        self.outputs[0].target.folder()
    }

    /// Names the only file by a hash of what is in it, in the folder where it lies: two that are
    /// equal get one name. False if that is there already; then nothing is to be done.
    pub(crate) fn name_by_content(&mut self) -> Result<bool> {
        let output = &mut self.outputs[0];
        let hashed = output.draft.reader().and_then(|file| hash_of(&self.ctx, file));
        self.ctx.check()?;
        let hash = hashed.map_err(|error| output.failed(&reason(&error)))?;
        let mut path = output.path().with_file_name(format!("{hash:032x}"));
        path.set_extension(output.path().extension().unwrap_or_default());
        // A file of that name and other contents is damaged.
        let there = File::open(&path).and_then(|file| hash_of(&self.ctx, file));
        let is_new = there.ok() != Some(hash);
        output.target = output.target.sibling(path);
        Ok(is_new)
    }

    /// Makes all files durable and gives them their names. Returns their sizes in bytes.
    ///
    /// # Errors
    /// [`Error::Output`] or [`Error::Cancelled`]; then every name is as it was.
    pub(crate) fn commit(self) -> Result<Vec<u64>> {
        self.ctx.check()?;
        let sync =
            |output: &Output| output.draft.sync().map_err(|error| output.failed(&reason(&error)));
        let sizes = self.outputs.iter().map(sync).collect::<Result<Vec<_>>>()?;
        self.ctx.seal()?;
        match self.outputs.as_slice() {
            [output] => self.place(output)?,
            outputs => self.place_all(outputs)?,
        }
        Ok(sizes)
    }

    /// Gives one file its name.
    fn place(&self, output: &Output) -> Result<()> {
        let real = output.target.real();
        let placed = match output.draft.link(&real) {
            Err(error) if error.kind() == AlreadyExists && !output.target.overwrite() => {
                return Err(output.failed(&"it exists by now; choose another name"));
            }
            Err(_) => self.stage(output, 0).and_then(|staged| {
                if output.target.overwrite() {
                    std::fs::rename(staged, &real)
                } else {
                    place_new(&staged, &real)
                }
            }),
            Ok(()) => Ok(()),
        };
        placed.map_err(|error| output.failed(&reason(&error)))?;
        // The name is durable once the folder is; not every file system can do that.
        let _ = sync_folder(output.target.folder());
        Ok(())
    }

    /// Gives every file its name. See the protocol in [`super`].
    fn place_all(&self, outputs: &[Output]) -> Result<()> {
        let first = &outputs[0];
        let folder = first.target.folder();
        let fail = |output: &Output, error: std::io::Error| output.failed(&reason(&error));
        let staging = self.workspace.staging().map_err(|error| fail(first, error))?;
        let mut members = Vec::new();
        for (k, output) in outputs.iter().enumerate() {
            self.stage(output, k).map_err(|error| fail(output, error))?;
            let real = output.target.real();
            let replaces = real.exists();
            if replaces && !output.target.overwrite() {
                return Err(output.failed(&"it exists by now; choose another name"));
            }
            // Where there are no hard links, the old file is moved there when its turn comes.
            let _ = replaces.then(|| std::fs::hard_link(&real, old_file(&staging, k)));
            let name = output.target.name().to_owned();
            let id = file_id(&new_file(&staging, k)).unwrap_or_default();
            members.push(Member { name, replaces, id });
        }
        let _lock = lock_root(folder);
        let done = journal::commit(&staging, folder, &members)
            .and_then(|()| journal::complete(&staging, folder, &members));
        let Err(error) = done else { return Ok(()) };
        if let Err(again) = journal::take_back(&staging, folder, &members) {
            self.workspace.abandon();
            return Err(first.failed(&format!(
                "{}; and the old files could not be put back ({}): the next call that reads or \
                 writes in the folder {} completes the set, or puts them back",
                reason(&error),
                reason(&again),
                folder.display()
            )));
        }
        let what = reason(&error);
        Err(first
            .failed(&format!("{what}; all {} files of the set are as they were", outputs.len())))
    }

    /// Gives a file its name in the staging folder.
    fn stage(&self, output: &Output, k: usize) -> std::io::Result<PathBuf> {
        let staged = new_file(&self.workspace.staging()?, k);
        match &output.draft {
            Draft::Named(_) => {}
            draft @ Draft::Unnamed(_) => draft.link(&staged).or_else(|_| draft.copy(&staged))?,
        }
        Ok(staged)
    }
}

/// A hash of everything from where a file stands; an error if the call is cancelled.
fn hash_of(ctx: &Context, mut file: File) -> std::io::Result<u128> {
    let (mut hash, mut block) = (Xxh3::new(), vec![0; HASHED_AT_ONCE]);
    loop {
        ctx.check().map_err(std::io::Error::other)?;
        match file.read(&mut block) {
            Ok(0) => return Ok(hash.digest128()),
            Ok(read) => hash.update(&block[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Fails unless all files are different and lie in one folder.
fn check_together(targets: &[OutputPath]) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for target in targets {
        if target.folder() != targets[0].folder() {
            return Err(Error::output(
                target.path(),
                format!(
                    "it is a link into the folder {}, but files that are written together must \
                     lie in one folder, {}; remove the link",
                    target.folder().display(),
                    targets[0].folder().display()
                ),
            ));
        }
        if let Some(other) = seen.insert(target.name(), target) {
            return Err(Error::output(
                target.path(),
                format!("it is the same file as {}; choose another name", other.path().display()),
            ));
        }
    }
    Ok(())
}
