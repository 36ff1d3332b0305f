//! What is known of where the rows of a source came from.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Files around a source, and what one should know of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// Files that the rows came from, besides those of the parts.
    pub(super) inputs: Vec<PathBuf>,
    /// Files that lie where it was looked for files, and are not read.
    pub(super) passed_over: Vec<PathBuf>,
    /// What one should know of the types of columns, a sentence each.
    pub(super) typed: Vec<String>,
}

impl Origin {
    /// That of a source which was looked for. Files that are also named outright are `read`.
    pub(super) fn found(
        mut passed_over: Vec<PathBuf>,
        read: &HashSet<&Path>,
        typed: Vec<String>,
    ) -> Self {
        passed_over.sort();
        passed_over.dedup();
        passed_over.retain(|path| !read.contains(path.as_path()));
        Self { inputs: Vec::new(), passed_over, typed }
    }

    /// That of sources one behind the other, but for their types, of which each has its own.
    pub(super) fn joined<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut joined = Self::default();
        for origin in all {
            joined.inputs.extend_from_slice(&origin.inputs);
            joined.passed_over.extend_from_slice(&origin.passed_over);
        }
        joined
    }

    /// The same with more files that the rows came from.
    pub(super) fn with_inputs(&self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let mut origin = self.clone();
        origin.inputs.extend(inputs.into_iter().map(absolute));
        origin
    }
}
