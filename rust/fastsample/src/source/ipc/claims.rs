//! Size checks of an Arrow IPC message: how much its buffers claim to hold, before it is set aside.
//!
//! A compressed buffer begins with its length when it is inflated. LZ4 can't stand for more than
//! 255 bytes by one. A frame of Zstandard tells block by block how much it can hold at most.

use arrow_ipc::{CompressionType, RecordBatch};

use crate::source::refusal::Refusal;

/// More than a byte of LZ4 can stand for.
const LZ4_EXPANSION: u64 = 256;

/// The most that a block of Zstandard can hold.
const ZSTD_BLOCK: u64 = 128 << 10;

/// Memory that the buffers of a message may have in a small file, and for each byte of a larger one.
const LEAST_BUDGET: u64 = 192 << 20;
const BUDGET_A_BYTE: u64 = 64;

/// The bytes that compressed buffers of a message are inflated to. Fails for a message whose buffers
/// lie on top of each other, or claim more than they can hold.
pub(super) fn check(batch: &RecordBatch<'_>, body: &[u8], size: u64) -> Result<u64, Refusal> {
    let codec = batch.compression().map(|compression| compression.codec());
    let (mut stored, mut held) = (0_u64, 0_u64);
    for buffer in batch.buffers().iter().flatten() {
        let length = u64::try_from(buffer.length()).unwrap_or(u64::MAX);
        stored = stored.saturating_add(length);
        // A buffer that is not there has no length in front, either.
        let Some(codec) = codec.filter(|_| length > 0) else { continue };
        let bytes = usize::try_from(buffer.offset())
            .ok()
            .and_then(|start| body.get(start..)?.get(..length as usize));
        let Some((prefix, frame)) = bytes.and_then(|bytes| bytes.split_first_chunk::<8>()) else {
            return Err(Refusal::Damaged("a buffer lies outside of its message".into()));
        };
        // A length of -1 means that the bytes are not compressed.
        let claimed = i64::from_le_bytes(*prefix).max(0) as u64;
        let most = match codec {
            CompressionType::ZSTD => zstd_most(frame),
            _ => (frame.len() as u64).saturating_mul(LZ4_EXPANSION),
        };
        if claimed > most {
            return Err(Refusal::Damaged(format!(
                "a buffer of {length} bytes claims to hold {claimed}"
            )));
        }
        held = held.saturating_add(claimed);
    }
    if stored > body.len() as u64 {
        return Err(Refusal::Damaged(format!(
            "buffers claim {stored} bytes of a message of {}",
            body.len()
        )));
    }
    if held > LEAST_BUDGET.max(size.saturating_mul(BUDGET_A_BYTE)) {
        return Err(Refusal::Unsupported(format!(
            "a record batch takes {} MiB of memory, for {size} bytes in the file, which is not \
             supported; write the file with smaller batches",
            held >> 20
        )));
    }
    Ok(held)
}

/// The most that frames of Zstandard can hold, by the headers of their blocks (RFC 8878).
fn zstd_most(mut bytes: &[u8]) -> u64 {
    let mut most = 0_u64;
    while let Some((held, rest)) = zstd_frame(bytes) {
        most = most.saturating_add(held);
        bytes = rest;
    }
    most
}

/// What a frame can hold at most, and what follows it.
fn zstd_frame(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    if magic[0] & 0xf0 == 0x50 && magic[1..] == SKIPPABLE {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        return Some((0, rest.get(u32::from_le_bytes(*length) as usize..)?));
    }
    if *magic != MAGIC {
        return None;
    }
    let (&descriptor, rest) = rest.split_first()?;
    let single = descriptor & 0x20 != 0;
    let window = usize::from(!single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content = [usize::from(single), 2, 4, 8][usize::from(descriptor >> 6)];
    let mut rest = rest.get(window + dictionary + content..)?;
    let mut most = 0_u64;
    loop {
        let (header, behind) = rest.split_first_chunk::<3>()?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let size = header >> 3;
        // 0: as it is, 1: one byte repeated, 2: compressed.
        let (stored, held) = match header >> 1 & 3 {
            0 => (size, u64::from(size)),
            1 => (1, u64::from(size)),
            2 => (size, ZSTD_BLOCK),
            _ => return None,
        };
        most = most.saturating_add(held);
        rest = behind.get(stored as usize..)?;
        if header & 1 == 1 {
            break;
        }
    }
    let checksum = if descriptor & 4 == 0 { 0 } else { 4 };
    Some((most, rest.get(checksum..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_hold_no_more_than_is_said(
            text in "[ab ]{0,300}", times in 1_usize..3000, level in 1_i32..6
        ) {
            let bytes = text.repeat(times).into_bytes();
            let frame = zstd::bulk::compress(&bytes, level).expect("compressed");
            prop_assert!(zstd_most(&frame) >= bytes.len() as u64);
            let twice = [&frame[..], &frame[..]].concat();
            prop_assert_eq!(zstd_most(&twice), 2 * zstd_most(&frame));
            // A block has a header of three bytes and one more.
            prop_assert!(zstd_most(&frame) <= frame.len() as u64 / 4 * ZSTD_BLOCK);
            prop_assert_eq!(zstd_most(&frame[..frame.len() - 1]), 0);
        }
    }
}
