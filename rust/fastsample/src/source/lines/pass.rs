//! The pass through a file that is opened: every chunk is looked at once, by any thread.
//!
//! ```text
//!  one by one   chunk 0   chunk 1   chunk 2 ...     found and looked at by any thread
//!  in order     inflate and cut ─▶ chunk            looked at by any thread
//!                                    │
//!  rows of each chunk, what is found ◀┘             put together in the order of chunks
//! ```
//!
//! Where chunks lie does not depend on the threads, so neither does anything else. Of several faults,
//! the first in the file is reported.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cut::{Chunk, Cut, Cutter, InOrder};
use super::inflate::{LineCodec, damaged};
use crate::error::{Error, Result};
use crate::exec::{Context, fold, lock};
use crate::source::file::OpenFile;

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source) struct LineFault {
    /// The byte of the line, from 0.
    pub(in crate::source) at: usize,
    pub(in crate::source) what: Cow<'static, str>,
}

/// What is seen of a chunk.
pub(in crate::source) struct ChunkSeen<T> {
    pub(in crate::source) rows: u64,
    /// Lines, blank ones among them.
    pub(in crate::source) lines: u64,
    /// What the format makes of the rows.
    pub(in crate::source) found: T,
    /// The first fault, and the line of the chunk that it is in, from 1.
    pub(in crate::source) fault: Option<(u64, LineFault)>,
}

/// Chunks that have rows, and the rows of each.
#[derive(Debug, Default)]
pub(in crate::source) struct ChunkTable {
    pub(in crate::source) chunks: Vec<Chunk>,
    pub(in crate::source) rows: Vec<u64>,
    /// Whether the first chunk of the file is among them.
    pub(in crate::source) has_first: bool,
}

struct ChunkPiece<T> {
    index: u64,
    chunk: Chunk,
    seen: ChunkSeen<T>,
}

/// Has `look` look at the bytes of every chunk, the first of the file or not, and `merge` take what is
/// found in order, with the lines before it.
pub(in crate::source) fn pass<T: Send>(
    ctx: &Context,
    open: &OpenFile,
    codec: LineCodec,
    cutter: Cutter,
    look: impl Fn(&[u8], bool) -> ChunkSeen<T> + Sync,
    mut merge: impl FnMut(T, u64),
) -> Result<ChunkTable> {
    // Chunks behind the first one with a fault need not be looked at.
    let faulty = AtomicU64::new(u64::MAX);
    let see = |cut: Cut, index: u64| {
        let seen = look(&cut.bytes, index == 0);
        if seen.fault.is_some() {
            faulty.fetch_min(index, Ordering::Relaxed);
        }
        ChunkPiece { index, chunk: cut.chunk, seen }
    };
    let (mut pieces, failure) = match cutter {
        Cutter::Plain { pieces } => (one_by_one(ctx, open, pieces, &faulty, see)?, None),
        Cutter::InOrder(cutter) => in_order(ctx, open, &Mutex::new(Some((cutter, 0))), see)?,
    };
    open.verify()?;
    pieces.sort_unstable_by_key(|piece| piece.index);
    let (mut lines, mut table) = (0, ChunkTable::default());
    for ChunkPiece { index, chunk, seen } in pieces {
        if let Some((line, fault)) = seen.fault {
            return Err(refused(open.path(), lines + line, &fault));
        }
        merge(seen.found, lines);
        lines += seen.lines;
        if seen.rows > 0 {
            table.has_first |= index == 0;
            table.chunks.push(chunk);
            table.rows.push(seen.rows);
        }
    }
    match failure {
        Some(error) => Err(damaged(open, codec, lines, &error)),
        None => Ok(table),
    }
}

fn one_by_one<T: Send>(
    ctx: &Context,
    open: &OpenFile,
    pieces: u64,
    faulty: &AtomicU64,
    see: impl Fn(Cut, u64) -> ChunkPiece<T> + Sync,
) -> Result<Vec<ChunkPiece<T>>> {
    fold(
        ctx,
        pieces as usize,
        Vec::new,
        |found, index| {
            let index = index as u64;
            if index <= faulty.load(Ordering::Relaxed) {
                found.push(see(Cutter::piece(open, index)?, index));
            }
            Ok(())
        },
        |found: &mut Vec<_>, mut more| found.append(&mut more),
    )
}

/// The cutter and the number of the next chunk, until the file has ended.
type Shared = Mutex<Option<(Box<InOrder>, u64)>>;

/// The pieces of a file that is read in order, and the failure that came behind them.
fn in_order<T: Send>(
    ctx: &Context,
    open: &OpenFile,
    shared: &Shared,
    see: impl Fn(Cut, u64) -> ChunkPiece<T> + Sync,
) -> Result<(Vec<ChunkPiece<T>>, Option<io::Error>)> {
    let failure = Mutex::new(None);
    let pieces = fold(
        ctx,
        ctx.threads(),
        Vec::new,
        |found, _| {
            loop {
                ctx.check()?;
                let mut state = lock(shared);
                let Some((cutter, next)) = state.as_mut() else { return Ok(()) };
                let cut = match cutter.next(open) {
                    Ok(cut) => cut?,
                    Err(error) => {
                        *lock(&failure) = Some(error);
                        None
                    }
                };
                let index = *next;
                *next += 1;
                let Some(cut) = cut else {
                    *state = None;
                    return Ok(());
                };
                drop(state);
                let piece = see(cut, index);
                let is_faulty = piece.seen.fault.is_some();
                found.push(piece);
                if is_faulty {
                    *lock(shared) = None;
                }
            }
        },
        |found: &mut Vec<_>, mut more| found.append(&mut more),
    )?;
    Ok((pieces, failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)))
}

/// The error of a line with a fault.
fn refused(path: &Path, line: u64, fault: &LineFault) -> Error {
    let column = fault.at + 1;
    let what = format!("line {line}, byte {column}: {}; mend the line or leave it out", fault.what);
    Error::corrupt(path, what)
}
