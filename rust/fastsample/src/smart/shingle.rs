//! Shingles: short runs of characters, each as a hash. What every term but the length looks at.
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

/// Characters of a shingle of a script without spaces; the least number that makes up a shingle.
const SHORT: usize = 3;

/// Characters of a Latin shingle.
const LONG: usize = 5;

/// Letters from one start to the next within a long word.
const STRIDE: u32 = 4;

/// Latin letters with all their accents lie below this code point.
const LATIN_END: u32 = 0x250;

/// The hashes of the shingles of a row's texts. Its memory is used again for the next row.
#[derive(Default)]
pub struct Shingles {
    codes: Vec<u32>,
    starts: Vec<u32>,
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
    /// A text without a shingle counts as one itself: otherwise all short texts would be alike.
    pub fn add(&mut self, text: &str) {
        // A text has at most as many characters as bytes. Memory only grows, and is cleared once.
        let room = text.len() + LONG;
        if self.codes.len() < room {
            self.codes.resize(room, 0);
            self.starts.resize(room, 0);
        }
        if self.hashes.len() < self.len + room {
            self.hashes.resize(self.len + room, 0);
        }
        let (chars, starts) = self.split(text);
        self.chars += chars as u64;
        let before = self.len;
        // The last four starts may lack room for a whole shingle; all others have it.
        let whole = starts.saturating_sub(LONG - 1);
        let (codes, hashes) = (&self.codes, &mut self.hashes[before..]);
        for (hash, &start) in hashes.iter_mut().zip(&self.starts[..whole]) {
            let start = start as usize;
            *hash = hash_at(&codes[start..start + LONG]);
        }
        self.len += whole;
        for &start in &self.starts[whole..starts] {
            let start = start as usize;
            let length = if codes[start] < LATIN_END { LONG } else { SHORT };
            if start + length <= chars {
                self.hashes[self.len] = hash_at(&codes[start..start + LONG]);
                self.len += 1;
            }
        }
        if self.len == before && chars > 0 {
            self.hashes[self.len] = xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), 1);
            self.len += 1;
        }
    }

    /// Decodes a text, and finds where shingles start. Returns the numbers of both.
    fn split(&mut self, text: &str) -> (usize, usize) {
        let (mut starts, mut class, mut place) = (0, OTHER, 0);
        let mut chars = 0_usize;
        for (character, code) in text.chars().zip(&mut self.codes) {
            *code = u32::from(character);
            let next = CLASSES[(*code).min(LATIN_END) as usize];
            // Arithmetic instead of branches: where words end can't be predicted.
            place = (place + 1) % STRIDE * u32::from(next == class);
            class = next;
            self.starts[starts] = chars as u32;
            starts += (STARTS >> (class * STRIDE + place) & 1) as usize;
            chars += 1;
        }
        (chars, starts)
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

/// Classes of characters. A change of class is where a word begins.
const OTHER: u32 = 0;
const WORD: u32 = 1;
const SCRIPT: u32 = 2;

/// One bit for each class and place in a run of that class: does a shingle start there? A word
/// starts one at once, a rule of dashes where it has become long, another script everywhere.
const STARTS: u32 = 0b1111_0001_1000;

/// The class of each code point up to the end of Latin script.
const CLASSES: [u32; LATIN_END as usize + 1] = {
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

/// The hash of the shingle that starts with the first of five codes.
#[inline]
fn hash_at(codes: &[u32]) -> u64 {
    let code = |i: usize| u64::from(codes[i]);
    // 21 bits hold any character, so three of them fit without a collision.
    let packed = code(0) << 42 | code(1) << 21 | code(2);
    let rest = if codes[0] < LATIN_END { code(3) << 21 | code(4) } else { 0 };
    mix(packed ^ rest.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Spreads a number over 64 bits: the halves of a 128-bit product, folded.
#[inline]
fn mix(x: u64) -> u64 {
    let product = u128::from(x ^ 0xa076_1d64_78bd_642f) * 0xe703_7ed1_a0b4_28db;
    (product >> 64) as u64 ^ product as u64
}
