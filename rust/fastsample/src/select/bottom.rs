//! Bottom-n: the n rows of highest priority u / w, out of any number, seen in any order.

use std::cmp::Ordering;

use crate::error::Result;
use crate::exec::memory;

/// A row that may be chosen.
///
/// Ordered by priority, the best first: by `u / weight`, compared exactly in integers, rows of
/// weight 0 after all others (among themselves by `u`), ties by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The row's random number.
    pub u: u64,
    /// The row's weight, in any fixed-point unit; equal for all rows of a uniform draw.
    pub weight: u32,
    /// The row's position in the source.
    pub ordinal: u64,
}

impl Candidate {
    /// A number that is smaller for a better row, or equal if the two are close.
    ///
    /// The quotient `u / weight`, rounded down, as a floating-point number: the bits of these are in
    /// the same order as they are, and spread however much weights differ. Rows of weight 0 follow.
    #[must_use]
    pub fn rank_key(self) -> u64 {
        const BELOW_ONE: u64 = 1_f64.to_bits() - 1;
        match self.u.checked_div(u64::from(self.weight)) {
            None => 1 << 63 | self.u >> 1,
            // Below 2^59, since a quotient is below 2^64.
            Some(quotient) => (quotient as f64).to_bits().saturating_sub(BELOW_ONE) << 4,
        }
    }

    /// 1 / the probability with which it was drawn, `next` being the best that was left behind:
    /// 1 / min(1, w tau), where tau is the priority of `next` (Duffield, Lund, Thorup 2007).
    #[must_use]
    pub fn inverse(self, next: Option<Self>) -> f64 {
        next.map_or(1.0, |next| {
            let tau = next.u as f64 / u64::MAX as f64 / f64::from(next.weight);
            (1.0 / (f64::from(self.weight) * tau)).max(1.0)
        })
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_priority = match (self.weight, other.weight) {
            (0, 0) => self.u.cmp(&other.u),
            (0, _) => Ordering::Greater,
            (_, 0) => Ordering::Less,
            (mine, theirs) if mine == theirs => self.u.cmp(&other.u),
            (mine, theirs) => (u128::from(self.u) * u128::from(theirs))
                .cmp(&(u128::from(other.u) * u128::from(mine))),
        };
        by_priority.then(self.ordinal.cmp(&other.ordinal))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the n best of its candidates: priority sampling.
///
/// ```text
/// push:  worse than the bound? drop it. Otherwise keep it;
///        with n + slack kept, cut back to the n best, the worst of which is the new bound.
/// ```
///
/// The state of several parts of a source merges into that of the whole, in any order, because
/// the best n of the whole are among the best n of the parts.
///
/// Sources: N. Duffield, C. Lund, M. Thorup, *Priority sampling for estimation of arbitrary subset
/// sums*, J. ACM 54(6), 2007; E. Cohen, H. Kaplan, *Tighter estimation using bottom k sketches*,
/// VLDB 2008.
#[derive(Debug, Clone)]
pub struct BottomN {
    n: usize,
    kept: Vec<Candidate>,
    bound: Option<Candidate>,
}

impl BottomN {
    /// An empty state that keeps the `n` best.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, kept: Vec::new(), bound: None }
    }

    /// Kept beyond n before a cut: a quarter of n costs little memory and makes cuts rare.
    fn slack(&self) -> usize {
        (self.n / 4).max(1024)
    }

    /// Adds a candidate. Returns whether it is kept, for now.
    #[inline]
    pub fn push(&mut self, candidate: Candidate) -> bool {
        if self.n == 0 || self.bound.is_some_and(|bound| candidate > bound) {
            return false;
        }
        self.kept.push(candidate);
        true
    }

    /// Makes room for `more` candidates.
    ///
    /// # Errors
    /// [`crate::Error::Memory`] if there is none.
    pub fn make_room(&mut self, more: usize) -> Result<()> {
        memory::grow(&mut self.kept, more, "the chosen rows of a stream")
    }

    /// Whether enough was kept for [`BottomN::cut`] to be worth while.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kept.len() >= self.n + self.slack()
    }

    /// Drops all but the n best.
    pub fn cut(&mut self) {
        if self.n > 0 && self.kept.len() >= self.n {
            let (_, &mut worst, _) = self.kept.select_nth_unstable(self.n - 1);
            self.bound = Some(worst);
            self.kept.truncate(self.n);
        }
    }

    /// Merges the state of another part of the source.
    pub fn merge(&mut self, other: Self) {
        for candidate in other.kept {
            self.push(candidate);
            if self.is_full() {
                self.cut();
            }
        }
    }

    /// The worst candidate that was kept by the last cut; none while fewer than n were seen.
    #[must_use]
    pub fn bound(&self) -> Option<Candidate> {
        self.bound
    }

    /// The ordinals of the n best, ascending.
    #[cfg(test)]
    fn into_ids(mut self) -> Vec<u64> {
        self.cut();
        let mut ids: Vec<u64> = self.kept.iter().map(|candidate| candidate.ordinal).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let row = (0_u64..50, 0_u32..4);
        prop::collection::vec(row, 0..3000).prop_map(|rows| {
            let numbered = rows.into_iter().zip(0..);
            numbered.map(|((u, weight), ordinal)| Candidate { u, weight, ordinal }).collect()
        })
    }

    fn naive(mut all: Vec<Candidate>, n: usize) -> Vec<u64> {
        all.sort_by(|a, b| {
            let key = |c: &Candidate| {
                if c.weight == 0 { f64::INFINITY } else { c.u as f64 / f64::from(c.weight) }
            };
            key(a).total_cmp(&key(b)).then_with(|| {
                let by_u = if a.weight == 0 { a.u.cmp(&b.u) } else { Ordering::Equal };
                by_u.then(a.ordinal.cmp(&b.ordinal))
            })
        });
        all.truncate(n);
        let mut ids: Vec<u64> = all.into_iter().map(|c| c.ordinal).collect();
        ids.sort_unstable();
        ids
    }

    proptest! {
        #[test]
        fn parts_merged_in_any_order_give_the_naive_answer(
            all in candidates(), n in 0_usize..2000, parts in 1_usize..14, backwards: bool
        ) {
            let mut states: Vec<BottomN> = (0..parts).map(|_| BottomN::new(n)).collect();
            for (i, &candidate) in all.iter().enumerate() {
                let state = &mut states[i * 7 % parts];
                state.push(candidate);
                if state.is_full() {
                    state.cut();
                }
            }
            if backwards {
                states.reverse();
            }
            let mut total = BottomN::new(n);
            for state in states {
                total.merge(state);
            }
            prop_assert_eq!(total.into_ids(), naive(all, n));
        }
    }

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_rows(
            rows in prop::collection::vec((any::<u64>(), any::<u32>(), 0_u32..64, 0_u32..33), 2)
        ) {
            let row = |&(u, weight, small, light): &(u64, u32, u32, u32)| {
                Candidate { u: u >> small, weight: weight.checked_shr(light).unwrap_or(0), ordinal: 0 }
            };
            let (a, b) = (row(&rows[0]), row(&rows[1]));
            let (better, worse) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(better.rank_key() <= worse.rank_key(), "{better:?} {worse:?}");
        }
    }

    #[test]
    fn keys_reach_from_end_to_end() {
        let key = |u, weight| Candidate { u, weight, ordinal: 0 }.rank_key();
        let keys = [key(0, 9), key(1, 1), key(u64::MAX, 1), key(0, 0), key(u64::MAX, 0)];
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:x?}");
    }

    #[test]
    fn products_are_compared_exactly() {
        let a = Candidate { u: u64::MAX, weight: u32::MAX, ordinal: 0 };
        let b = Candidate { u: u64::MAX - 1, weight: u32::MAX - 1, ordinal: 1 };
        // (2^64-1)/(2^32-1) < (2^64-2)/(2^32-2), which floating point can't tell.
        assert!(a < b);
    }
}
