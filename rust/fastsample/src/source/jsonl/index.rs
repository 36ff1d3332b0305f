//! The index pass: every line is checked once; rows are counted, and columns found.
//!
//! ```text
//!  plain        chunk 0   chunk 1   chunk 2 ...     found and walked by any thread
//!  compressed   inflate and cut, in order ─▶ chunk ─▶ walked by any thread
//!                                                        │
//!  rows of each chunk, and its shape  ◀──────────────────┘   put together in the order of chunks
//! ```
//!
//! Where chunks lie does not depend on the threads, so neither does anything else. Of several faults,
//! the first in the file is reported.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::shape::JsonShape;
use super::walk::{LineFault, walk};
use crate::error::{Error, Result};
use crate::exec::{Context, fold, lock};
use crate::source::file::{OpenFile, SourceFile};
use crate::source::lines::{
    BYTE_ORDER_MARK, Chunk, Cut, Cutter, InOrder, LineCodec, Records, damaged,
};

/// What the pass finds of a file.
pub(super) struct Indexed {
    pub(super) chunks: Vec<Chunk>,
    /// Rows of each chunk.
    pub(super) rows: Vec<u64>,
    pub(super) shape: JsonShape,
}

/// What is found of a chunk.
struct LookedAt {
    index: u64,
    chunk: Chunk,
    rows: u64,
    /// Lines, blank ones among them.
    lines: u64,
    shape: JsonShape,
    /// The first fault, and the line of the chunk that it is in, from 1.
    fault: Option<(u64, LineFault)>,
}

/// Reads all lines of `file`, the `number`-th of its source.
pub(super) fn read(
    ctx: &Context,
    file: &SourceFile,
    compression: LineCodec,
    number: u32,
) -> Result<Indexed> {
    let open = file.open()?;
    let cutter = Cutter::new(&open, compression);
    // Chunks behind the first one with a fault need not be looked at.
    let faulty = AtomicU64::new(u64::MAX);
    let (mut pieces, failure) = match cutter {
        Cutter::Plain { pieces } => (plain(ctx, &open, pieces, &faulty)?, None),
        Cutter::InOrder(cutter) => {
            let shared = Mutex::new(Some((cutter, 0)));
            in_order(ctx, &open, &shared, &faulty)?
        }
    };
    open.verify()?;
    pieces.sort_unstable_by_key(|piece| piece.index);
    let (mut lines, mut found) =
        (0, Indexed { chunks: Vec::new(), rows: Vec::new(), shape: JsonShape::default() });
    for mut piece in pieces {
        if let Some((line, fault)) = piece.fault {
            return Err(refused(open.path(), lines + line, &fault));
        }
        piece.shape.place(number, lines);
        found.shape.merge(piece.shape);
        lines += piece.lines;
        if piece.rows > 0 {
            found.chunks.push(piece.chunk);
            found.rows.push(piece.rows);
        }
    }
    if let Some(error) = failure {
        return Err(damaged(&open, compression, lines, &error));
    }
    if found.rows.is_empty() {
        return Err(Error::corrupt(
            open.path(),
            "the file has no rows, blank lines at most; fetch or write it again",
        ));
    }
    Ok(found)
}

fn plain(ctx: &Context, open: &OpenFile, pieces: u64, faulty: &AtomicU64) -> Result<Vec<LookedAt>> {
    fold(
        ctx,
        pieces as usize,
        Vec::new,
        |found, index| {
            let index = index as u64;
            if index > faulty.load(Ordering::Relaxed) {
                return Ok(());
            }
            found.push(look(Cutter::piece(open, index)?, index, faulty));
            Ok(())
        },
        |found: &mut Vec<LookedAt>, mut more| found.append(&mut more),
    )
}

/// The cutter and the number of the next chunk, until the file has ended.
type Shared = Mutex<Option<(Box<InOrder>, u64)>>;

/// The pieces of a compressed file, and the failure that came behind them.
fn in_order(
    ctx: &Context,
    open: &OpenFile,
    shared: &Shared,
    faulty: &AtomicU64,
) -> Result<(Vec<LookedAt>, Option<io::Error>)> {
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
                let piece = look(cut, index, faulty);
                let is_faulty = piece.fault.is_some();
                found.push(piece);
                if is_faulty {
                    *lock(shared) = None;
                }
            }
        },
        |found: &mut Vec<LookedAt>, mut more| found.append(&mut more),
    )?;
    Ok((pieces, failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)))
}

/// Looks at all lines of a chunk.
fn look(cut: Cut, index: u64, faulty: &AtomicU64) -> LookedAt {
    let Cut { chunk, bytes } = cut;
    let start =
        if index == 0 && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut piece =
        LookedAt { index, chunk, rows: 0, lines: 0, shape: JsonShape::default(), fault: None };
    let invalid = simdutf8::compat::from_utf8(&bytes).err().map(|error| error.valid_up_to());
    let mut records = Records::new(&bytes, start);
    while let Some(record) = records.next() {
        let (line, end) = (&bytes[record.clone()], record.end);
        let walked = match invalid.filter(|&at| at < end) {
            Some(at) => Err(LineFault {
                at: at.saturating_sub(record.start),
                what: "the text is not valid UTF-8".into(),
            }),
            None => walk(line, records.lines(), &mut piece.shape),
        };
        if let Err(fault) = walked {
            piece.fault = Some((records.lines(), fault));
            faulty.fetch_min(index, Ordering::Relaxed);
            break;
        }
        piece.rows += 1;
    }
    piece.lines = records.lines();
    piece
}

fn refused(path: &Path, line: u64, fault: &LineFault) -> Error {
    let column = fault.at + 1;
    let what = format!("line {line}, byte {column}: {}; mend the line or leave it out", fault.what);
    Error::corrupt(path, what)
}
