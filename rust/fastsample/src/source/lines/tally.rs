//! How many values of a column are of a kind, and the first of them: what a note says where a few
//! values make the type of a column wider than that of all others.

use std::path::PathBuf;

/// Values of a kind in a column, as a state that merges.
///
/// Invariants: `first` is that of the earliest value, and there if `count` is not 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::source) struct Tally {
    count: u64,
    first: Option<Sighting>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sighting {
    file: u32,
    line: u64,
    shown: String,
}

/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// A single value is one of a few if there are so many values.
const MANY: u64 = 10;

/// Several values are a few up to one in so many.
const FEW: u64 = 100;

impl Tally {
    /// Takes in a value in a line, which is none before those seen earlier.
    pub(in crate::source) fn saw(&mut self, line: u64, value: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| {
            // As many bytes as characters may have.
            let start = &value[..value.len().min(4 * SHOWN)];
            let shown = String::from_utf8_lossy(start).chars().take(SHOWN).collect();
            Sighting { file: 0, line, shown }
        });
    }

    pub(in crate::source) fn count(&self) -> u64 {
        self.count
    }

    /// Numbers the lines from those of a chunk to those of file `file`, where `before` precede them.
    pub(in crate::source) fn place(&mut self, file: u32, before: u64) {
        if let Some(first) = &mut self.first {
            (first.file, first.line) = (file, first.line + before);
        }
    }

    /// Takes in later values.
    pub(in crate::source) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    /// Takes in values of another kind, earlier or later ones.
    pub(in crate::source) fn add(&mut self, other: &Self) {
        self.count += other.count;
        let place = |tally: &Self| tally.first.as_ref().map(|first| (first.file, first.line));
        if self.first.is_none() || place(other).is_some_and(|other| Some(other) < place(self)) {
            self.first.clone_from(&other.first);
        }
    }

    /// Where the first value is.
    fn place_of<'a>(&'a self, files: &[PathBuf]) -> Option<(String, u64, &'a str)> {
        let Sighting { file, line, shown } = self.first.as_ref()?;
        let path = files.get(*file as usize).map(|path| path.display().to_string());
        Some((path.unwrap_or_default(), *line, shown))
    }
}

/// A sentence about the few among `all` values of a column, `odd`, for which it is of type `kind`, where
/// the others are of type `others`; none if they are more than a few.
pub(in crate::source) fn widened(
    files: &[PathBuf],
    column: &str,
    (kind, others): (&str, &str),
    odd: &Tally,
    all: u64,
) -> Option<String> {
    let is_few = (odd.count == 1 && all >= MANY) || odd.count.saturating_mul(FEW) <= all;
    let (file, line, shown) = odd.place_of(files).filter(|_| is_few)?;
    let which = if odd.count == 1 { String::new() } else { "the first of them ".into() };
    Some(format!(
        "{file}: line {line}: column {column:?} is {kind} because of {} of its {all} values, \
         {which}{shown:?}; the others are {others}; mend them, or set the type with schema= \
         (--schema {column}={kind})",
        odd.count
    ))
}

/// A sentence about whole numbers of a column of floats that floats don't hold; none if there are none.
pub(in crate::source) fn rounded(
    files: &[PathBuf],
    column: &str,
    inexact: &Tally,
) -> Option<String> {
    let (file, line, shown) = inexact.place_of(files)?;
    Some(format!(
        "{file}: line {line}: column {column:?} is double, which holds {} of its whole numbers only \
         nearly, the first of them {shown}; read them as texts with schema= (--schema \
         {column}=string)",
        inexact.count
    ))
}

/// Whether a whole number, in digits with or without a sign, is beyond those that all floats hold.
pub(in crate::source) fn is_inexact(digits: &[u8]) -> bool {
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    // All numbers of 15 digits are exact.
    digits.len() > f64::DIGITS as usize
        && std::str::from_utf8(digits)
            .is_ok_and(|digits| digits.parse().map_or(true, |value: u64| value > EXACT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_one_of_ten_or_one_in_a_hundred() {
        let files = [PathBuf::from("a.csv"), PathBuf::from("b.csv")];
        let note = |odd: u64, all: u64| {
            let mut tally = Tally::default();
            (0..odd).for_each(|line| tally.saw(line + 1, "n/a你".as_bytes()));
            tally.place(1, 7);
            widened(&files, "n", ("string", "int64"), &tally, all)
        };
        assert_eq!(
            note(1, 10).as_deref(),
            Some(
                "b.csv: line 8: column \"n\" is string because of 1 of its 10 values, \"n/a你\"; the \
                 others are int64; mend them, or set the type with schema= (--schema n=string)"
            )
        );
        assert!(note(2, 200).is_some_and(|note| note.contains("the first of them \"n/a你\"")));
        for (odd, all) in [(0, 10), (0, 0), (1, 9), (2, 199)] {
            assert_eq!(note(odd, all), None, "{odd} of {all}");
        }
    }

    #[test]
    fn the_first_of_a_merge_is_the_earliest() {
        let (mut first, mut second) = (Tally::default(), Tally::default());
        second.saw(3, b"late");
        second.place(0, 100);
        let mut merged = Tally::default();
        merged.merge(second.clone());
        assert_eq!(merged, second);
        first.saw(9, b"early");
        first.merge(second);
        assert_eq!(first.count(), 2);
        assert_eq!(first.place_of(&[]), Some((String::new(), 9, "early")));
    }

    #[test]
    fn floats_hold_whole_numbers_up_to_two_to_the_53rd() {
        for (digits, expected) in [
            ("0", false),
            ("-999999999999999", false),
            ("9007199254740992", false),
            ("9007199254740993", true),
            ("-9007199254740993", true),
            ("123456789012345678901234567890", true),
        ] {
            assert_eq!(is_inexact(digits.as_bytes()), expected, "{digits}");
        }
    }
}
