//! One-permutation MinHash: a short signature of a row, in which similar rows agree in places.
//!
//! Sources: P. Li, A. Owen, C.-H. Zhang, *One permutation hashing*, NIPS 2012; A. Shrivastava,
//! *Optimal densification for fast and accurate minwise hashing*, ICML 2017; bands as in
//! J. Leskovec, A. Rajaraman, J. Ullman, *Mining of massive datasets*, ch. 3.

/// Bins of the signature.
const BINS: usize = 32;

/// Bands of the signature: a band matches when all its bins do.
pub const BANDS: usize = 8;

/// One hash a band: two rows whose sets of shingles have Jaccard similarity J share each with
/// probability J^4. Rows without shingles match if `exact`, a hash of the texts, is equal.
#[must_use]
pub fn bands(shingles: &[u64], exact: u64) -> [u32; BANDS] {
    const ROWS: usize = BINS / BANDS;
    let mut bands = [exact as u32; BANDS];
    if shingles.is_empty() {
        return bands;
    }
    let mut bins = [u32::MAX; BINS];
    for &hash in shingles {
        // The top bits choose the bin, others are the value, of which a bin keeps the smallest.
        let bin = &mut bins[(hash >> (64 - BINS.ilog2())) as usize];
        *bin = (*bin).min((hash >> 16) as u32);
    }
    let bins = densified(bins);
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

/// Empty bins take the value of a full one, chosen by a hash of bin and attempt. One is full.
fn densified(bins: [u32; BINS]) -> [u32; BINS] {
    let mut full = bins;
    for (bin, value) in full.iter_mut().enumerate() {
        let mut attempt = 0_u64;
        while *value == u32::MAX && attempt < 1 << 16 {
            let key = (bin as u64) << 32 | attempt;
            let other = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as usize;
            *value = bins[other];
            attempt += 1;
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::shingle::Shingles;

    fn bands_of(text: &str) -> [u32; BANDS] {
        let mut shingles = Shingles::default();
        shingles.add(text);
        bands(shingles.hashes(), 0)
    }

    #[test]
    fn short_texts_are_not_alike() {
        let texts = ["好", "是", "ok", "no", "😀", "abcd", "dcba", "。", "!", "!!"];
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[i + 1..] {
                let (a, b) = (bands_of(a), bands_of(b));
                assert!(std::iter::zip(a, b).all(|(a, b)| a != b));
            }
        }
    }

    #[test]
    fn bands_match_as_the_similarity_says() {
        // Two texts of 400 shingles each that share half: J = 1/3, so 1/81 of the bands match.
        let hash = crate::hash::RowHash::new(3);
        let character = |i: u32| {
            let code = 0x4e00 + hash.of(u64::from(i)) % 20_000;
            char::from_u32(code as u32).expect("a Chinese character")
        };
        let text = |from: u32| (from..from + 402).map(character).collect::<String>();
        let (mut matches, pairs) = (0, 4000);
        for pair in 0..pairs {
            let a = bands_of(&text(pair * 1000));
            let b = bands_of(&text(pair * 1000 + 200));
            matches += std::iter::zip(a, b).filter(|(a, b)| a == b).count();
        }
        let expected = f64::from(pairs) * BANDS as f64 / 81.0;
        assert!(
            (matches as f64 - expected).abs() < 5.0 * expected.sqrt() + 0.1 * expected,
            "{matches}, not {expected}"
        );
    }
}
