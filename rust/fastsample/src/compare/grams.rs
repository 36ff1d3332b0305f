//! Character n-grams, counted into tables of fixed size.
//!
//! An n-gram is a *context* and the character after it. The context is one character; within Latin
//! script it is three, because a Latin letter says less than a Chinese character:
//!
//! ```text
//!  你好 abcd ─▶ 你|好  好|␠  ␠|a  ␠a|b  ␠ab|c  abc|d        ␠ = blank
//! ```
//!
//! Counts of n-grams, contexts and characters are what an n-gram model needs. Rare n-grams may share
//! a cell; [`Grams::load`] is the share of the table in use.

use crate::hash::mix_two;

/// Cells for n-grams: 16 MiB.
pub const CELLS: usize = 1 << 22;
const CONTEXTS: usize = 1 << 16;
const CHARACTERS: usize = 1 << 16;

/// Latin letters with all their accents lie below this code point.
const LATIN_END: u64 = 0x250;
const CODE_BITS: u32 = 21;

/// The n-grams of one text, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gram {
    /// The characters before, packed into 21 bits each; 0 at the beginning of a text.
    pub context: u64,
    /// The character.
    pub code: u64,
}

impl Gram {
    /// Its hash, uniform on 64 bits.
    #[inline]
    #[must_use]
    pub fn hash(self) -> u64 {
        mix_two(self.context, self.code)
    }

    /// The n-gram as text.
    #[must_use]
    pub fn text(self) -> String {
        let mask = (1 << CODE_BITS) - 1;
        let codes = [self.context >> (2 * CODE_BITS), self.context >> CODE_BITS, self.context];
        let codes = codes.iter().map(|code| code & mask).filter(|&code| code > 0);
        codes.chain([self.code]).filter_map(|code| char::from_u32(code as u32)).collect()
    }
}

/// Every character of `text` with its context.
#[inline]
pub fn grams(text: &str) -> impl Iterator<Item = Gram> + '_ {
    grams_of(text.chars().map(u32::from))
}

fn grams_of(codes: impl Iterator<Item = u32>) -> impl Iterator<Item = Gram> {
    let mut context = 0;
    codes.map(move |code| {
        let code = u64::from(code);
        let gram = Gram { context, code };
        let last = context & ((1 << CODE_BITS) - 1);
        let longer = code < LATIN_END && last < LATIN_END;
        let kept = if longer { context << CODE_BITS & ((1 << (3 * CODE_BITS)) - 1) } else { 0 };
        context = kept | code;
        gram
    })
}

/// The cells of one n-gram, found before they are counted.
#[derive(Debug, Clone, Copy)]
struct GramCells {
    hash: u64,
    context: u32,
    character: u32,
}

/// Counts of n-grams, contexts and characters. States of parts merge.
#[derive(Debug, Clone)]
pub struct Grams {
    cells: Box<[u32]>,
    contexts: Box<[u32]>,
    characters: Box<[u32]>,
    seen: Vec<GramCells>,
    /// Characters counted.
    pub total: u64,
}

impl Default for Grams {
    fn default() -> Self {
        let zeros = |len| vec![0; len].into_boxed_slice();
        Self {
            cells: zeros(CELLS),
            contexts: zeros(CONTEXTS),
            characters: zeros(CHARACTERS),
            seen: Vec::new(),
            total: 0,
        }
    }
}

impl Grams {
    /// Counts the n-grams of a text, given as code points; calls `tell` with the hash of each.
    pub fn add(&mut self, codes: &[u32], mut tell: impl FnMut(u64)) {
        let bump = |cell: &mut u32| *cell = cell.saturating_add(1);
        self.seen.clear();
        self.seen.extend(grams_of(codes.iter().copied()).map(|gram| GramCells {
            hash: gram.hash(),
            context: context_cell(gram) as u32,
            character: (gram.code as usize % CHARACTERS) as u32,
        }));
        // The tables are larger than a cache. In short loops of their own, their misses overlap.
        let cells = &mut self.cells[..CELLS];
        for seen in &self.seen {
            bump(&mut cells[seen.hash as usize % CELLS]);
        }
        let (contexts, characters) =
            (&mut self.contexts[..CONTEXTS], &mut self.characters[..CHARACTERS]);
        for seen in &self.seen {
            bump(&mut contexts[seen.context as usize % CONTEXTS]);
            bump(&mut characters[seen.character as usize % CHARACTERS]);
        }
        self.seen.iter().for_each(|seen| tell(seen.hash));
        self.total += self.seen.len() as u64;
    }

    /// Takes in the counts of another part.
    pub fn merge(&mut self, other: &Self) {
        let tables = [
            (&mut self.cells, &other.cells),
            (&mut self.contexts, &other.contexts),
            (&mut self.characters, &other.characters),
        ];
        for (mine, others) in tables {
            mine.iter_mut().zip(others).for_each(|(a, &b)| *a = a.saturating_add(b));
        }
        self.total += other.total;
    }

    /// How often the n-gram occurs (or another one of its cell).
    #[must_use]
    pub fn count(&self, gram: Gram) -> u32 {
        self.cells[gram.hash() as usize % CELLS]
    }

    /// The share of cells in use.
    #[must_use]
    pub fn load(&self) -> f64 {
        self.cells.iter().filter(|&&count| count > 0).count() as f64 / CELLS as f64
    }

    /// The share of the n-gram occurrences of `self` whose n-gram `other` has at all.
    #[must_use]
    pub fn covered_by(&self, other: &Self) -> f64 {
        let pairs = self.cells.iter().zip(&other.cells);
        let covered: u64 = pairs.filter(|&(_, &b)| b > 0).map(|(&a, _)| u64::from(a)).sum();
        if self.total == 0 { 0.0 } else { covered as f64 / self.total as f64 }
    }

    /// The Jensen-Shannon divergence of two distributions of n-grams, in bits: 0 if they are equal,
    /// 1 if they have nothing in common (Lin, 1991).
    #[must_use]
    pub fn divergence(&self, other: &Self) -> f64 {
        divergence(&self.cells, &other.cells)
    }

    /// Bits of a text under n-gram models made of these counts, one for each strength `mu`.
    ///
    /// ```text
    /// p(c | context) = (count(context, c) + mu · p(c)) / (count(context) + mu)
    /// ```
    ///
    /// with p(c) the share of c among all characters, one half added to each count (Dirichlet
    /// smoothing: `MacKay` and Peto, 1995).
    #[must_use]
    pub fn bits<const N: usize>(&self, text: &str, mu: [f64; N]) -> [f64; N] {
        let mut bits = [0.0; N];
        for gram in grams(text) {
            let code = f64::from(self.characters[gram.code as usize % CHARACTERS]) + 0.5;
            let single = code / (self.total as f64 + CHARACTERS as f64 / 2.0);
            let context = f64::from(self.contexts[context_cell(gram)]);
            // Others may share the cell; more than the context has, it can't have.
            let both = f64::from(self.count(gram)).min(context);
            for (bits, mu) in bits.iter_mut().zip(mu) {
                *bits -= ((both + mu * single) / (context + mu)).log2();
            }
        }
        bits
    }
}

fn context_cell(gram: Gram) -> usize {
    mix_two(gram.context, 0x5eed) as usize % CONTEXTS
}

/// The Jensen-Shannon divergence of two histograms, in bits; 0 if one of them is empty.
#[must_use]
pub fn divergence(a: &[u32], b: &[u32]) -> f64 {
    let sum = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>() as f64;
    let (all_a, all_b) = (sum(a), sum(b));
    if all_a == 0.0 || all_b == 0.0 {
        return 0.0;
    }
    let term =
        |share: f64, mean: f64| if share > 0.0 { share * (share / mean).log2() } else { 0.0 };
    let both = a.iter().zip(b).filter(|&(&a, &b)| a > 0 || b > 0).map(|(&a, &b)| {
        let shares = (f64::from(a) / all_a, f64::from(b) / all_b);
        let mean = f64::midpoint(shares.0, shares.1);
        f64::midpoint(term(shares.0, mean), term(shares.1, mean))
    });
    both.sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_longer_in_latin_script() {
        let texts: Vec<String> = grams("你好 abcd中x").map(Gram::text).collect();
        let expected = ["你", "你好", "好 ", " a", " ab", " abc", "abcd", "bcd中", "中x"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn divergence_of_equal_and_of_disjoint_texts() {
        let counted = |text: &str| {
            let mut counts = Grams::default();
            counts.add(&text.chars().map(u32::from).collect::<Vec<_>>(), |_| ());
            counts
        };
        let (a, b) = (counted("今天天气很好"), counted("蚂蚁搬家忙不停"));
        assert!(a.divergence(&a).abs() < 1e-12);
        assert!((a.divergence(&b) - 1.0).abs() < 1e-12);
        assert!((a.covered_by(&a) - 1.0).abs() < 1e-12 && a.covered_by(&b) == 0.0);
        assert!(a.bits("今天天气很好", [1.0]) < a.bits("蚂蚁搬家忙不停", [1.0]));
        let mut both = a.clone();
        both.merge(&b);
        assert_eq!(both.total, 13);
        assert!((both.load() - 13.0 / CELLS as f64).abs() < 1e-9);
    }
}
