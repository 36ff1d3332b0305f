//! Shards: the files of one sample, their names and their rows.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::source::Batches;

/// `data.parquet` becomes `data-00001-of-00004.parquet`, `data.jsonl.gz` becomes
/// `data-00001-of-00004.jsonl.gz`.
pub(super) fn shard_path(path: &Path, shard: u64, shards: u64) -> PathBuf {
    if shards == 1 {
        return path.to_path_buf();
    }
    // Names need not be UTF-8.
    let (mut stem, mut endings) = (Path::new(path.file_name().unwrap_or_default()), Vec::new());
    while let (Some(shorter), Some(ending)) = (stem.file_stem(), stem.extension()) {
        endings.push(ending);
        stem = Path::new(shorter);
        // Only the ending of a compression stands behind another one.
        if !ending.eq_ignore_ascii_case("gz") && !ending.eq_ignore_ascii_case("zst") {
            break;
        }
    }
    let mut name = stem.as_os_str().to_os_string();
    name.push(format!("-{shard:05}-of-{shards:05}"));
    for ending in endings.into_iter().rev() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// Rows of a shard: equal shares, the first ones a row longer where it does not come out even.
pub(super) fn shard_rows(rows: u64, shard: u64, shards: u64) -> u64 {
    rows / shards + u64::from(shard < rows % shards)
}

/// One sequence of batches, handed out in pieces of a given number of rows.
pub(super) struct Shards<'a> {
    rows: Batches<'a>,
    rest: Option<RecordBatch>,
}

impl<'a> Shards<'a> {
    pub(super) fn new(rows: Batches<'a>) -> Self {
        Self { rows, rest: None }
    }

    /// The next `count` rows.
    pub(super) fn take(
        &mut self,
        mut count: u64,
    ) -> impl Iterator<Item = Result<RecordBatch>> + Send + use<'_, 'a> {
        std::iter::from_fn(move || {
            if count == 0 {
                return None;
            }
            let batch = match self.rest.take().map(Ok).or_else(|| self.rows.next())? {
                Ok(batch) => batch,
                Err(error) => {
                    count = 0;
                    return Some(Err(error));
                }
            };
            let len = batch.num_rows();
            if len as u64 > count {
                self.rest = Some(batch.slice(count as usize, len - count as usize));
            }
            let batch = batch.slice(0, len.min(count as usize));
            count -= batch.num_rows() as u64;
            Some(Ok(batch))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_equal_lengths_and_numbered_names() {
        let rows: Vec<u64> = (0..3).map(|shard| shard_rows(11, shard, 3)).collect();
        assert_eq!(rows, [4, 4, 3]);
        assert_eq!(
            shard_path(Path::new("a/b.parquet"), 1, 3),
            Path::new("a/b-00001-of-00003.parquet")
        );
        for (path, name) in [
            ("b.jsonl.gz", "b-00001-of-00003.jsonl.gz"),
            ("b.v1.parquet", "b.v1-00001-of-00003.parquet"),
            ("b", "b-00001-of-00003"),
        ] {
            assert_eq!(shard_path(Path::new(path), 1, 3), Path::new(name));
        }
        assert_eq!(shard_path(Path::new("a/b.parquet"), 0, 1), Path::new("a/b.parquet"));
    }
}
