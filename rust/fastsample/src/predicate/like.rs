//! Patterns of `LIKE`: `%` stands for any text, `_` for one character, `\` takes the next as it is.

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This character.
    Char(char),
    /// One character.
    Any,
    /// Any number of characters.
    Many,
}

impl Pattern {
    /// Parses a pattern.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (mut pieces, mut chars) = (Vec::new(), text.chars());
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '%' => Piece::Many,
                '_' => Piece::Any,
                '\\' => Piece::Char(chars.next().ok_or("the pattern ends with \\; write \\\\")?),
                other => Piece::Char(other),
            });
        }
        pieces.dedup_by(|a, b| *a == Piece::Many && *b == Piece::Many);
        Ok(Self(pieces))
    }

    /// Whether the whole of `text` fits.
    ///
    /// ```text
    /// piece by piece; at a % remember where it is, and take no character for it yet
    /// where the next piece does not fit, let the last % take one character more, and try again
    /// ```
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut rest, mut piece) = (text.chars(), 0);
        let mut again: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let mut ahead = rest.clone();
            let next = ahead.next();
            match (self.0.get(piece), next) {
                (Some(Piece::Many), _) => {
                    again = Some((piece + 1, rest.clone()));
                    piece += 1;
                    continue;
                }
                (Some(Piece::Any), Some(_)) => {
                    (rest, piece) = (ahead, piece + 1);
                    continue;
                }
                (Some(Piece::Char(wanted)), Some(found)) if *wanted == found => {
                    (rest, piece) = (ahead, piece + 1);
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after, from)) = &mut again else { return false };
            if from.next().is_none() {
                return false;
            }
            (rest, piece) = (from.clone(), *after);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(pattern: &[Piece], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [Piece::Many, rest @ ..] => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            [Piece::Any, rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            [Piece::Char(c), rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_fits_as_the_naive_one_does(pattern in "[ab好%_]{0,8}", text in "[ab好]{0,10}") {
            let pattern = Pattern::new(&pattern).expect("no backslash");
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(pattern.matches(&text), naive(&pattern.0, &chars));
        }
    }

    #[test]
    fn a_backslash_takes_signs_as_they_are() {
        let fits = |pattern: &str, text: &str| Pattern::new(pattern).expect("sound").matches(text);
        assert!(fits(r"50\%", "50%") && !fits(r"50\%", "50 of them"));
        assert!(fits(r"a\\%", r"a\b"));
        assert!(Pattern::new("a\\").is_err());
    }
}
