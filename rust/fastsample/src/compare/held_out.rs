//! Held-out texts: bits a character under an n-gram model of the sample and one of a random sample,
//! and the n-grams that the sample has more of, or less.

use std::collections::HashMap;

use super::grams::{self, Gram, Grams};
use super::profile::Profile;

/// Prior strengths of the n-gram model that are tried.
const PRIORS: [f64; 6] = [0.3, 1.0, 4.0, 16.0, 64.0, 256.0];

/// N-grams listed in each direction.
const LISTED: usize = 20;

/// An n-gram that one of the two has more of.
#[derive(Debug, Clone, PartialEq)]
pub struct Represented {
    /// The n-gram.
    pub text: String,
    /// Occurrences per million characters of the source.
    pub source: f64,
    /// Occurrences per million characters of the sample.
    pub sample: f64,
}

/// Bits a character under both models, each with the prior that suits it best.
pub(super) fn bits(texts: &[&str], sample: &Grams, random: &Grams) -> Option<(f64, f64, f64)> {
    let chars: Vec<f64> = texts.iter().map(|text| text.chars().count() as f64).collect();
    let all: f64 = chars.iter().sum();
    if all == 0.0 || sample.total == 0 || random.total == 0 {
        return None;
    }
    let best = |model: &Grams| {
        let by_text: Vec<_> = texts.iter().map(|text| model.bits(text, PRIORS)).collect();
        let by_prior = (0..PRIORS.len()).map(|i| by_text.iter().map(|bits| bits[i]).collect());
        by_prior.min_by(|a: &Vec<f64>, b: &Vec<f64>| {
            a.iter().sum::<f64>().total_cmp(&b.iter().sum::<f64>())
        })
    };
    let (ours, theirs) = (best(sample)?, best(random)?);
    let total = |bits: &[f64]| bits.iter().sum::<f64>() / all;
    let (a, b) = (total(&ours), total(&theirs));
    // A ratio estimator: texts are the units, characters their sizes.
    let squares = ours.iter().zip(&theirs).zip(&chars).map(|((x, y), chars)| {
        let off = x - y - (a - b) * chars;
        off * off
    });
    Some((a, b, squares.sum::<f64>().sqrt() / all))
}

/// The n-grams that differ most between sample and source, by how surprising that is.
///
/// The tables have no texts; those of the rows set aside lead to the cells.
pub(super) fn represented(
    whole: &Grams,
    sample: &Profile,
    source: &Profile,
) -> (Vec<Represented>, Vec<Represented>) {
    const LEAST: u32 = 20;
    let mut seen: HashMap<u64, (Gram, u32)> = HashMap::new();
    for text in source.held_out.values().chain(sample.held_out.values()) {
        for gram in grams::grams(text).filter(|gram| gram.context > 0) {
            seen.entry(gram.hash()).or_insert((gram, 0)).1 += 1;
        }
    }
    if whole.total == 0 || sample.drawn.total == 0 {
        return (Vec::new(), Vec::new());
    }
    let (all, drawn) = (whole.total as f64, sample.drawn.total as f64);
    let mut scored: Vec<(f64, u64, Represented)> = seen
        .into_iter()
        .filter_map(|(hash, (gram, _))| {
            let (a, b) = (f64::from(whole.count(gram)), f64::from(sample.drawn.count(gram)));
            let text = gram.text();
            if a.max(b) < f64::from(LEAST) || text.chars().any(char::is_control) {
                return None;
            }
            let (p, q) = (a / all, b / drawn);
            let score = (q.sqrt() - p.sqrt()) * drawn.sqrt() * 2.0;
            Some((score, hash, Represented { text, source: p * 1e6, sample: q * 1e6 }))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let over = scored.iter().take(LISTED).filter(|each| each.0 > 0.0).map(|each| each.2.clone());
    let under = scored.iter().rev().take(LISTED).filter(|each| each.0 < 0.0);
    (over.collect(), under.map(|each| each.2.clone()).collect())
}
