//! Shingles (character n-grams) as hashes: the input of every term but length.
//!
//! ```text
//!  你好，世界 say hello   starts:  你 好 ， 世 ...  every character of a script without spaces,
//!                                 s  h             and every word of a script with them
//!                        shingles: 你好，  好，世  ...  (3 characters)   "say h"  "hello" (5)
//! ```
//!
//! One Chinese character says as much as a short word, and words have no ends there, so a shingle
//! begins at each. In Latin script a shingle begins where a word does, and again every four letters
//! of a longer one: a third of the work, and as little moved by an edit, because words bring the
//! shingles back into step.
//!
//! ```text
//!  text ─▶ codes, classes      a number and a class a character: other, word, script
//!              └─▶ starts      a bit a character, 64 at once, by shifts of masks
//!                    └─▶ hashes
//! ```
//!
//! Where words end can't be predicted, so nothing here branches on it.

use super::starts::{BLOCK, Runs, first_bits, masks};
use super::utf8::{LATIN_END, decode};
use crate::hash::mix_one;

/// Characters of a shingle of a script without spaces; the least number that makes up a shingle.
const SHORT: usize = 3;

/// Characters of a Latin shingle.
const LONG: usize = 5;

/// Bits that hold any character, so that three of them fit into 64 without a collision.
const CODE_BITS: u32 = 21;

/// The hashes of the shingles of a row's texts. Its memory is used again for the next row.
#[derive(Default)]
pub struct Shingles {
    codes: Vec<u32>,
    classes: Vec<u8>,
    hashes: Vec<u64>,
    len: usize,
    chars: u64,
}

impl Shingles {
    /// Forgets the last row.
    pub fn clear(&mut self) {
        (self.len, self.chars) = (0, 0);
    }

    /// Appends the shingles of one text of the row.
    ///
    /// A text without a shingle counts as one itself: otherwise all short texts would be equal.
    pub fn add(&mut self, text: &str) {
        // A text has at most as many characters as bytes. Memory only grows, and is cleared once.
        let room = text.len() + 2 * BLOCK;
        if self.codes.len() < room {
            self.codes.resize(room, 0);
            self.classes.resize(room, 0);
        }
        if self.hashes.len() < self.len + room {
            self.hashes.resize(self.len + room, 0);
        }
        let chars = decode(text, &mut self.codes, &mut self.classes);
        self.chars += chars as u64;
        let before = self.len;
        let mut runs = Runs::default();
        for first in (0..chars).step_by(BLOCK) {
            let (word, script) = masks(&self.classes[first..first + BLOCK]);
            let starts = runs.starts(word, script);
            // A shingle ends where the text does, or before.
            let left = chars - first;
            let short = script & first_bits(left + 1, SHORT);
            self.hash_block(first, starts & (short | !script & first_bits(left + 1, LONG)), short);
        }
        if self.len == before && chars > 0 {
            self.hashes[self.len] = xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), 1);
            self.len += 1;
        }
    }

    /// Appends the shingles that start at the bits of `starts`, counted from character `first`;
    /// those of `short` are of scripts without spaces.
    fn hash_block(&mut self, first: usize, mut starts: u64, mut short: u64) {
        loop {
            // Where eight of these and more follow each other, usually a good part of the block.
            let runs = short & short >> 1;
            let runs = runs & runs >> 2;
            let runs = runs & runs >> 4;
            let start = runs.trailing_zeros() as usize;
            let others = starts & first_bits(start, 0);
            if others != 0 {
                self.hash(first, others);
            }
            if runs == 0 {
                return;
            }
            let length = (short >> start).trailing_ones() as usize;
            self.hash_run(first + start, length);
            let after = !first_bits(start + length, 0);
            (starts, short) = (starts & after, short & after);
        }
    }

    /// Appends the shingles that start at the bits of `starts`, counted from character `first`.
    fn hash(&mut self, first: usize, mut starts: u64) {
        // An array, and a remainder where there is nothing to divide: no index needs a check.
        let Some(codes) = self.codes[first..].first_chunk::<{ BLOCK + LONG - 1 }>() else { return };
        let count = starts.count_ones() as usize;
        for hash in &mut self.hashes[self.len..self.len + count] {
            let start = starts.trailing_zeros() as usize % BLOCK;
            starts &= starts - 1;
            *hash = hash_of(std::array::from_fn(|i| codes[start + i]));
        }
        self.len += count;
    }

    /// Appends the shingles that start at `count` characters of a script without spaces, one after
    /// the other from `first` on.
    fn hash_run(&mut self, first: usize, count: usize) {
        let codes = &self.codes[first..first + count + SHORT - 1];
        // The next shingle begins with the last two characters of this one.
        let [mut before, mut last] = [codes[0], codes[1]].map(|code| u64::from(code) << CODE_BITS);
        for (hash, &code) in self.hashes[self.len..].iter_mut().zip(&codes[SHORT - 1..]) {
            let code = u64::from(code);
            *hash = mix_one(before << CODE_BITS | last | code);
            (before, last) = (last, code << CODE_BITS);
        }
        self.len += count;
    }

    /// The hashes of all shingles of the row.
    #[must_use]
    pub fn hashes(&self) -> &[u64] {
        &self.hashes[..self.len]
    }

    /// Characters of all texts of the row.
    #[must_use]
    pub fn chars(&self) -> u64 {
        self.chars
    }
}

/// The hash of the shingle that starts with the first of five codes.
#[inline]
fn hash_of(codes: [u32; LONG]) -> u64 {
    let [first, second, third, fourth, fifth] = codes.map(u64::from);
    let is_long = u64::from(first < u64::from(LATIN_END));
    // Zero, and so without effect, unless the shingle is a long one.
    let factor = is_long.wrapping_neg() & 0x9e37_79b9_7f4a_7c15;
    let three = first << (2 * CODE_BITS) | second << CODE_BITS | third;
    mix_one(three ^ (fourth << CODE_BITS | fifth).wrapping_mul(factor))
}

/// The shingles of a text, character by character, as the module's documentation says.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn naive(text: &str) -> Vec<u64> {
    let codes: Vec<u32> = text.chars().map(u32::from).collect();
    let class = |code: u32| match char::from_u32(code) {
        Some(c) if code < LATIN_END => {
            u8::from(c.is_ascii_alphanumeric() || code >= 0xc0 && c != '×' && c != '÷')
        }
        _ => 2,
    };
    let (mut hashes, mut place, mut last) = (Vec::new(), 0, 0);
    for (start, &code) in codes.iter().enumerate() {
        place = if class(code) == last { (place + 1) % 4 } else { 0 };
        last = class(code);
        let (starts, length) =
            [(place == 3, LONG), (place == 0, LONG), (true, SHORT)][usize::from(last)];
        if starts && start + length <= codes.len() {
            let five = std::array::from_fn(|i| *codes.get(start + i).unwrap_or(&0));
            hashes.push(hash_of(five));
        }
    }
    if hashes.is_empty() && !text.is_empty() {
        hashes.push(xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), 1));
    }
    hashes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shingles_are_those_of_the_definition(texts in prop::collection::vec(text(), 1..4)) {
            let mut shingles = Shingles::default();
            for texts in [&texts[..], &texts[..1]] {
                shingles.clear();
                texts.iter().for_each(|text| shingles.add(text));
                let expected: Vec<u64> = texts.iter().flat_map(|text| naive(text)).collect();
                prop_assert_eq!(shingles.hashes(), expected);
                let chars: usize = texts.iter().map(|text| text.chars().count()).sum();
                prop_assert_eq!(shingles.chars(), chars as u64);
            }
        }
    }

    /// Runs of all classes and of any length, and whatever else there is.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zA-Z0-9]{1,12}",
            "[ .,-]{1,9}",
            "[一-龥，。]{1,40}",
            "[à-ÿ×÷ə]{1,5}",
            "\\PC{0,8}",
            "x{50,200}",
            "-{50,200}",
            "哈{50,200}",
            "[а-я😀𠮷]{1,4}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }
}
