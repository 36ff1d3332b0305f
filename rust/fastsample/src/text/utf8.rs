//! UTF-8 decoding: the code point and the class of each character.

/// Classes of characters. A change of class is where a word begins.
const OTHER: u8 = 0;
/// Latin letters and digits.
const WORD: u8 = 1;
/// Everything beyond Latin script.
const SCRIPT: u8 = 2;

/// Latin letters with all their accents lie below this code point.
pub(crate) const LATIN_END: u32 = 0x250;

/// Writes the code points of a text and their classes, and returns their number.
///
/// Both slices need room for as many characters as the text has bytes.
pub(crate) fn decode(text: &str, codes: &mut [u32], classes: &mut [u8]) -> usize {
    let (mut rest, mut chars) = (text, 0);
    while let Some(&first) = rest.as_bytes().first() {
        let (codes, classes) = (&mut codes[chars..], &mut classes[chars..]);
        let (bytes, count) = match first {
            0..0x80 => ascii(rest.as_bytes(), codes, classes),
            0xe0..0xf0 => three_bytes(rest.as_bytes(), codes, classes),
            _ => {
                let Some(character) = rest.chars().next() else { break };
                codes[0] = u32::from(character);
                classes[0] = CLASSES[codes[0].min(LATIN_END) as usize];
                (character.len_utf8(), 1)
            }
        };
        chars += count;
        rest = &rest[bytes..];
    }
    chars
}

/// Decodes ASCII characters, up to the first of another kind.
fn ascii(bytes: &[u8], codes: &mut [u32], classes: &mut [u8]) -> (usize, usize) {
    if let Some(few) = few_ascii(bytes, codes, classes) {
        return (few, few);
    }
    let count = ascii_len(bytes);
    let bytes = &bytes[..count];
    for (code, &byte) in codes.iter_mut().zip(bytes) {
        *code = u32::from(byte);
    }
    for (class, &byte) in classes.iter_mut().zip(bytes) {
        *class = class_of_ascii(byte);
    }
    (count, count)
}

/// Decodes ASCII characters if one of another kind is among the next eight bytes. Numbers and names
/// between characters of another script are short, and where they end can't be predicted: so all
/// eight are decoded, and what is behind the last is written over by what follows.
fn few_ascii(bytes: &[u8], codes: &mut [u32], classes: &mut [u8]) -> Option<usize> {
    let eight = bytes.first_chunk()?;
    *codes.first_chunk_mut()? = eight.map(u32::from);
    *classes.first_chunk_mut()? = eight.map(class_of_ascii);
    let others = u64::from_le_bytes(*eight) & HIGH;
    (others != 0).then_some(others.trailing_zeros() as usize / 8)
}

/// The highest bits of eight bytes.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// ASCII characters before the first of another kind.
fn ascii_len(bytes: &[u8]) -> usize {
    let (eights, last) = bytes.as_chunks::<8>();
    let mut count = 0;
    for eight in eights {
        let others = u64::from_le_bytes(*eight) & HIGH;
        if others != 0 {
            return count + others.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count + last.iter().take_while(|byte| byte.is_ascii()).count()
}

fn class_of_ascii(byte: u8) -> u8 {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = byte.wrapping_sub(b'0') < 10;
    u8::from(is_letter | is_digit) * WORD
}

/// Decodes characters of three bytes, Chinese among them, up to the first of another kind.
fn three_bytes(bytes: &[u8], codes: &mut [u32], classes: &mut [u8]) -> (usize, usize) {
    let mut count = four_times_three_bytes(bytes, codes);
    for (&[a, b, c], code) in bytes[3 * count..].as_chunks().0.iter().zip(&mut codes[count..]) {
        if a & 0xf0 != 0xe0 {
            break;
        }
        *code = code_of(u64::from(u32::from_le_bytes([a, b, c, 0])));
        count += 1;
    }
    classes[..count].fill(SCRIPT);
    (3 * count, count)
}

/// As long as the next four characters are of three bytes.
fn four_times_three_bytes(bytes: &[u8], codes: &mut [u32]) -> usize {
    // Which bits of eight bytes tell that the first, the fourth and the seventh begin a character,
    // and which that the sixth does.
    const BEGIN: (u64, u64) = (0x00f0_0000_f000_00f0, 0x00e0_0000_e000_00e0);
    const SIXTH: (u64, u64) = (0x0000_f000_0000_0000, 0x0000_e000_0000_0000);
    let (mut at, mut count) = (0, 0);
    while let (Some(head), Some(tail), Some(four)) = (
        bytes.get(at..).and_then(<[u8]>::first_chunk),
        bytes.get(at + 4..).and_then(<[u8]>::first_chunk),
        codes.get_mut(count..).and_then(<[u32]>::first_chunk_mut),
    ) {
        let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
        if head & BEGIN.0 != BEGIN.1 || tail & SIXTH.0 != SIXTH.1 {
            break;
        }
        *four = [head, head >> 24, tail >> 16, tail >> 40].map(code_of);
        (at, count) = (at + 12, count + 4);
    }
    count
}

/// The code point whose three bytes are the lowest of `bits`.
#[inline]
fn code_of(bits: u64) -> u32 {
    let bits = bits as u32;
    (bits & 0xf) << 12 | bits >> 2 & 0xfc0 | bits >> 16 & 0x3f
}

/// The class of each code point up to the end of Latin script.
const CLASSES: [u8; LATIN_END as usize + 1] = {
    let mut classes = [OTHER; LATIN_END as usize + 1];
    let mut code = 0;
    while code < LATIN_END as usize {
        let accented = code >= 0xc0 && code != 0xd7 && code != 0xf7;
        if accented || (code < 0x80 && (code as u8).is_ascii_alphanumeric()) {
            classes[code] = WORD;
        }
        code += 1;
    }
    classes[LATIN_END as usize] = SCRIPT;
    classes
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_character_is_decoded(text in "([a-z 0-9]|[à-ÿ×]|[一-龥]|\\PC){0,99}") {
            let (mut codes, mut classes) = (vec![7; text.len()], vec![7; text.len()]);
            let chars = decode(&text, &mut codes, &mut classes);
            let expected: Vec<u32> = text.chars().map(u32::from).collect();
            prop_assert_eq!(&codes[..chars], &expected);
            for (code, class) in std::iter::zip(expected, classes) {
                prop_assert_eq!(class, CLASSES[code.min(LATIN_END) as usize]);
            }
        }
    }
}
