//! What a row's text says about it, in one pass: the input of every term.
//!
//! ```text
//!  "你好，世界"  ─▶ shingles: 你好，  好，世  ，世界   (3 characters; 5 for Latin script)
//!                    └ one hash each ─▶ bin (top bits) and value (the rest)
//!                                        bins keep their smallest value: 32-bin MinHash
//!                                        a bitmap counts distinct values: repetition
//! ```

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bins of the MinHash signature.
const BINS: usize = 32;

/// Bands of the signature: a band matches when all its bins do.
pub const BANDS: usize = 8;

/// Characters of a shingle. One Latin character says less than one Chinese.
const SHINGLE: usize = 3;
const LATIN_SHINGLE: usize = 5;

/// Latin letters with all their accents lie below this code point.
const LATIN_END: u64 = 0x250;

/// Repetition is judged by the first shingles of a text; a bitmap of 8 bits each counts them.
const JUDGED_SHINGLES: u32 = 1024;
const BITMAP_WORDS: usize = JUDGED_SHINGLES as usize * 8 / 64;

/// Features of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// A hash of all its texts: equal for equal rows.
    pub exact: u64,
    /// One hash a band: two rows with Jaccard similarity J share each with probability J^4.
    pub bands: [u32; BANDS],
    /// Characters in all text columns.
    pub chars: u32,
    /// Shingles looked at for repetition, and distinct ones among them.
    pub shingles: u16,
    /// Distinct shingles; equal to `shingles` for text that does not repeat itself.
    pub distinct: u16,
}

/// Computes [`Features`], reusing its memory from row to row.
///
/// Sources: P. Li, A. Owen, C.-H. Zhang, *One permutation hashing*, NIPS 2012; A. Shrivastava,
/// *Optimal densification for fast and accurate minwise hashing*, ICML 2017; bands as in
/// J. Leskovec, A. Rajaraman, J. Ullman, *Mining of massive datasets*, ch. 3.
pub struct Extractor {
    bins: [u32; BINS],
    seen: Box<[u64; BITMAP_WORDS]>,
    shingles: u32,
    distinct: u32,
    chars: u64,
    exact: u64,
    codes: Vec<u64>,
}

impl Default for Extractor {
    fn default() -> Self {
        Self {
            bins: [u32::MAX; BINS],
            seen: Box::new([0; BITMAP_WORDS]),
            shingles: 0,
            distinct: 0,
            chars: 0,
            exact: 0,
            codes: Vec::new(),
        }
    }
}

impl Extractor {
    /// Looks at one text of the row.
    pub fn add(&mut self, text: &str) {
        self.exact = xxh3_64_with_seed(text.as_bytes(), self.exact);
        // The memory only grows; a text has at most as many characters as bytes.
        let mut memory = std::mem::take(&mut self.codes);
        if memory.len() < text.len() {
            memory.resize(text.len(), 0);
        }
        let mut length = 0;
        for (code, character) in memory.iter_mut().zip(text.chars()) {
            *code = u64::from(u32::from(character));
            length += 1;
        }
        let codes = &memory[..length];
        let before = self.shingles;
        let mut judged = 0;
        for end in SHINGLE..=codes.len() {
            // A shingle is long if it ends in Latin script, short otherwise.
            let hash = if codes[end - 1] >= LATIN_END {
                hash_codes(&codes[end - SHINGLE..end], 0)
            } else if end >= LATIN_SHINGLE {
                hash_codes(&codes[end - SHINGLE..end], codes[end - 4] << 21 | codes[end - 5])
            } else {
                continue;
            };
            self.put(hash);
            judged += 1;
            self.judge(hash, before + judged);
        }
        // A text that is shorter than a shingle is one shingle: otherwise all such are alike.
        if judged == 0 && !codes.is_empty() {
            let hash = xxh3_64_with_seed(text.as_bytes(), 1);
            self.put(hash);
            judged = 1;
            self.judge(hash, before + judged);
        }
        self.shingles = before.saturating_add(judged);
        self.chars += codes.len() as u64;
        self.codes = memory;
    }

    /// Keeps the smallest value of each bin.
    #[inline]
    fn put(&mut self, hash: u64) {
        let bin = &mut self.bins[(hash >> (64 - BINS.ilog2())) as usize];
        *bin = (*bin).min((hash >> 16) as u32);
    }

    /// Counts the shingle if it is a new one; `number` is its place in the row, from 1.
    #[inline]
    fn judge(&mut self, hash: u64, number: u32) {
        if number <= JUDGED_SHINGLES {
            let bit = hash as usize % (BITMAP_WORDS * 64);
            let word = &mut self.seen[bit / 64];
            self.distinct += u32::from(*word >> (bit % 64) & 1 == 0);
            *word |= 1 << (bit % 64);
        }
    }

    /// The features of the row; ready for the next one.
    pub fn finish(&mut self) -> Features {
        let features = Features {
            exact: self.exact,
            bands: bands(densified(self.bins), self.exact),
            chars: u32::try_from(self.chars).unwrap_or(u32::MAX),
            shingles: self.shingles.min(JUDGED_SHINGLES) as u16,
            distinct: self.distinct as u16,
        };
        self.bins = [u32::MAX; BINS];
        if self.shingles > 0 {
            self.seen.fill(0);
        }
        (self.shingles, self.distinct, self.chars, self.exact) = (0, 0, 0, 0);
        features
    }
}

/// A hash of three characters and of what comes before them, if anything.
#[inline]
fn hash_codes(codes: &[u64], before: u64) -> u64 {
    // 21 bits hold any character, so three of them fit without a collision.
    let packed = codes[0] << 42 | codes[1] << 21 | codes[2];
    let sum = packed.wrapping_add(before.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // The finaliser of SplitMix64: texts of consecutive characters are no rarity.
    let mixed = (sum ^ sum >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Empty bins take the value of a full one, chosen by a hash of bin and attempt.
fn densified(bins: [u32; BINS]) -> [u32; BINS] {
    let mut full = bins;
    if bins.iter().all(|&value| value == u32::MAX) {
        return full;
    }
    for (bin, value) in full.iter_mut().enumerate() {
        let mut attempt = 0_u64;
        while *value == u32::MAX {
            let key = (bin as u64) << 32 | attempt;
            let other = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as usize;
            *value = bins[other];
            attempt += 1;
        }
    }
    full
}

fn bands(bins: [u32; BINS], exact: u64) -> [u32; BANDS] {
    const ROWS: usize = BINS / BANDS;
    let mut bands = [0; BANDS];
    if bins[0] == u32::MAX {
        // No text at all: alike only if equal.
        bands.fill(exact as u32);
        return bands;
    }
    for (band, hash) in bands.iter_mut().enumerate() {
        let mut mixed = band as u64;
        for &value in &bins[band * ROWS..(band + 1) * ROWS] {
            mixed = (mixed ^ u64::from(value)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            mixed ^= mixed >> 32;
        }
        *hash = mixed as u32;
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(texts: &[&str]) -> Features {
        let mut extractor = Extractor::default();
        for text in texts {
            extractor.add(text);
        }
        extractor.finish()
    }

    #[test]
    fn an_extractor_forgets_the_last_row() {
        let mut extractor = Extractor::default();
        extractor.add("这是第一行的文字，它应该被忘记");
        extractor.finish();
        extractor.add("你好");
        assert_eq!(extractor.finish(), features(&["你好"]));
    }

    #[test]
    fn columns_are_told_apart_in_exact_hashes_only() {
        assert_ne!(features(&["ab", "c"]).exact, features(&["a", "bc"]).exact);
        assert_ne!(features(&["", "a"]).exact, features(&["a", ""]).exact);
        assert_eq!(features(&["你好", "世界"]).chars, 4);
    }

    #[test]
    fn short_texts_are_not_alike() {
        let texts = ["好", "是", "ok", "no", "😀", "abcd", "dcba"];
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[i + 1..] {
                let (a, b) = (features(&[a]), features(&[b]));
                assert!(std::iter::zip(a.bands, b.bands).all(|(a, b)| a != b));
            }
        }
    }

    #[test]
    fn bands_match_as_the_similarity_says() {
        // Two texts of 400 shingles each that share half: J = 1/3, so 1/81 of the bands match.
        let hash = crate::select::RowHash::new(3);
        let character = |i: u32| {
            let code = 0x4e00 + hash.of(u64::from(i)) % 20_000;
            char::from_u32(code as u32).expect("a Chinese character")
        };
        let text = |from: u32| (from..from + 402).map(character).collect::<String>();
        let (mut matches, pairs) = (0, 4000);
        for pair in 0..pairs {
            let a = features(&[&text(pair * 1000)]);
            let b = features(&[&text(pair * 1000 + 200)]);
            matches += std::iter::zip(a.bands, b.bands).filter(|(a, b)| a == b).count();
        }
        let expected = f64::from(pairs) * BANDS as f64 / 81.0;
        assert!(
            (matches as f64 - expected).abs() < 5.0 * expected.sqrt() + 0.1 * expected,
            "{matches}, not {expected}"
        );
    }

    #[test]
    fn repetition_is_seen() {
        let laugh = features(&["哈".repeat(100).as_str()]);
        assert_eq!((laugh.shingles, laugh.distinct), (98, 1));
        let dashes = features(&["-".repeat(5000).as_str()]);
        assert_eq!((dashes.shingles, dashes.distinct), (1024, 1));
        let plain = features(&["这句话里没有任何重复的片段"]);
        assert_eq!(plain.shingles, plain.distinct);
    }
}
