//! Versions of the files of a source: what tells later whether they are still the same, and what
//! made them.

use std::path::Path;

use super::Source;
use super::file::SourceFile;
use super::provenance::PROVENANCE;

/// What tells a file of a source from others, wherever it was moved with its time of change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileVersion {
    /// Its name without a folder; the URL of an object.
    pub(crate) name: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// When it was changed, in nanoseconds since 1970; the version of an object.
    pub(crate) version: String,
}

impl FileVersion {
    fn of(file: &SourceFile) -> Self {
        let (name, version) = match file {
            SourceFile::Local { path, identity } => (path.file_name(), identity.changed()),
            SourceFile::Stored(object) => (Some(object.name().as_os_str()), object.version()),
        };
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        Self { name, bytes: file.len(), version }
    }

    /// How the file differs from the one that is `now` in its place.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        let name = &self.name;
        if self.name != now.name {
            return Some(format!("{name}, where {} is now", now.name));
        }
        if self.bytes != now.bytes {
            return Some(format!("{name} of {} bytes, which has {} now", self.bytes, now.bytes));
        }
        let is_same = self.version == now.version;
        (!is_same).then(|| format!("{name} as it was before it was changed or copied"))
    }
}

impl Source {
    /// The versions of all files, in order; none where rows are in memory.
    pub(crate) fn versions(&self) -> Option<Vec<FileVersion>> {
        self.parts.iter().map(|part| part.data.file().map(FileVersion::of)).collect()
    }

    /// The files of this source that tell what made them, and what they tell.
    pub fn provenances(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.parts.iter().filter_map(|part| {
            let told = part.data.schema().metadata().get(PROVENANCE)?;
            Some((part.data.local()?, told.as_str()))
        })
    }
}
