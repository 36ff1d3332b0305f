//! Definition levels of a flat column: which rows are null.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

/// Decodes the levels of `rows` rows, each 0 (null) or 1, in the RLE and bit-packing hybrid.
///
/// `None` means that they are damaged: they end early, or hold other levels.
pub(super) fn decode(mut bytes: &[u8], rows: usize) -> Option<BooleanBuffer> {
    let mut levels = BooleanBufferBuilder::new(rows);
    while levels.len() < rows {
        let missing = rows - levels.len();
        let header = varint(&mut bytes)?;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 1 {
            // `count` bytes of eight levels each; the last may reach beyond the rows.
            let packed = bytes.get(..count.min(missing.div_ceil(8)))?;
            if packed.is_empty() {
                return None;
            }
            levels.append_packed_range(0..missing.min(packed.len() * 8), packed);
            bytes = bytes.get(count..).unwrap_or_default();
        } else {
            let (&level, rest) = bytes.split_first()?;
            if level > 1 || count == 0 {
                return None;
            }
            levels.append_n(count.min(missing), level == 1);
            bytes = rest;
        }
    }
    Some(levels.finish())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_levels_are_decoded() {
        // Three ones as a run, eight packed levels, two zeros as a run of nine cut off.
        let bytes = [3 << 1, 1, (1 << 1) | 1, 0b1010_0101, 9 << 1, 0];
        let levels = decode(&bytes, 13).expect("sound");
        let expected: Vec<bool> =
            [1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0].iter().map(|&level| level == 1).collect();
        assert_eq!(levels, BooleanBuffer::from(expected));
    }

    #[test]
    fn damaged_levels_are_refused() {
        for bytes in [&[][..], &[6], &[6, 2], &[0, 1], &[1], &[3], &[0xff; 12]] {
            assert!(decode(bytes, 5).is_none(), "{bytes:?}");
        }
    }
}
