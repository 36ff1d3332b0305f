//! Source file: read by many threads, and not to change meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_buffer::{Buffer, MutableBuffer};
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::buffers::Buffers;
use crate::error::{Error, Result};
use crate::exec::{lock, memory};
use crate::files::Identity;

/// A file of a source: its path and what it looked like when it was opened first.
///
/// Handles are opened when a part is read and closed after it, so thousands of files need no more
/// handles than there are threads.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    path: PathBuf,
    identity: Identity,
}

impl SourceFile {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::read(path, error))?;
        if !metadata.is_file() {
            return Err(Error::unsupported(
                path,
                "it is a device, pipe or socket, which is not supported; copy it to a file and name that",
            ));
        }
        Ok(Self { path: path.to_path_buf(), identity: Identity::of(&metadata) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.identity.len()
    }

    /// Opens the file, if it is still the same.
    pub(crate) fn open(&self) -> Result<OpenFile> {
        let file = File::open(&self.path).map_err(|error| Error::read(&self.path, error))?;
        let open = OpenFile {
            file: Arc::new(file),
            buffers: Buffers::default(),
            origin: self.clone(),
            cause: Cause::default(),
        };
        open.verify()?;
        Ok(open)
    }
}

/// Why reading failed, kept while a decoder turns it into a text.
type Cause = Arc<Mutex<Option<Error>>>;

/// An open file. Every read names its offset, so threads may share it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    buffers: Buffers,
    origin: SourceFile,
    cause: Cause,
}

impl OpenFile {
    pub(crate) fn path(&self) -> &Path {
        &self.origin.path
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.origin.identity.len()
    }

    /// The same file, read into memory of others.
    pub(super) fn with_buffers(self, buffers: &Buffers) -> Self {
        Self { buffers: buffers.clone(), ..self }
    }

    /// Memory for what is read of the file.
    pub(super) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Fails if the file is no longer what it was when the source was opened.
    pub(crate) fn verify(&self) -> Result<()> {
        let metadata = self.file.metadata().map_err(|error| Error::read(self.path(), error))?;
        if Identity::of(&metadata) == self.origin.identity {
            Ok(())
        } else {
            Err(Error::Changed(self.path().to_path_buf()))
        }
    }

    /// Keeps an error for [`OpenFile::explain`], and gives a decoder something to fail with.
    pub(super) fn remember(&self, error: Error) -> ParquetError {
        let text = error.to_string();
        lock(&self.cause).get_or_insert(error);
        ParquetError::General(text)
    }

    /// The error to report after a failure: a change of the file explains any other, and what was
    /// remembered explains what a decoder says.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let changed = self.verify().err();
        changed.or_else(|| lock(&self.cause).take()).unwrap_or(error)
    }

    /// Makes sure that there is memory for `len` bytes of what the file holds.
    pub(super) fn require(&self, len: usize) -> Result<()> {
        // As much as `Buffers` set aside.
        memory::require(len + len / 8, || format!("a part of {}", self.path().display()))
    }

    /// Reads `len` bytes at `offset` into aligned memory.
    pub(crate) fn read_buffer(&self, offset: u64, len: usize) -> Result<Buffer> {
        self.check_range(offset, len)?;
        self.require(len)?;
        let mut buffer = MutableBuffer::from_len_zeroed(len);
        self.read_exact(buffer.as_slice_mut(), offset)?;
        Ok(buffer.into())
    }

    /// Reads `len` bytes at `offset` into memory that is used again.
    pub(super) fn read_lent(&self, offset: u64, len: usize) -> Result<Bytes> {
        self.check_range(offset, len)?;
        self.require(len)?;
        let mut lent = self.buffers.take(len);
        self.read_exact(lent.as_mut(), offset)?;
        Ok(lent.freeze())
    }

    fn read_exact(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(&self.file, buffer, offset).map_err(|error| {
            let changed = self.verify().err();
            changed.unwrap_or_else(|| Error::read(self.path(), error))
        })
    }

    /// The `len` bytes at `offset`, to be read bit by bit.
    pub(crate) fn section(&self, offset: u64, len: u64) -> Section {
        let (file, cause) = (self.file.clone(), self.cause.clone());
        Section { file, path: self.path().to_path_buf(), cause, offset, left: len }
    }

    /// A damaged file may name any range; memory is only set aside for one that exists.
    fn check_range(&self, offset: u64, len: usize) -> Result<()> {
        let size = self.size();
        if offset.checked_add(len as u64).is_some_and(|end| end <= size) {
            return Ok(());
        }
        let what = format!(
            "damaged or truncated: {len} bytes are wanted at offset {offset}, \
             but the file has {size}; fetch or write the file again"
        );
        Err(Error::corrupt(self.path(), what))
    }
}

/// Reads a part of a file from its start to its end. Its position is its own, unlike that of a
/// cloned `File`.
#[derive(Debug)]
pub(crate) struct Section {
    file: Arc<File>,
    path: PathBuf,
    cause: Cause,
    offset: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = read_at(&self.file, &mut out[..wanted], self.offset).map_err(|error| {
            let kind = error.kind();
            lock(&self.cause).get_or_insert(Error::read(&self.path, error));
            io::Error::from(kind)
        })?;
        // A file that ends early must not look like a section that has been read.
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Reads some bytes. A signal that comes in between is no reason to stop.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match read_once(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
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

fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
