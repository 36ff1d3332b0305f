//! Character entropy: the rule of the pandas script that fastsample replaces.

use crate::select::fixed_point::log2_with;
use crate::text::utf8::decode;

/// Rows with fewer or more characters in all text columns come last.
pub const CHARS: std::ops::RangeInclusive<u32> = 10..=1000;

/// Bits after the point of an entropy: as many as the products of small counts leave room for.
const BITS: u32 = 48;

/// Counts below this are nearly all there are, and all in a text of up to 1,000 characters.
const SMALL: usize = 1024;

/// Shannon entropy of the characters of a text, in bits, with 48 bits after the point.
///
/// `H = log2 N - (1/N) * sum of c * log2 c` over the counts c of the N characters (C. Shannon, *A
/// mathematical theory of communication*, 1948), in integers. Equal entropies come out equal: as
/// the logarithms of primes have nothing in common, two entropies are equal only if they are the
/// same sum of those, and that sum is what is computed, for counts below 1,024.
pub struct Entropy {
    codes: Vec<u32>,
    classes: Vec<u8>,
    /// How often each code point occurs; zero between texts.
    counts: Vec<u32>,
    /// `c * log2 c` of small counts.
    products: Vec<i64>,
}

impl Default for Entropy {
    fn default() -> Self {
        let mut logs = vec![0; SMALL];
        for c in 2..SMALL {
            logs[c] = match (2..=c.isqrt()).find(|factor| c % factor == 0) {
                Some(factor) => logs[factor] + logs[c / factor],
                None => log2_with(c as u64, BITS),
            };
        }
        Self {
            codes: Vec::new(),
            classes: Vec::new(),
            counts: vec![0; char::MAX as usize + 1],
            products: logs.into_iter().zip(0..).map(|(log, c)| c * log).collect(),
        }
    }
}

impl Entropy {
    /// The entropy of some texts, one behind the other; 0 if all are empty.
    pub fn of<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> u64 {
        let mut total = 0;
        for text in texts {
            // A text has at most as many characters as bytes.
            let room = total + text.len();
            if self.codes.len() < room {
                self.codes.resize(room, 0);
                self.classes.resize(room, 0);
            }
            total += decode(text, &mut self.codes[total..], &mut self.classes);
        }
        if total == 0 {
            return 0;
        }
        let codes = &self.codes[..total];
        for &code in codes {
            self.counts[code as usize] += 1;
        }
        // The first time that a character comes up its count is taken, after that it is zero.
        let mut sum = 0;
        for &code in codes {
            let count = std::mem::take(&mut self.counts[code as usize]);
            sum += self.product(count as usize);
        }
        ((self.product(total) - sum) / total as i128).max(0) as u64
    }

    /// `c * log2 c`; 0 of 0.
    #[inline]
    fn product(&self, count: usize) -> i128 {
        match self.products.get(count) {
            Some(&product) => i128::from(product),
            None => count as i128 * i128::from(log2_with(count as u64, BITS)),
        }
    }
}
#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn entropies_are_those_of_the_formula() {
        let mut entropy = Entropy::default();
        let long = "哈哈呵".repeat(1000);
        for text in ["", "a", "aa", "ab", "你好，世界！你好", "aab", &long, "哈哈哈呵", "😀😀b"]
        {
            let total = text.chars().count() as f64;
            let mut counts: HashMap<char, f64> = HashMap::new();
            text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
            let naive: f64 = counts.values().map(|c| -c / total * (c / total).log2()).sum();
            let found = entropy.of([text]) as f64 / (1_u64 << BITS) as f64;
            assert!((naive - found).abs() < 1e-9, "{text}: {naive}, not {found}");
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let whole = entropy.of([text]);
            assert_eq!(entropy.of(pieces.iter().map(String::as_str)), whole, "{text}");
        }
    }

    #[test]
    fn equal_entropies_are_equal() {
        let mut entropy = Entropy::default();
        let mut of = |counts: &[usize]| {
            let text: String =
                counts.iter().zip('一'..).flat_map(|(&count, c)| [c].repeat(count)).collect();
            entropy.of([text.as_str()])
        };
        for letters in 1..=40 {
            let once = of(&vec![1; letters]);
            for count in [2, 3, 5, 7, 9, 20] {
                assert_eq!(of(&vec![count; letters]), once, "{count} times {letters} letters");
            }
        }
        assert_eq!(of(&[6, 6, 3, 3]), of(&[2, 2, 1, 1]));
        // 2 bits, and log2 3 + 2/3, each from different shares.
        assert_eq!(of(&[4, 1, 1, 1, 1]), of(&[1, 1, 1, 1]));
        assert_eq!(of(&[2, 1, 1, 1, 1]), of(&[4, 4, 1, 1, 1, 1]));
        assert!(of(&[2, 2, 1, 1]) < of(&[1, 1, 1, 1]));
    }
}
