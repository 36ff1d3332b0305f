//! Zstandard frames side by side: whole compressed frames are taken from a file in order, inflated by
//! several threads, and handed out in order.
//!
//! ```text
//!  file  ▶ frame 0 ▶ inflate ─┐
//!        ▶ frame 1 ▶ inflate ─┼▶ bytes of frame 0, 1, 2, then the next ones
//!        ▶ frame 2 ▶ inflate ─┘
//! ```
//!
//! Headers of blocks tell where a frame ends, so it is found without being inflated (RFC 8878, 3.1.1).
//! A frame that is large, damaged or cut off is left to the decoder that reads bit by bit, which then
//! says what is wrong.

use std::collections::VecDeque;
use std::io::{self, BufRead, Cursor, Read};
use std::thread::Builder;

use zstd::stream::read::Decoder;
use zstd::zstd_safe::get_frame_content_size;

use super::compressed::Compressed;
use crate::exec::threads::spawn_within;

/// Bytes of a frame, compressed or not, beyond which it is read bit by bit: several are in memory.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// Frames that are inflated at once.
const MOST_FRAMES: usize = 8;

/// A frame that is inflated: where it begins in the file, and its bytes.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) offset: u64,
    pub(super) bytes: Cursor<Vec<u8>>,
}

/// The next frames of `file`, inflated by `threads` threads, and whether those behind them are worth
/// another try. None where the next frame has to be read bit by bit; then no byte has been taken.
pub(super) fn inflated(file: &mut Compressed, threads: usize) -> (VecDeque<Frame>, bool) {
    let mut whole: Vec<(u64, Vec<u8>)> = Vec::new();
    while whole.len() < threads.min(MOST_FRAMES) {
        let (offset, mut frame) = (file.consumed(), Vec::new());
        // A failure to read comes again when the frame is read bit by bit.
        if !matches!(take_frame(file, &mut frame), Ok(true)) {
            file.put_back(&frame);
            break;
        }
        whole.push((offset, frame));
    }
    let inflated: Vec<Option<Vec<u8>>> = std::thread::scope(|scope| {
        // The first one is inflated by this thread.
        let others = whole.iter().skip(1);
        let others: Vec<_> = others
            .map(|(_, frame)| spawn_within(scope, Builder::new(), move || inflate(frame)))
            .collect();
        let first = whole.first().map(|(_, frame)| inflate(frame));
        let others = others.into_iter().map(|thread| thread.ok()?.join().ok()?);
        first.into_iter().chain(others).collect()
    });
    let good = inflated.iter().take_while(|frame| frame.is_some()).count();
    let rest: Vec<u8> = whole[good..].iter().flat_map(|(_, frame)| frame).copied().collect();
    file.put_back(&rest);
    let (offsets, bytes) = (whole.iter().map(|(offset, _)| *offset), inflated.into_iter());
    let frames = offsets.zip(bytes.take(good).flatten());
    let frames = frames.map(|(offset, bytes)| Frame { offset, bytes: Cursor::new(bytes) });
    (frames.collect(), good == whole.len())
}

/// The bytes of a frame; none if there are too many, or if it is damaged.
///
/// Whether Zstandard compares a last block that is empty with the size that the frame tells depends
/// on the room that it is given, so it is compared here.
fn inflate(frame: &[u8]) -> Option<Vec<u8>> {
    let told = get_frame_content_size(frame).ok()?;
    let mut bytes = Vec::new();
    let decoder = Decoder::with_buffer(frame).ok()?.single_frame();
    decoder.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    let is_all = told.is_none_or(|told| told == bytes.len() as u64);
    (is_all && bytes.len() <= MOST_BYTES).then_some(bytes)
}

/// Takes a whole frame, or one that is to be skipped; false if there is none, or a large one.
fn take_frame(file: &mut Compressed, frame: &mut Vec<u8>) -> io::Result<bool> {
    let mut take = |frame: &mut Vec<u8>, bytes: usize| take(file, frame, bytes);
    if !take(frame, 5)? {
        return Ok(false);
    }
    let number = |bytes: &[u8]| {
        bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)) as usize
    };
    let descriptor = match *frame.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd, descriptor] => descriptor,
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, _] => {
            return Ok(take(frame, 3)? && take(frame, number(&frame[4..8]))?);
        }
        _ => return Ok(false),
    };
    let is_single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        flag => 1 << flag,
    };
    if !take(frame, usize::from(!is_single) + dictionary + size)? {
        return Ok(false);
    }
    // The size of the contents, if it is told. That of two bytes counts from 256.
    if size != 2 && number(&frame[frame.len() - size..]) > MOST_BYTES {
        return Ok(false);
    }
    loop {
        let start = frame.len();
        if !take(frame, 3)? {
            return Ok(false);
        }
        let header = number(&frame[start..]);
        let bytes = match header >> 1 & 3 {
            // One byte, many times.
            1 => 1,
            // Zstandard passes a compressed block of no bytes over or refuses it, by the room that it
            // is given.
            2 if header >> 3 == 0 => return Ok(false),
            3 => return Ok(false),
            _ => header >> 3,
        };
        if !take(frame, bytes)? {
            return Ok(false);
        }
        if header & 1 == 1 {
            break;
        }
    }
    // A checksum of four bytes.
    Ok(descriptor & 4 == 0 || take(frame, 4)?)
}

/// Takes `bytes` bytes; false if there are fewer, or if the frame becomes too large.
fn take(file: &mut Compressed, frame: &mut Vec<u8>, mut bytes: usize) -> io::Result<bool> {
    if frame.len() + bytes > MOST_BYTES {
        return Ok(false);
    }
    while bytes > 0 {
        let there = file.fill_buf()?;
        let length = there.len().min(bytes);
        if length == 0 {
            return Ok(false);
        }
        frame.extend_from_slice(&there[..length]);
        file.consume(length);
        bytes -= length;
    }
    Ok(true)
}
