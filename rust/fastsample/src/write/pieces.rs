//! Pieces of a file, encoded on all cores and written in order.
//!
//! ```text
//!  batches ─▶ piece 0, 1, 2 ...   pulled in order, each by a thread that then encodes it
//!                                 ─▶ written in order, by the calling thread
//! ```
//!
//! A piece has the same batches for any number of threads.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex};
use std::thread::Builder;

use arrow_array::RecordBatch;

use crate::error::{Error, Result};
use crate::exec::threads::spawn_within;
use crate::exec::{Context, lock, memory, panicked, wait};
use crate::gather::compact::batch_bytes;

/// Bytes of the batches of a piece: enough for compression to be good, few enough that a reader can
/// inflate it from its beginning for any line in it.
const PIECE_BYTES: usize = 2 << 20;

/// Pieces for each thread that may be encoded and not written yet.
const AHEAD: u64 = 2;

/// Pieces that were encoded, by number.
struct PieceQueue<T> {
    pieces: BTreeMap<u64, Result<T>>,
    /// Pieces written.
    written: u64,
    /// Threads that still encode.
    workers: usize,
    stopped: bool,
}

/// Has `encode` make something of each piece of `batches`, and `write` write it, in order.
pub(super) fn in_order<T: Send>(
    ctx: &Context,
    batches: impl Iterator<Item = Result<RecordBatch>> + Send,
    encode: impl Fn(&[RecordBatch]) -> Result<T> + Sync,
    mut write: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let source = Mutex::new((batches, 0));
    let threads = ctx.threads();
    let encoded = Mutex::new(PieceQueue {
        pieces: BTreeMap::new(),
        written: 0,
        workers: threads,
        stopped: false,
    });
    let changed = Condvar::new();
    let work = || {
        while let Some((number, piece)) = next_piece(&source) {
            let piece = piece.and_then(|batches| {
                ctx.check()?;
                let bytes: usize = batches.iter().map(batch_bytes).sum();
                memory::require(4 * bytes, || "encoded rows".to_owned())?;
                let encode = || ctx.compute(|| encode(&batches));
                catch_unwind(AssertUnwindSafe(encode))
                    .unwrap_or_else(|panic| Err(panicked(&*panic)))
            });
            let mut state = lock(&encoded);
            while number >= state.written + AHEAD * threads as u64 && !state.stopped {
                state = wait(&changed, state);
            }
            if state.stopped {
                break;
            }
            state.pieces.insert(number, piece);
            changed.notify_all();
        }
        lock(&encoded).workers -= 1;
        changed.notify_all();
    };
    std::thread::scope(|scope| {
        let mut started = 0;
        for worker in 0..threads {
            let thread = Builder::new().name(format!("fastsample-write-{worker}"));
            match spawn_within(scope, thread, work) {
                Ok(_) => started += 1,
                Err(error) if started == 0 => return Err(Error::no_thread(&error)),
                Err(_) => lock(&encoded).workers -= 1,
            }
        }
        let outcome = drain(&encoded, &changed, &mut write);
        lock(&encoded).stopped = true;
        changed.notify_all();
        outcome
    })
}

fn drain<T>(
    encoded: &Mutex<PieceQueue<T>>,
    changed: &Condvar,
    write: &mut impl FnMut(T) -> Result<()>,
) -> Result<()> {
    loop {
        let mut state = lock(encoded);
        let next = state.written;
        let Some(piece) = state.pieces.remove(&next) else {
            if state.workers == 0 {
                return Ok(());
            }
            drop(wait(changed, state));
            continue;
        };
        state.written += 1;
        changed.notify_all();
        drop(state);
        write(piece?)?;
    }
}

/// The batches of the next piece, and its number. Behind an error comes nothing.
fn next_piece<I: Iterator<Item = Result<RecordBatch>>>(
    source: &Mutex<(I, u64)>,
) -> Option<(u64, Result<Vec<RecordBatch>>)> {
    let mut source = lock(source);
    let (batches, next) = &mut *source;
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while bytes < PIECE_BYTES {
        match batches.next() {
            None if piece.is_empty() => return None,
            None => break,
            Some(Err(error)) => {
                *next += 1;
                return Some((*next - 1, Err(error)));
            }
            Some(Ok(batch)) => {
                bytes += batch_bytes(&batch);
                piece.push(batch);
            }
        }
    }
    *next += 1;
    Some((*next - 1, Ok(piece)))
}
