//! Files behind rows in memory: memory-mapped Arrow data does not say which file it is of, but the
//! system does (`/proc/self/maps`).
//!
//! ```text
//!  batches ──▶ addresses of their buffers ──▶ mappings that hold one ──▶ files
//! ```
//!
//! Rows that were copied or decompressed lie in ordinary memory, and their file is not found.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_buffer::NullBuffer;
use arrow_data::ArrayData;

use crate::files::has_linux_ways;

/// A range of addresses and the file that is mapped there.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    first: usize,
    end: usize,
    path: PathBuf,
}

/// The files that hold the memory of some of these batches, each once.
pub(crate) fn mapped_files(batches: &[RecordBatch]) -> Vec<PathBuf> {
    let mut addresses = Vec::new();
    for column in batches.iter().flat_map(RecordBatch::columns) {
        collect(&column.to_data(), &mut addresses);
    }
    if addresses.is_empty() || !has_linux_ways() {
        return Vec::new();
    }
    addresses.sort_unstable();
    let holds = |mapping: &Mapping| {
        let next = addresses.partition_point(|&address| address < mapping.first);
        addresses.get(next).is_some_and(|&address| address < mapping.end)
    };
    let maps = std::fs::read("/proc/self/maps").unwrap_or_default();
    let lines = maps.split(|&byte| byte == b'\n');
    let mut files: Vec<PathBuf> =
        lines.filter_map(parse).filter(holds).map(|mapping| mapping.path).collect();
    files.sort();
    files.dedup();
    files
}

/// Adds the addresses of all buffers that are not empty.
fn collect(data: &ArrayData, addresses: &mut Vec<usize>) {
    let nulls = data.nulls().map(NullBuffer::buffer);
    let buffers = data.buffers().iter().chain(nulls).filter(|buffer| !buffer.is_empty());
    addresses.extend(buffers.map(|buffer| buffer.as_ptr() as usize));
    data.child_data().iter().for_each(|child| collect(child, addresses));
}

/// A line of `/proc/self/maps`: `7f00-7fff r--s 00000000 08:02 135522   /path`. None without a file.
fn parse(line: &[u8]) -> Option<Mapping> {
    let slash = line.iter().position(|&byte| byte == b'/')?;
    let (head, path) = line.split_at(slash);
    let range = std::str::from_utf8(head).ok()?.split(' ').next()?;
    let (first, end) = range.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    Some(Mapping { first: address(first)?, end: address(end)?, path: path_of(path) })
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_files_are_mappings() {
        let line =
            b"7f1c00000000-7f1c00001000 r--s 00000000 08:02 135522    /data/a b/\xc8\xcb.arrow";
        let mapping = parse(line).expect("a mapping");
        assert_eq!((mapping.first, mapping.end), (0x7f1c_0000_0000, 0x7f1c_0000_1000));
        assert_eq!(mapping.path, path_of(b"/data/a b/\xc8\xcb.arrow"));
        for line in
            [&b"7f1c00000000-7f1c00001000 rw-p 00000000 00:00 0"[..], b"", b"7ff0-7ff1 [vdso]"]
        {
            assert_eq!(parse(line), None);
        }
    }
}
