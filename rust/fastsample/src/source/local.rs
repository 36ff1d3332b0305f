//! Local file: an object whose bytes the system reads, each where it is wanted.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::object::Object;
use crate::error::{Error, Result};
use crate::files::Identity;

/// An open file. Every read names its offset, so threads may share it.
#[derive(Debug)]
pub(super) struct LocalFile {
    path: PathBuf,
    file: File,
    /// What the file looked like when it was opened first.
    identity: Identity,
}

impl LocalFile {
    /// Opens a file, if it is still the same.
    pub(super) fn open(path: &Path, identity: &Identity) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::read(path, error))?;
        let local = Self { path: path.to_path_buf(), file, identity: identity.clone() };
        local.verify()?;
        Ok(local)
    }
}

impl Object for LocalFile {
    fn name(&self) -> &Path {
        &self.path
    }

    fn size(&self) -> u64 {
        self.identity.len()
    }

    fn version(&self) -> String {
        format!("{:?}", self.identity)
    }

    fn is_far(&self) -> bool {
        false
    }

    fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let read = |range: &Range<u64>| {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            let mut filled = 0;
            while filled < bytes.len() {
                match self.read(&mut bytes[filled..], range.start + filled as u64) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => filled += read,
                    Err(error) => return Err(error),
                }
            }
            Ok(Bytes::from(bytes))
        };
        let all = ranges.iter().map(read).collect::<io::Result<_>>();
        all.map_err(|error| Error::read(&self.path, error))
    }

    /// A signal that comes in between is no reason to stop.
    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match read_once(&self.file, out, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn verify(&self) -> Result<()> {
        let metadata = self.file.metadata().map_err(|error| Error::read(&self.path, error))?;
        if Identity::of(&metadata) == self.identity {
            Ok(())
        } else {
            Err(Error::Changed(self.path.clone()))
        }
    }
}

#[cfg(unix)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
