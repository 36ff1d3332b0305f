//! Objects of a store, read through Python: ranges of one are asked for on many threads at once.
//!
//! ```text
//!  reader of the core ──▶ fetchers, a range each ──▶ a Python callable (obstore) ──▶ bytes
//!  waits without Python   hold the GIL only to call and to copy
//! ```
//!
//! Only fetchers run Python code, and they are known to [`exit`]: the threads of the core never wait
//! for the GIL.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastsample::Error;
use fastsample::exec::threads;
use fastsample::source::{Object, StoreIdentity};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::exit;

/// Requests that are under way at once.
const UNDER_WAY: usize = 16;

/// How often a reader that waits looks whether the process ends.
const LOOK: Duration = Duration::from_millis(100);

/// An object as Python describes it: its URL, bytes, version, `ETag`, the id of its version in the
/// store, and a function that returns the bytes of a range.
pub(crate) type Described = (PathBuf, u64, String, Option<String>, Option<String>, Py<PyAny>);

/// An object that was described: its URL, bytes, version, `ETag`, the id of its version in the store.
pub(crate) type Told = (String, u64, String, Option<String>, Option<String>);

/// What is told of an object.
pub(crate) fn told(object: &Arc<dyn Object>) -> Told {
    let StoreIdentity { etag, version_id } = object.store_identity();
    (object.name().display().to_string(), object.size(), object.version(), etag, version_id)
}

/// An object of a store.
#[derive(Debug)]
struct Stored {
    url: PathBuf,
    size: u64,
    version: String,
    identity: StoreIdentity,
    read: Arc<Py<PyAny>>,
    slots: Arc<Slots>,
}

/// The objects that Python describes. They share the number of requests under way.
pub(crate) fn objects(described: Vec<Described>) -> Vec<Arc<dyn Object>> {
    let slots = Arc::new(Slots::new());
    let object = |(url, size, version, etag, version_id, read)| {
        let (read, slots) = (Arc::new(read), slots.clone());
        let identity = StoreIdentity { etag, version_id };
        Arc::new(Stored { url, size, version, identity, read, slots }) as Arc<dyn Object>
    };
    described.into_iter().map(object).collect()
}

impl Object for Stored {
    fn name(&self) -> &Path {
        &self.url
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn store_identity(&self) -> StoreIdentity {
        self.identity.clone()
    }

    fn is_far(&self) -> bool {
        true
    }

    fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let (sender, receiver) = channel();
        let job = Arc::new(Job {
            ranges: ranges.to_vec(),
            next: AtomicUsize::new(0),
            url: self.url.clone(),
            read: self.read.clone(),
            slots: self.slots.clone(),
        });
        for _ in 0..ranges.len().min(UNDER_WAY) {
            let (job, sender) = (job.clone(), sender.clone());
            let fetcher = threads::spawn("fastsample-fetch".into(), move || job.run(&sender));
            exit::watch(fetcher.map_err(|error| Error::no_thread(&error))?);
        }
        drop((job, sender));
        let mut found = vec![Bytes::new(); ranges.len()];
        let mut left = ranges.len();
        while left > 0 {
            match receiver.recv_timeout(LOOK) {
                Ok((index, bytes)) => {
                    found[index] = bytes?;
                    left -= 1;
                }
                Err(RecvTimeoutError::Timeout) if threads::are_to_stop() => {
                    return Err(Error::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Internal("a fetcher panicked".into()));
                }
            }
        }
        Ok(found)
    }

    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = self.size.min(offset.saturating_add(out.len() as u64));
        if offset >= end {
            return Ok(0);
        }
        let range = offset..end;
        let found = self.ranges(std::slice::from_ref(&range)).map_err(io::Error::other)?;
        let len = (end - offset) as usize;
        out[..len].copy_from_slice(&found[0]);
        Ok(len)
    }

    /// Every request asks for the version that was found first, and fails for another.
    fn verify(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Ranges to fetch, by several threads.
struct Job {
    ranges: Vec<Range<u64>>,
    next: AtomicUsize,
    url: PathBuf,
    read: Arc<Py<PyAny>>,
    slots: Arc<Slots>,
}

impl Job {
    /// Fetches one range after the other until none is left, or nobody waits for them.
    fn run(&self, found: &Sender<(usize, Result<Bytes, Error>)>) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(range) = self.ranges.get(index) else { return };
            let bytes = self.slots.while_taken(|| self.fetch(range));
            let failed = bytes.is_err();
            if found.send((index, bytes)).is_err() || failed {
                return self.next.store(self.ranges.len(), Ordering::Relaxed);
            }
        }
    }

    fn fetch(&self, range: &Range<u64>) -> Result<Bytes, Error> {
        if threads::are_to_stop() {
            return Err(Error::Cancelled);
        }
        let call = |py: Python<'_>| {
            let found = self.read.bind(py).call1((range.start, range.end));
            let found = found.map_err(|error| self.explain(py, &error))?;
            let bytes = found
                .cast::<PyBytes>()
                .map_err(|_| Error::Internal("a store gave something else than bytes".into()))?;
            Ok(Bytes::copy_from_slice(bytes.as_bytes()))
        };
        // Who holds the interpreter must come back.
        threads::as_caller(|| Python::attach(call))
    }

    /// The error of the core that an exception of `fastsample.errors` stands for.
    fn explain(&self, py: Python<'_>, error: &PyErr) -> Error {
        if error.is_instance_of::<PyKeyboardInterrupt>(py) {
            return Error::Cancelled;
        }
        let message = error.value(py).to_string();
        let class = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
        match class.as_str() {
            "SourceChangedError" => Error::Changed(self.url.clone()),
            "SourceNotFoundError" => Error::NotFound(message),
            _ => {
                // What the message begins with is said by the error of the core as well.
                let prefix = format!("{}: cannot read: ", self.url.display());
                let what = match message.strip_prefix(&prefix) {
                    Some(what) => what.to_owned(),
                    None => format!("{class}: {message}"),
                };
                Error::Read { path: self.url.clone(), source: io::Error::other(what) }
            }
        }
    }
}

/// The requests that may be under way.
#[derive(Debug)]
struct Slots {
    /// A forked child has none of the threads that hold one.
    process: u32,
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    fn new() -> Self {
        let (process, freed) = (std::process::id(), Condvar::new());
        Self { process, free: Mutex::new(UNDER_WAY), freed }
    }

    /// Runs `work` while holding one.
    fn while_taken<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.process != std::process::id() {
            return work();
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        let outcome = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        outcome
    }
}
