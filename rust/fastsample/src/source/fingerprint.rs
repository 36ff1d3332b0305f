//! Content fingerprint: a hash of the size of a file and of pieces of it, in the same time for any size.

use std::ops::Range;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::file::SourceFile;
use crate::error::Result;
use crate::exec::{Context, map};

/// Bytes of a piece. The last one holds the footer of most Parquet files, which tells the size and
/// the bounds of every column chunk.
const PIECE: u64 = 4 << 10;

/// Pieces of a file that are hashed; smaller files are hashed whole.
const PIECES: u64 = 16;

/// The bytes of each file, and a hash (XXH3, 128 bits) of their number and of the content: of all of it up to 64 KiB, of
/// longer files 16 pieces of 4 KiB at equal distances, the first and the last bytes among them.
///
/// It tells files apart that were made at different times or of different rows. A change of some
/// bytes between the pieces it does not see.
///
/// # Errors
/// When a file can't be read, or the call is cancelled.
pub fn fingerprints(ctx: &Context, paths: &[PathBuf]) -> Result<Vec<(u64, String)>> {
    map(ctx, paths.len(), |index| fingerprint(&paths[index]))
}

fn fingerprint(path: &Path) -> Result<(u64, String)> {
    let file = SourceFile::new(path)?.open()?;
    let mut hash = Xxh3::new();
    hash.update(&file.size().to_le_bytes());
    for piece in pieces(file.size()) {
        hash.update(&file.read_buffer(piece.start, (piece.end - piece.start) as usize)?);
    }
    Ok((file.size(), format!("{:032x}", hash.digest128())))
}

fn pieces(size: u64) -> impl Iterator<Item = Range<u64>> {
    let last = size.saturating_sub(PIECE);
    (0..PIECES).map(move |piece| {
        let spread = u128::from(last) * u128::from(piece) / u128::from(PIECES - 1);
        let start = (piece * PIECE).max(spread as u64).min(size);
        start..(start + PIECE).min(size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_small_files_and_the_ends_of_large_ones() {
        for size in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 5, PIECES * PIECE] {
            let bytes: Vec<u64> = pieces(size).flatten().collect();
            assert_eq!(bytes, (0..size).collect::<Vec<u64>>(), "{size}");
        }
        for size in [PIECES * PIECE + 1, PIECES * PIECE + 15, 5 << 20, 1 << 45, u64::MAX] {
            let found: Vec<Range<u64>> = pieces(size).collect();
            assert_eq!((found[0].start, found[15].end), (0, size));
            assert!(found.iter().all(|piece| piece.end - piece.start == PIECE), "{size}");
            assert!(found.windows(2).all(|two| two[0].start < two[1].start), "{size}");
        }
    }

    #[test]
    fn a_fingerprint_sees_the_size_and_every_piece() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.bin");
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a file");
            fingerprint(&path).expect("it is there")
        };
        let mut seen = vec![of(&[]), of(&[0]), of(&[0, 0])];
        let mut bytes = vec![0; (3 * PIECES * PIECE) as usize];
        seen.push(of(&bytes));
        assert_eq!(seen[3], of(&bytes));
        for piece in pieces(bytes.len() as u64) {
            for place in [piece.start, piece.end - 1] {
                bytes[place as usize] = 1;
                seen.push(of(&bytes));
                bytes[place as usize] = 0;
            }
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
