//! `Letters`: what of a text is compared: its letters and digits in lower case.

/// The letters and digits of a text.
///
/// Spaces, punctuation and symbols are left out; full-width forms count as the usual ones.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The letters, as code points.
    codes: Vec<u32>,
    /// Where in the text each of them begins.
    starts: Vec<usize>,
    length: u64,
}

impl Letters {
    /// Takes those of `text` in place of any before.
    pub(super) fn read(&mut self, text: &str) {
        self.codes.clear();
        self.starts.clear();
        self.length = 0;
        for (start, letter) in text.char_indices() {
            if letter.is_ascii() {
                if letter.is_ascii_alphanumeric() {
                    self.push(letter.to_ascii_lowercase(), start);
                }
            } else if letter.is_alphanumeric() {
                usual(letter).to_lowercase().for_each(|letter| self.push(letter, start));
            }
        }
    }

    fn push(&mut self, letter: char, start: usize) {
        self.codes.push(letter.into());
        self.starts.push(start);
        self.length += u64::from(length(letter.into()));
    }

    /// The letters.
    pub(super) fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Their length.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What of `text`, which they were read from, the letters from `first` to before `end` are.
    pub(super) fn excerpt<'t>(&self, text: &'t str, first: usize, end: usize) -> &'t str {
        let start = self.starts.get(first).copied().unwrap_or(text.len());
        let last = self.starts.get(end.saturating_sub(1)).copied().unwrap_or(start);
        let letter = text.get(last..).and_then(|rest| rest.chars().next());
        text.get(start..last + letter.map_or(0, char::len_utf8)).unwrap_or_default()
    }
}

/// A full-width form of a letter or digit as the usual one.
fn usual(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(letter) - 0xff01 + 0x21).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// How long a letter is: a Chinese character says about as much as four letters, a kana or a
/// syllable of Hangul as two.
pub(super) fn length(code: u32) -> u32 {
    match code {
        0x3005
        | 0x3007
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff
        | 0x2_0000..=0x3_ffff => 4,
        0x3040..=0x30ff | 0x31f0..=0x31ff | 0xac00..=0xd7a3 | 0xff66..=0xff9d => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_are_read_in_lower_case() {
        let mut letters = Letters::default();
        let text = "Hello, Wörld! ＡＢ１ 你好。 3.5";
        letters.read(text);
        let found: String =
            letters.codes().iter().filter_map(|&code| char::from_u32(code)).collect();
        assert_eq!(found, "hellowörldab1你好35");
        assert_eq!(letters.length(), 23);
        assert_eq!(letters.excerpt(text, 3, 7), "lo, Wö");
        assert_eq!(letters.excerpt(text, 13, 17), "你好。 3.5");
        letters.read("、。!");
        assert_eq!((letters.codes().len(), letters.length()), (0, 0));
        assert_eq!(letters.excerpt("!", 0, 0), "");
    }

    #[test]
    fn letters_of_some_scripts_are_longer() {
        let lengths = ['a', 'ж', 'あ', '한', '你', '𠮷', 'é', '3'].map(|c| length(c.into()));
        assert_eq!(lengths, [1, 1, 2, 2, 4, 4, 1, 1]);
    }
}
