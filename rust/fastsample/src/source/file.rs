//! Source file: read by many threads, and not to change meanwhile.

use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_buffer::{Buffer, MutableBuffer};
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::ahead::Ahead;
use super::buffers::Buffers;
use super::local::LocalFile;
use super::object::{Object, reason};
use crate::error::{Error, Result};
use crate::exec::{lock, memory};
use crate::files::Identity;

/// A file of a source: its path and what it looked like when it was opened first, or an object of
/// a store.
///
/// Handles are opened when a part is read and closed after it, so thousands of files need no more
/// handles than there are threads.
#[derive(Debug, Clone)]
pub(crate) enum SourceFile {
    Local { path: PathBuf, identity: Identity },
    Stored(Arc<dyn Object>),
}

impl SourceFile {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::read(path, error))?;
        if metadata.is_dir() {
            return Err(Error::unsupported(path, "it is a folder; name a file"));
        }
        if !metadata.is_file() {
            return Err(Error::unsupported(
                path,
                "it is a device, pipe or socket, which is not supported; copy it to a file and name that",
            ));
        }
        Ok(Self::Local { path: path.to_path_buf(), identity: Identity::of(&metadata) })
    }

    /// The path or the URL.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Local { path, .. } => path,
            Self::Stored(object) => object.name(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Local { identity, .. } => identity.len(),
            Self::Stored(object) => object.size(),
        }
    }

    /// Whether two files are the same, and the second has not changed since the first was opened.
    pub(crate) fn is_unchanged(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Local { identity: then, .. }, Self::Local { identity, .. }) => then == identity,
            (Self::Stored(then), Self::Stored(now)) => {
                (then.size(), then.version()) == (now.size(), now.version())
            }
            _ => false,
        }
    }

    /// The object of a store, if it is one.
    pub(crate) fn stored(&self) -> Option<&Arc<dyn Object>> {
        match self {
            Self::Local { .. } => None,
            Self::Stored(object) => Some(object),
        }
    }

    /// Opens the file, if it is still the same.
    pub(crate) fn open(&self) -> Result<OpenFile> {
        let object: Arc<dyn Object> = match self {
            Self::Local { path, identity } => Arc::new(LocalFile::open(path, identity)?),
            Self::Stored(object) => object.clone(),
        };
        Ok(OpenFile::new(object))
    }
}

/// Why reading failed, kept while a decoder turns it into a text.
type Cause = Arc<Mutex<Option<Error>>>;

/// An open file. Every read names its offset, so threads may share it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    object: Arc<dyn Object>,
    /// What is read ahead, if it is far away.
    ahead: Option<Arc<Ahead>>,
    buffers: Buffers,
    cause: Cause,
}

impl OpenFile {
    fn new(object: Arc<dyn Object>) -> Self {
        let ahead = object.is_far().then(|| Arc::new(Ahead::new(object.clone())));
        Self { object, ahead, buffers: Buffers::default(), cause: Cause::default() }
    }

    /// The path or the URL.
    pub(crate) fn path(&self) -> &Path {
        self.object.name()
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.object.size()
    }

    /// Whether what is read should be planned.
    pub(super) fn is_far(&self) -> bool {
        self.ahead.is_some()
    }

    /// Says what will be read of each of several columns, so that it takes few requests. Does
    /// nothing for a local file.
    pub(super) fn plan(&self, columns: Vec<Vec<Range<u64>>>) {
        if let Some(ahead) = &self.ahead {
            ahead.plan(columns);
        }
    }

    /// The same file for another reader, with what is read ahead.
    pub(super) fn again(&self) -> Self {
        let (object, ahead) = (self.object.clone(), self.ahead.clone());
        Self { object, ahead, buffers: self.buffers.clone(), cause: Cause::default() }
    }

    /// The same file for another reader, with plans of its own.
    pub(super) fn apart(&self) -> Self {
        Self { buffers: self.buffers.clone(), ..Self::new(self.object.clone()) }
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
        self.object.verify()
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

    fn read_exact(&self, mut buffer: &mut [u8], mut offset: u64) -> Result<()> {
        let failed = |error| {
            let changed = self.verify().err();
            changed.unwrap_or_else(|| reason(self.path(), error))
        };
        while !buffer.is_empty() {
            match read(&self.object, self.ahead.as_ref(), buffer, offset) {
                Ok(0) => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => {
                    buffer = &mut buffer[read..];
                    offset += read as u64;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    /// The `len` bytes at `offset`, to be read bit by bit.
    pub(crate) fn section(&self, offset: u64, len: u64) -> Section {
        let (object, cause) = (self.object.clone(), self.cause.clone());
        let range = offset..offset.saturating_add(len);
        let in_order = || Arc::new(Ahead::in_order(object.clone(), range.clone()));
        let planned = |ahead: &Arc<Ahead>| {
            if ahead.covers(&range) { ahead.clone() } else { in_order() }
        };
        let ahead = self.ahead.as_ref().map(planned);
        Section { object, ahead, cause, offset, left: len }
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
    object: Arc<dyn Object>,
    ahead: Option<Arc<Ahead>>,
    cause: Cause,
    offset: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = read(&self.object, self.ahead.as_ref(), &mut out[..wanted], self.offset);
        let read = read.map_err(|error| {
            let kind = error.kind();
            lock(&self.cause).get_or_insert(reason(self.object.name(), error));
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

/// Reads some bytes, of what was read ahead if that is done.
fn read(
    object: &Arc<dyn Object>,
    ahead: Option<&Arc<Ahead>>,
    out: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    match ahead {
        Some(ahead) => ahead.read(out, offset),
        None => object.read(out, offset),
    }
}
