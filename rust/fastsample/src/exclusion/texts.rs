//! `BenchmarkTexts`: the texts of some sources, and which of their runs another text has.
//!
//! ```text
//!  a run ─▶ hash ─▶ filter: one bit ─▶ sorted hashes ─▶ the letters themselves
//! ```
//!
//! Nearly all runs of other texts end at the filter. Hashes only lead to letters, which are compared:
//! no two runs are taken for one another.

use std::collections::HashMap;
use std::ops::Range;

use super::letters::{Letters, length};
use super::runs::LetterRuns;
use crate::error::{Error, Result};
use crate::exec::memory;

/// Bits of the filter for each run.
const FILTER_BITS: usize = 16;

/// A run of a source, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct KnownRun {
    hash: u64,
    source: u32,
    /// Its first letter.
    start: u32,
}

/// Texts of several sources.
#[derive(Debug)]
pub(super) struct BenchmarkTexts {
    runs: LetterRuns,
    /// Texts that have no run and are not as long as this are not compared.
    least: u64,
    /// The letters of all texts that have runs.
    codes: Vec<u32>,
    /// One of each run of each source, sorted.
    known: Vec<KnownRun>,
    filter: Vec<u64>,
    /// Shorter texts, and the sources that have each.
    short: HashMap<Box<[u32]>, Vec<u32>>,
}

/// A stretch of a text of which a source has each run, or that is a whole text of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedStretch {
    /// The letters.
    pub(super) letters: Range<usize>,
    /// How long they are.
    pub(super) length: u64,
}

impl BenchmarkTexts {
    /// No texts, to be compared by runs of `length`.
    pub(super) fn new(length: u32) -> Self {
        Self {
            runs: LetterRuns::new(length),
            least: u64::from(length.div_ceil(2)),
            codes: Vec::new(),
            known: Vec::new(),
            filter: Vec::new(),
            short: HashMap::new(),
        }
    }

    /// Adds a text of a source. Returns whether it is long enough to be compared.
    pub(super) fn add(&mut self, letters: &Letters, source: u32) -> Result<bool> {
        if letters.length() < self.least {
            return Ok(false);
        }
        let mut new = Vec::new();
        let first = self.codes.len();
        self.runs.each(letters.codes(), |run, hash| new.push((hash, run.start)));
        if new.is_empty() {
            let sources = self.short.entry(letters.codes().into()).or_default();
            if !sources.contains(&source) {
                sources.push(source);
            }
            return Ok(true);
        }
        if u32::try_from(first + letters.codes().len()).is_err() {
            return Err(Error::Argument(
                "exclude has more than 2^32 letters; leave out rows by parts of it".into(),
            ));
        }
        self.codes.extend(letters.codes());
        let known = |(hash, start)| KnownRun { hash, source, start: (first + start) as u32 };
        self.known.extend(new.into_iter().map(known));
        Ok(true)
    }

    /// Ends the adding of texts.
    pub(super) fn finish(&mut self) -> Result<()> {
        let bits = (self.known.len() * FILTER_BITS).next_power_of_two().max(1 << 16);
        memory::require(bits / 8, || format!("a filter of {} runs of exclude", self.known.len()))?;
        let mut known = std::mem::take(&mut self.known);
        known.sort_unstable();
        // Of equal runs of a source the first is kept.
        let mut kept: Vec<KnownRun> = Vec::new();
        for run in known {
            let of_source =
                |other: &&KnownRun| (other.hash, other.source) == (run.hash, run.source);
            let mut alike = kept.iter().rev().take_while(of_source);
            if !alike.any(|other| self.run(other.start) == self.run(run.start)) {
                kept.push(run);
            }
        }
        self.known = kept;
        self.filter = vec![0; bits / 64];
        for run in &self.known {
            let (word, bit) = self.bit(run.hash);
            self.filter[word] |= bit;
        }
        Ok(())
    }

    /// The letters of the run that begins at `start`.
    fn run(&self, start: u32) -> &[u32] {
        let codes = &self.codes[start as usize..];
        &codes[..self.runs.first(codes)]
    }

    /// Where the bit of a hash is in the filter.
    fn bit(&self, hash: u64) -> (usize, u64) {
        let bit = hash >> (u64::BITS - (self.filter.len() as u64 * 64).ilog2());
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// The sources that have a run.
    fn sources_of(&self, run: &[u32], hash: u64) -> impl Iterator<Item = usize> {
        let (word, bit) = self.bit(hash);
        let known = if self.filter[word] & bit == 0 {
            &[]
        } else {
            let first = self.known.partition_point(|known| known.hash < hash);
            &self.known[first..]
        };
        let alike = known.iter().take_while(move |known| known.hash == hash);
        let same = alike.filter(move |known| self.codes[known.start as usize..].starts_with(run));
        same.map(|known| known.source as usize)
    }

    /// The longest stretch of a text that each source has, the first of several: by source, where
    /// there is one longer than that of `longest`. Returns the sources for which it was one.
    pub(super) fn look(
        &self,
        letters: &Letters,
        longest: &mut [Option<SharedStretch>],
    ) -> Vec<usize> {
        let codes = letters.codes();
        let mut found = Vec::new();
        if letters.length() < self.least {
            return found;
        }
        let mut longer = |source: usize, letters: Range<usize>| {
            let shared = SharedStretch {
                length: codes[letters.clone()].iter().map(|&code| u64::from(length(code))).sum(),
                letters,
            };
            if longest[source].as_ref().is_none_or(|known| known.length < shared.length) {
                longest[source] = Some(shared);
                found.push(source);
            }
        };
        if letters.length() < u64::from(self.runs.length()) {
            for &source in self.short.get(codes).into_iter().flatten() {
                longer(source as usize, 0..codes.len());
            }
            return found;
        }
        // Of each source the stretch that the run before was in, and where that run began.
        let mut open: Vec<(usize, Range<usize>, usize)> = Vec::new();
        self.runs.each(codes, |run, hash| {
            for source in self.sources_of(&codes[run.clone()], hash) {
                match open.iter_mut().find(|(known, ..)| *known == source) {
                    Some((_, stretch, last)) if *last + 1 == run.start => {
                        (stretch.end, *last) = (run.end, run.start);
                    }
                    Some((_, stretch, last)) => {
                        longer(source, std::mem::replace(stretch, run.clone()));
                        *last = run.start;
                    }
                    None => open.push((source, run.clone(), run.start)),
                }
            }
        });
        open.into_iter().for_each(|(source, stretch, _)| longer(source, stretch));
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Letters {
        let mut letters = Letters::default();
        letters.read(text);
        letters
    }

    fn texts(length: u32, of: &[&[&str]]) -> BenchmarkTexts {
        let mut texts = BenchmarkTexts::new(length);
        for (source, of) in (0..).zip(of) {
            of.iter().for_each(|text| {
                texts.add(&letters(text), source).expect("few letters");
            });
        }
        texts.finish().expect("memory");
        texts
    }

    fn look(texts: &BenchmarkTexts, text: &str, sources: usize) -> Vec<Option<(String, u64)>> {
        let (letters, mut longest) = (letters(text), vec![None; sources]);
        texts.look(&letters, &mut longest);
        let shown = |shared: SharedStretch| {
            (
                letters.excerpt(text, shared.letters.start, shared.letters.end).to_owned(),
                shared.length,
            )
        };
        longest.into_iter().map(|shared| shared.map(shown)).collect()
    }

    #[test]
    fn the_longest_stretch_of_each_source_is_found() {
        let texts = texts(6, &[&["the quick brown fox", "a lazy dog"], &["brown fox and a lazy"]]);
        let found = look(&texts, "See: The Quick brown, FOX! no. A lazy dog", 2);
        let shared = |text: &str, length| Some((text.to_owned(), length));
        assert_eq!(found, [shared("The Quick brown, FOX", 16), shared("brown, FOX", 8)]);
        assert_eq!(look(&texts, "he quic", 2), [shared("he quic", 6), None]);
        assert_eq!(look(&texts, "he qui", 2), [None, None]);
    }

    #[test]
    fn short_texts_are_compared_whole() {
        let texts = texts(10, &[&["yes", "你好", "no way"], &["NO WAY!"]]);
        let both = Some(("No way".to_owned(), 5));
        assert_eq!(look(&texts, "No way.", 2), [both.clone(), both]);
        assert_eq!(look(&texts, "yes", 2), [None, None]);
        assert_eq!(look(&texts, "你好!", 2), [Some(("你好".to_owned(), 8)), None]);
        assert_eq!(look(&texts, "no way, never ever", 2), [None, None]);
    }

    #[test]
    fn equal_hashes_are_no_equal_runs() {
        let mut texts = texts(4, &[&["abcd", "abce"]]);
        // As if all hashes were one.
        let hash = texts.known[0].hash;
        texts.known.iter_mut().for_each(|known| known.hash = hash);
        let source = |run: &str| texts.sources_of(letters(run).codes(), hash).collect::<Vec<_>>();
        assert_eq!((source("abcd"), source("abce"), source("abcf")), (vec![0], vec![0], vec![]));
    }
}
