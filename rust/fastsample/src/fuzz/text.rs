//! What is made of texts, held against definitions.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::smart::entropy::Entropy;
use crate::smart::extractor::Extractor;
use crate::smart::features::Features;
use crate::text::hash_of;
use crate::text::shingle::{Shingles, naive};

thread_local! {
    /// Four megabytes, which are used again. Nothing of a text may stay in it.
    static ENTROPY: RefCell<Entropy> = RefCell::default();
}

/// Texts are told apart by NUL; bytes that are not UTF-8 are replaced.
pub(super) fn check(bytes: &[u8]) -> bool {
    let all = String::from_utf8_lossy(bytes);
    let texts: Vec<&str> = all.split('\0').collect();
    shingles(&texts);
    features(&texts);
    texts.iter().for_each(|text| entropy(text));
    std::str::from_utf8(bytes).is_ok()
}

fn shingles(texts: &[&str]) {
    let mut shingles = Shingles::default();
    texts.iter().for_each(|text| shingles.add(text));
    let expected: Vec<u64> = texts.iter().flat_map(|text| naive(text)).collect();
    assert_eq!(shingles.hashes(), expected, "shingles of {texts:?}");
    let chars: usize = texts.iter().map(|text| text.chars().count()).sum();
    assert_eq!(shingles.chars(), chars as u64, "characters of {texts:?}");
}

/// Rows do not depend on the rows before them.
fn features(texts: &[&str]) {
    let (mut used, mut rows) = (Extractor::default(), Features::default());
    for (row, text) in texts.iter().enumerate() {
        let add = |extractor: &mut Extractor<'_>, rows: &mut Features| {
            extractor.add([*text].into_iter(), hash_of(&[text]), false, rows);
        };
        add(&mut used, &mut rows);
        let mut alone = Features::default();
        add(&mut Extractor::default(), &mut alone);
        let of = |rows: &Features, row: usize| {
            let bands = rows.bands.each_ref().map(|band| band[row]);
            (rows.exact[row], bands, rows.chars[row], rows.repetition[row])
        };
        assert_eq!(of(&rows, row), of(&alone, 0), "features of {text:?}");
    }
}

fn entropy(text: &str) {
    let found = ENTROPY.with_borrow_mut(|entropy| entropy.of([text])) as f64 / 2_f64.powi(48);
    let total = text.chars().count() as f64;
    let mut counts: HashMap<char, f64> = HashMap::new();
    text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let naive: f64 = counts.values().map(|c| -c / total * (c / total).log2()).sum();
    assert!((naive - found).abs() < 1e-6, "entropy of {text:?}: {naive}, not {found}");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "你好，世界 say hello",
        "abc\0def ghi\0",
        "哈哈哈哈哈哈\0----------",
        "àéx×÷ə 😀𠮷 дом",
        "",
    ];
    let long = "第一行的文字 with words ".repeat(9);
    texts.into_iter().chain([long.as_str()]).map(|text| text.as_bytes().to_vec()).collect()
}
