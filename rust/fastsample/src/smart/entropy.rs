//! The rule of the script that fastsample replaces: the rows of highest character entropy.

use std::collections::HashMap;

use super::fixed::log2_with;

/// Rows with fewer or more characters in all text columns come last.
pub const CHARS: std::ops::RangeInclusive<u32> = 10..=1000;

/// Bits after the point of an entropy: finer than any two different entropies of 1,000 characters.
const BITS: u32 = 40;

/// Shannon entropy of the characters of a text, in bits, with 40 bits after the point.
///
/// `H = log2 N - (1/N) * sum of c * log2 c` over the counts c of the N characters (C. Shannon, *A
/// mathematical theory of communication*, 1948), in integers.
#[derive(Default)]
pub struct Entropy {
    counts: HashMap<char, u32>,
    logs: Vec<i64>,
}

impl Entropy {
    /// The entropy of `text`; 0 for an empty one.
    pub fn of(&mut self, text: &str) -> u64 {
        self.counts.clear();
        let mut total = 0_u64;
        for character in text.chars() {
            *self.counts.entry(character).or_default() += 1;
            total += 1;
        }
        if total == 0 {
            return 0;
        }
        let (counts, logs) = (&self.counts, &mut self.logs);
        let sum: i128 = counts.values().map(|&c| i128::from(c) * i128::from(log(logs, c))).sum();
        let mean = sum / i128::from(total);
        (i128::from(log2_with(total, BITS)) - mean).max(0) as u64
    }
}

/// `log2`, remembered for small counts: nearly all are below ten.
fn log(logs: &mut Vec<i64>, count: u32) -> i64 {
    const REMEMBERED: u32 = 256;
    if count >= REMEMBERED {
        return log2_with(u64::from(count), BITS);
    }
    if logs.is_empty() {
        logs.extend((0..REMEMBERED).map(|c| log2_with(u64::from(c.max(1)), BITS)));
    }
    logs[count as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropies_are_those_of_the_formula() {
        for text in
            ["", "a", "aa", "ab", "你好，世界！你好", "aab", "哈哈哈哈哈哈哈哈哈呵", "😀😀b"]
        {
            let total = text.chars().count() as f64;
            let mut counts: HashMap<char, f64> = HashMap::new();
            text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
            let naive: f64 = counts.values().map(|c| -c / total * (c / total).log2()).sum();
            let found = Entropy::default().of(text) as f64 / (1_u64 << BITS) as f64;
            assert!((naive - found).abs() < 1e-9, "{text}: {naive}, not {found}");
        }
    }
}
