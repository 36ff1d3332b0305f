//! Snappy, inflated without a branch that the data decide.
//!
//! ```text
//!  length │ tag ... │ tag ... │ ...     a literal: the bytes behind its tag
//!  varint │ element │ element │         a copy:    bytes that were written `offset` bytes before
//! ```
//!
//! Text in a script of several bytes a character makes short elements, five bytes each, and whether
//! the next is a literal or a copy can't be predicted. So both places that bytes may come from are
//! worked out, one is selected, and more bytes are moved than the element has: the next element
//! writes over those that are too many.
//!
//! Format: <https://github.com/google/snappy/blob/main/format_description.txt>.

use std::hint::select_unpredictable as select;

/// The longest element but for long literals.
const LONGEST: usize = 64;

/// Bytes moved at once, as many as most elements have.
const BLOCK: usize = LONGEST / 2;

/// What a tag says.
#[derive(Clone, Copy)]
struct Tag {
    /// High bits of the offset.
    high: u16,
    /// Which of the two bytes behind the tag are low bits of the offset.
    mask: u16,
    /// Bytes of the element.
    len: u8,
    /// An offset below this needs care: a copy reads what it writes. For a tag that says more than
    /// fits here every offset is.
    least: u16,
}

const TAGS: [Tag; 256] = {
    let mut tags = [Tag { high: 0, mask: 0, len: 0, least: u16::MAX }; 256];
    let mut tag = 0;
    while tag < tags.len() {
        let upper = tag >> 2;
        tags[tag] = match tag & 3 {
            0 if upper < 60 => Tag { high: 0, mask: 0, len: upper as u8 + 1, least: 0 },
            1 => {
                let len = 4 + (upper as u8 & 7);
                Tag { high: (tag as u16 >> 5) << 8, mask: 0xff, len, least: len as u16 }
            }
            2 => Tag { high: 0, mask: 0xffff, len: upper as u8 + 1, least: upper as u16 + 1 },
            _ => tags[tag],
        };
        tag += 1;
    }
    tags
};

/// The length that a block claims to have when it is inflated, and its elements.
pub(super) fn open(block: &[u8]) -> Option<(usize, &[u8])> {
    let mut len = 0_u64;
    for (i, &byte) in block.iter().take(5).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((u32::try_from(len).ok()? as usize, &block[i + 1..]));
        }
    }
    None
}

/// Inflates elements that fill `out`; none if they are damaged, or do anything else.
pub(super) fn inflate(mut elements: &[u8], out: &mut [u8]) -> Option<()> {
    let mut at = 0;
    loop {
        (elements, at) = most(elements, out, at);
        if elements.is_empty() {
            return (at == out.len()).then_some(());
        }
        (elements, at) = one(elements, out, at)?;
    }
}

/// Inflates elements to `out` from `at` on until one needs care, or one of the two comes near its
/// end; the rest of the elements, and where they go.
// Within its caller it would run out of registers.
#[inline(never)]
fn most<'a>(elements: &'a [u8], out: &mut [u8], mut at: usize) -> (&'a [u8], usize) {
    let mut next = 0;
    let Some(last) = out.len().checked_sub(LONGEST) else { return (elements, at) };
    while let Some(element) = elements.get(next..).and_then(<[u8]>::first_chunk::<{ 1 + LONGEST }>)
        && at <= last
    {
        let tag = usize::from(element[0]);
        let (kind, upper) = (tag & 3, tag >> 2);
        // The next tag waits for nothing else.
        let behind = select(kind == 0, next + upper + 2, next + kind + 1);
        let Tag { high, mask, len, least } = &TAGS[tag];
        let offset = usize::from(high + (u16::from_le_bytes([element[1], element[2]]) & mask));
        let len = usize::from(*len);
        if offset < usize::from(*least) || offset > at {
            if offset == 0 || offset > at || len == 0 {
                break;
            }
            repeat(out, at, offset, len);
        } else {
            let moved = move_block::<0>(element, out, at - offset, at, kind == 0);
            if moved.is_none()
                || len > BLOCK
                    && move_block::<BLOCK>(element, out, at - offset, at, kind == 0).is_none()
            {
                break;
            }
        }
        (next, at) = (behind, at + len);
    }
    (&elements[next..], at)
}

/// Moves the bytes from `SKIP` on of a literal, or of a copy from `from`.
#[inline]
fn move_block<const SKIP: usize>(
    element: &[u8; 1 + LONGEST],
    out: &mut [u8],
    from: usize,
    at: usize,
    is_literal: bool,
) -> Option<()> {
    let literal = element[1 + SKIP..].first_chunk::<BLOCK>()?;
    let copy = out[from + SKIP..].first_chunk::<BLOCK>()?;
    let block = *select(is_literal, literal, copy);
    *out[at + SKIP..].first_chunk_mut()? = block;
    Some(())
}

/// Inflates one element of any kind.
fn one<'a>(elements: &'a [u8], out: &mut [u8], at: usize) -> Option<(&'a [u8], usize)> {
    let (&tag, rest) = elements.split_first()?;
    let (kind, upper) = (usize::from(tag & 3), usize::from(tag >> 2));
    let bytes_of_number = match (kind, upper) {
        (0, 60..) => upper - 59,
        _ => [0, 1, 2, 4][kind],
    };
    let (number, rest) = rest.split_at_checked(bytes_of_number)?;
    let number = number.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
    if kind == 0 {
        let len = if upper < 60 { upper + 1 } else { number + 1 };
        let (literal, rest) = rest.split_at_checked(len)?;
        out[at..].get_mut(..len)?.copy_from_slice(literal);
        return Some((rest, at + len));
    }
    let Tag { high, len, .. } = TAGS[usize::from(tag)];
    let len = if kind == 3 { upper + 1 } else { usize::from(len) };
    let offset = usize::from(high) | number;
    if offset == 0 || offset > at || len > out.len() - at {
        return None;
    }
    repeat(out, at, offset, len);
    Some((rest, at + len))
}

/// Copies `len` bytes from `offset` bytes before `at`. Where there are not as many, those that are
/// there repeat themselves.
#[cold]
#[inline(never)]
fn repeat(out: &mut [u8], at: usize, offset: usize, len: usize) {
    let (from, mut done) = (at - offset, 0);
    while done < len {
        // Twice as many each time.
        let more = (offset + done).min(len - done);
        out.copy_within(from..from + more, at + done);
        done += more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use snap::raw::{Decoder, Encoder};

    use super::*;

    fn inflated(block: &[u8]) -> Option<Vec<u8>> {
        let (len, elements) = open(block)?;
        // Hostile lengths are refused before.
        let mut out = vec![0; Some(len).filter(|&len| len <= 1 << 20)?];
        inflate(elements, &mut out).map(|()| out)
    }

    fn oracle(block: &[u8]) -> Option<Vec<u8>> {
        Decoder::new().decompress_vec(block).ok()
    }

    #[derive(Debug, Clone)]
    enum Element {
        Literal { bytes: Vec<u8>, number: usize },
        Copy { offset: u32, len: u8, kind: u8 },
    }

    fn elements() -> impl Strategy<Value = Vec<Element>> {
        let literal = |len| {
            (prop::collection::vec(any::<u8>(), len), 0..5_usize)
                .prop_map(|(bytes, number)| Element::Literal { bytes, number })
        };
        let copy = (prop_oneof![1..9_u32, 1..70_u32, 1..3000_u32], 1..=64_u8, 1..4_u8)
            .prop_map(|(offset, len, kind)| Element::Copy { offset, len, kind });
        let element = prop_oneof![4 => literal(1..8), 1 => literal(50..300), 8 => copy];
        prop::collection::vec(element, 0..300)
    }

    /// A block of these elements, as far as they make sense, whether or not an encoder writes such.
    fn block(elements: &[Element]) -> Vec<u8> {
        let (mut bytes, mut len) = (Vec::new(), 0_usize);
        for element in elements {
            match element {
                Element::Literal { bytes: literal, number } => {
                    let last = literal.len() - 1;
                    if last < 60 && *number == 0 {
                        bytes.push((last as u8) << 2);
                    } else {
                        let number = (*number).max(if last < 256 { 1 } else { 2 });
                        bytes.push((59 + number as u8) << 2);
                        bytes.extend(&(last as u32).to_le_bytes()[..number]);
                    }
                    bytes.extend(literal);
                    len += literal.len();
                }
                &Element::Copy { offset, len: copied, kind } => {
                    let offset = offset.min(len as u32);
                    let copied = if kind == 1 { copied.clamp(4, 11) } else { copied };
                    match kind {
                        _ if offset == 0 => continue,
                        1 if offset > 2047 => continue,
                        1 => {
                            let tag = ((offset >> 8) as u8) << 5 | (copied - 4) << 2 | 1;
                            bytes.extend([tag, offset as u8]);
                        }
                        _ => {
                            bytes.push((copied - 1) << 2 | kind);
                            let number = usize::from(kind - 1) * 2;
                            bytes.extend(&offset.to_le_bytes()[..number]);
                        }
                    }
                    len += usize::from(copied);
                }
            }
        }
        let mut block = Vec::new();
        while len >= 0x80 {
            block.push(len as u8 | 0x80);
            len >>= 7;
        }
        block.push(len as u8);
        block.extend(bytes);
        block
    }

    proptest! {
        #[test]
        fn texts_come_back(words in prop::collection::vec("[a-c]{1,9}|[一-丏]{1,40}|\\PC{0,90}", 0..400)) {
            let text = words.concat().into_bytes();
            let block = Encoder::new().compress_vec(&text).expect("short enough");
            prop_assert_eq!(inflated(&block), Some(text));
        }

        #[test]
        fn any_elements_are_inflated_as_by_snap(elements in elements()) {
            let block = block(&elements);
            let expected = oracle(&block);
            prop_assert!(expected.is_some());
            prop_assert_eq!(inflated(&block), expected);
        }

        #[test]
        fn damage_is_judged_as_by_snap(
            elements in elements(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut block = block(&elements);
            for (place, byte) in changes {
                let place = place.index(block.len());
                block[place] = byte;
            }
            if let Some(cut) = cut {
                block.truncate(cut.index(block.len()));
            }
            if open(&block).is_none_or(|(len, _)| len <= 1 << 20) {
                prop_assert_eq!(inflated(&block), oracle(&block));
            }
        }
    }

    #[test]
    fn runs_are_long() {
        for text in [vec![7; 100_000], b"ab".repeat(30_000), vec![], b"x".to_vec()] {
            let block = Encoder::new().compress_vec(&text).expect("short enough");
            assert_eq!(inflated(&block), Some(text));
        }
    }
}
