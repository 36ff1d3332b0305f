//! Delta encodings, as far as it takes to know how much their decoders would set aside.
//!
//! ```text
//!  DELTA_BINARY_PACKED      header: values of a block, miniblocks of a block, count, first value
//!                           blocks: least delta, a width for each miniblock, packed deltas
//!  DELTA_LENGTH_BYTE_ARRAY  lengths (as above), then the texts
//!  DELTA_BYTE_ARRAY         lengths of shared prefixes (as above), then DELTA_LENGTH_BYTE_ARRAY
//! ```

use parquet::basic::Encoding;

use super::thrift::Compact;

/// What the lengths of a page claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claims {
    /// Bytes that the texts have when they are decoded; 0 for numbers.
    pub(super) bytes: u64,
    /// Whether a value begins with a byte that only continues a character of UTF-8. The decoder of
    /// `parquet` holds the texts of a page against UTF-8 as one, so it would tear a character.
    pub(super) tears_characters: bool,
}

/// What a page claims, if it has no more than `values` values, and their lengths are all there.
pub(super) fn check(bytes: &[u8], encoding: Encoding, values: usize) -> Option<Claims> {
    let mut numbers = DeltaNumbers::open(bytes, values)?;
    if encoding == Encoding::DELTA_BINARY_PACKED {
        return Some(Claims { bytes: 0, tears_characters: false });
    }
    let mut sum = 0_u64;
    // A negative length is for the decoder to complain about.
    let mut add = |length: i64| sum = sum.saturating_add(length.max(0) as u64);
    let mut begun = Vec::new();
    if encoding == Encoding::DELTA_BYTE_ARRAY {
        numbers.each(&mut |prefix| {
            add(prefix);
            begun.push(prefix > 0);
        })?;
        numbers = DeltaNumbers::open(numbers.rest, values)?;
    }
    let mut lengths = numbers.clone();
    numbers.each(&mut add)?;
    let (texts, mut start, mut place, mut tears_characters) = (numbers.rest, 0, 0, false);
    lengths.each(&mut |length| {
        // A value with a prefix begins as the one before.
        let is_begun = length <= 0 || begun.get(place).is_some_and(|&begun| begun);
        let first = texts.get(start).filter(|_| !is_begun);
        tears_characters |= first.is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
        start = start.saturating_add(length.max(0) as usize);
        place += 1;
    })?;
    Some(Claims { bytes: sum, tears_characters })
}

/// Numbers in `DELTA_BINARY_PACKED`.
#[derive(Clone)]
struct DeltaNumbers<'a> {
    rest: &'a [u8],
    miniblocks: usize,
    /// Values of a miniblock, a multiple of 32.
    per_miniblock: usize,
    count: usize,
    first: i64,
}

impl<'a> DeltaNumbers<'a> {
    fn open(bytes: &'a [u8], most: usize) -> Option<Self> {
        let mut reader = Compact(bytes);
        let block = usize::try_from(reader.varint()?).ok()?;
        let miniblocks = usize::try_from(reader.varint()?).ok()?;
        let count = usize::try_from(reader.varint()?).ok()?;
        let first = reader.long()?;
        // The decoder would set aside a byte for each miniblock of a block.
        if count > most || miniblocks == 0 || (count > 1 && miniblocks > bytes.len()) {
            return None;
        }
        let per_miniblock = block / miniblocks;
        if block % 128 != 0 || block % miniblocks != 0 || per_miniblock % 32 != 0 || block == 0 {
            return None;
        }
        Some(Self { rest: reader.0, miniblocks, per_miniblock, count, first })
    }

    /// Calls `visit` with each number. Wraps around as the decoder does.
    fn each(&mut self, visit: &mut impl FnMut(i64)) -> Option<()> {
        if self.count == 0 {
            return Some(());
        }
        let mut value = self.first;
        visit(value);
        let mut left = self.count - 1;
        while left > 0 {
            let mut reader = Compact(self.rest);
            let least = reader.long()?;
            let (widths, mut rest) = reader.0.split_at_checked(self.miniblocks)?;
            for &width in widths {
                if left == 0 {
                    break;
                }
                let width = usize::from(width);
                let packed = self.per_miniblock.checked_mul(width)? / 8;
                // The last miniblock may lack its padding.
                let (deltas, behind) = rest.split_at(packed.min(rest.len()));
                rest = behind;
                for place in 0..left.min(self.per_miniblock) {
                    value = value.wrapping_add(least).wrapping_add(bits(deltas, place, width)?);
                    value = i64::from(value as i32);
                    visit(value);
                }
                left -= left.min(self.per_miniblock);
            }
            self.rest = rest;
        }
        Some(())
    }
}

/// The number of `width` bits at `place`.
fn bits(packed: &[u8], place: usize, width: usize) -> Option<i64> {
    if width == 0 {
        return Some(0);
    }
    if width > 64 {
        return None;
    }
    let (first, last) = (place * width, (place + 1) * width);
    let bytes = packed.get(first / 8..last.div_ceil(8))?;
    let all = bytes.iter().rev().fold(0_u128, |all, &byte| all << 8 | u128::from(byte));
    let mask = (1_u128 << width) - 1;
    Some(((all >> (first % 8)) & mask) as u64 as i64)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
    use parquet::encodings::encoding::{DeltaBitPackEncoder, DeltaLengthByteArrayEncoder};
    use parquet::encodings::encoding::{DeltaByteArrayEncoder, Encoder};
    use proptest::prelude::*;

    use super::*;

    fn encoded(encoder: &mut dyn FnMut() -> parquet::errors::Result<Bytes>) -> Bytes {
        encoder().expect("values can be encoded")
    }

    proptest! {
        #[test]
        fn what_writers_write_is_measured(
            texts in prop::collection::vec("[ab好]{0,9}", 0..400),
            numbers in prop::collection::vec(any::<i32>(), 1..400),
        ) {
            let values: Vec<ByteArray> =
                texts.iter().map(|text| ByteArray::from(text.as_str())).collect();
            let sum: usize = texts.iter().map(String::len).sum();
            let mut front = DeltaByteArrayEncoder::<ByteArrayType>::new();
            let bytes = encoded(&mut || { front.put(&values)?; front.flush_buffer() });
            let sound = |bytes| Some(Claims { bytes, tears_characters: false });
            prop_assert_eq!(
                check(&bytes, Encoding::DELTA_BYTE_ARRAY, texts.len()), sound(sum as u64)
            );
            let mut lengths = DeltaLengthByteArrayEncoder::<ByteArrayType>::new();
            let bytes = encoded(&mut || { lengths.put(&values)?; lengths.flush_buffer() });
            let found = check(&bytes, Encoding::DELTA_LENGTH_BYTE_ARRAY, texts.len());
            prop_assert_eq!(found, sound(sum as u64));
            let mut packed = DeltaBitPackEncoder::<Int32Type>::new();
            let bytes = encoded(&mut || { packed.put(&numbers)?; packed.flush_buffer() });
            let found = check(&bytes, Encoding::DELTA_BINARY_PACKED, numbers.len());
            prop_assert_eq!(found, sound(0));
            let found = check(&bytes, Encoding::DELTA_BINARY_PACKED, numbers.len() - 1);
            prop_assert_eq!(found, None);
        }

        /// Values that make UTF-8 together, though a character may be in two of them.
        #[test]
        fn torn_characters_are_found(
            text in "[aé好𠮷]{1,60}", cuts in prop::collection::vec(0.0..1.0, 0..20)
        ) {
            let mut ends: Vec<usize> =
                cuts.iter().map(|cut| (text.len() as f64 * cut) as usize).chain([text.len()]).collect();
            ends.sort_unstable();
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let torn = starts.clone().zip(&ends).any(|(start, &end)| {
                start < end && !text.is_char_boundary(start)
            });
            let value = |(start, &end): (usize, &usize)| {
                ByteArray::from(text.as_bytes()[start..end].to_vec())
            };
            let values: Vec<ByteArray> = starts.zip(&ends).map(value).collect();
            let mut front = DeltaByteArrayEncoder::<ByteArrayType>::new();
            let bytes = encoded(&mut || { front.put(&values)?; front.flush_buffer() });
            let found = check(&bytes, Encoding::DELTA_BYTE_ARRAY, values.len());
            // A value with a prefix of another begins as that one does.
            prop_assert_eq!(found.map(|claims| claims.tears_characters), Some(torn));
            let mut lengths = DeltaLengthByteArrayEncoder::<ByteArrayType>::new();
            let bytes = encoded(&mut || { lengths.put(&values)?; lengths.flush_buffer() });
            let found = check(&bytes, Encoding::DELTA_LENGTH_BYTE_ARRAY, values.len());
            prop_assert_eq!(found.map(|claims| claims.tears_characters), Some(torn));
        }

        #[test]
        fn any_bytes_are_borne(bytes: Vec<u8>, values in 0_usize..1000) {
            let _ = check(&bytes, Encoding::DELTA_BYTE_ARRAY, values);
        }
    }

    #[test]
    fn claims_beyond_the_values_are_refused() {
        // A block of 128 values in 4 miniblocks, 2^31 - 1 values, the first 0.
        let bytes = [0x80, 1, 4, 0xff, 0xff, 0xff, 0xff, 7, 0];
        assert_eq!(check(&bytes, Encoding::DELTA_LENGTH_BYTE_ARRAY, 10), None);
    }
}
