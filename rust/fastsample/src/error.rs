//! `Error`: what failed, with the file, the column and the remedy in the message.

use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// The result of a fallible operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong. The message of each is ready to be shown to a user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path, folder or glob leads to nothing.
    #[error("{0}")]
    NotFound(String),
    /// An argument has a value that makes no sense.
    #[error("{0}")]
    Argument(String),
    /// A requested column does not exist, or exists more than once.
    #[error("{0}")]
    Column(String),
    /// Files do not fit together, or a type can't be handled.
    #[error("{0}")]
    Schema(String),
    /// The input is damaged, or is not what its name says.
    #[error("{path}: {what}", path = path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// What was found, and what to do.
        what: String,
    },
    /// The input is sound but uses something that is not supported.
    #[error("{path}: {what}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported, and what to do.
        what: String,
    },
    /// In-memory data breaks the rules of its type.
    #[error("{0}")]
    Invalid(String),
    /// The operating system refused to read.
    #[error("{path}: cannot read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not the one that was opened first.
    #[error(
        "{path}: the file was changed or replaced while it was in use; \
         draw the sample again once nothing writes to it",
        path = .0.display()
    )]
    Changed(PathBuf),
    /// A one-shot stream failed before its end.
    #[error("the Arrow stream failed after {rows} rows: {what}")]
    Stream {
        /// Rows received before the failure.
        rows: u64,
        /// The producer's own message.
        what: String,
    },
    /// The threads of a call or a stream are not in this process.
    #[error(
        "this call or stream began in another process, whose threads do the work; a forked child \
         has to begin its own"
    )]
    Forked,
    /// The output can't be written.
    #[error("{path}: cannot write: {what}", path = path.display())]
    Output {
        /// The output file.
        path: PathBuf,
        /// The reason, and what to do.
        what: String,
    },
    /// The operating system gives no more memory.
    #[error(
        "no memory for {what}: {bytes} bytes more are needed; \
         raise the limit (ulimit -v, that of the container), or read fewer rows or columns at once"
    )]
    Memory {
        /// What the memory is for.
        what: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// An allocation failed, and the call ended as soon as it could.
    #[error(
        "no memory for the rest of the call; raise the limit (ulimit -v, that of the container), \
         use fewer threads, or read fewer rows or columns at once"
    )]
    NoMemory,
    /// As [`Error::NoMemory`], where a thread had to be stopped for good.
    #[error(
        "no memory for the rest of the call, and what it holds is lost until the process ends; \
         raise the limit (ulimit -v, that of the container), use fewer threads, or read fewer rows \
         or columns at once"
    )]
    MemoryLost,
    /// The operating system gives no more threads.
    #[error(
        "no thread could be started ({0}); \
         raise the limit on processes (ulimit -u) or on memory (ulimit -v), or end other programs"
    )]
    NoThread(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A defect of this crate.
    #[error("internal error: {0}; please report it")]
    Internal(String),
}

impl Error {
    /// A failure to read `path`, by the kind of failure.
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            return Self::NotFound(format!("{}: no such file; check the path", path.display()));
        }
        if source.kind() == std::io::ErrorKind::OutOfMemory {
            return Self::NoMemory;
        }
        Self::Read { path: path.to_path_buf(), source }
    }

    /// A failure to write `path`.
    pub(crate) fn output(path: &Path, what: impl std::fmt::Display) -> Self {
        let what = what.to_string();
        if is_want_of_memory(&what) {
            return Self::NoMemory;
        }
        Self::Output { path: path.to_path_buf(), what }
    }

    /// A Parquet decoder's complaint about `path`, as damage or as something unsupported.
    pub(crate) fn parquet(path: &Path, error: &ParquetError) -> Self {
        match error {
            ParquetError::NYI(message) => Self::unsupported(path, message),
            other => Self::decode(path, &other.to_string()),
        }
    }

    /// An Arrow decoder's complaint about `path`.
    pub(crate) fn arrow(path: &Path, error: &ArrowError) -> Self {
        match error {
            ArrowError::NotYetImplemented(message) => Self::unsupported(path, message),
            other => Self::decode(path, &other.to_string()),
        }
    }

    fn decode(path: &Path, message: &str) -> Self {
        if is_want_of_memory(message) {
            return Self::NoMemory;
        }
        let message = without_prefixes(message);
        let lower = message.to_lowercase();
        let message = &message.replace("UTF8", "UTF-8");
        if lower.contains("encrypt") {
            return Self::unsupported(
                path,
                "the file is encrypted, which is not supported; write a decrypted copy first",
            );
        }
        if lower.contains("lzo")
            || lower.contains("compressioncodec")
            || lower.contains("compression codec")
        {
            return Self::unsupported(
                path,
                &format!(
                    "unknown or unsupported compression codec ({message}); rewrite the file with zstd"
                ),
            );
        }
        if lower.contains("not yet implemented") || lower.contains("not supported") {
            return Self::unsupported(path, message);
        }
        Self::Corrupt {
            path: path.to_path_buf(),
            what: format!("damaged data ({message}); fetch or write the file again"),
        }
    }

    /// The error for a C data interface, which knows failures to read from wrong arguments.
    #[must_use]
    pub fn into_arrow(self) -> ArrowError {
        match self {
            Self::NotFound(_)
            | Self::Read { .. }
            | Self::Changed(_)
            | Self::Stream { .. }
            | Self::Forked => {
                ArrowError::IoError(self.to_string(), std::io::Error::other("see the message"))
            }
            Self::Memory { .. } | Self::NoMemory | Self::MemoryLost => {
                ArrowError::MemoryError(self.to_string())
            }
            other => ArrowError::ExternalError(Box::new(other)),
        }
    }

    /// The failure of a stream, in the words of its producer.
    #[must_use]
    pub fn stream(rows: u64, error: &ArrowError) -> Self {
        if let ArrowError::MemoryError(_) = error {
            return Self::NoMemory;
        }
        let what = without_prefixes(&error.to_string()).to_owned();
        Self::Stream { rows, what }
    }

    /// No thread is to be had.
    #[must_use]
    pub fn no_thread(error: &std::io::Error) -> Self {
        Self::NoThread(error.to_string())
    }

    /// Something in `path` that this crate does not handle.
    pub(crate) fn unsupported(path: &Path, what: &str) -> Self {
        Self::Unsupported { path: path.to_path_buf(), what: what.to_owned() }
    }

    /// Damage in `path`.
    pub(crate) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_path_buf(), what: what.into() }
    }

    /// An Arrow kernel failed on data that had already been decoded.
    pub(crate) fn kernel(error: ArrowError) -> Self {
        match error {
            ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(error) => *error,
                Err(other) => Self::Internal(other.to_string()),
            },
            ArrowError::MemoryError(_) => Self::NoMemory,
            other => Self::Internal(other.to_string()),
        }
    }
}

/// Whether the words of a library mean that it got no memory.
pub(crate) fn is_want_of_memory(message: &str) -> bool {
    const WORDS: [&str; 6] = [
        "Cannot allocate memory",
        "memory allocation failed",
        "no memory for ",
        "not enough memory",
        "out of memory",
        "zstd returned null pointer",
    ];
    WORDS.iter().any(|words| message.contains(words))
}

/// A message without the names of the layers that it came through.
fn without_prefixes(mut message: &str) -> &str {
    const LAYERS: [&str; 9] = [
        "C Data interface error: ",
        "Parquet error: ",
        "Parquet argument error: ",
        "External error: ",
        "External: ",
        "Arrow: ",
        "EOF: ",
        "Ipc error: ",
        "Invalid argument error: ",
    ];
    while let Some(rest) = LAYERS.iter().find_map(|layer| message.strip_prefix(layer)) {
        message = rest;
    }
    message
}
