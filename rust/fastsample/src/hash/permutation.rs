//! Pseudorandom permutation of 0..n (Feistel network, cycle walking), computed and not stored.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::hash::RowHash;

/// Rounds of the Feistel network. Four make a pseudo-random permutation of large domains (Luby,
/// Rackoff); small domains need more.
const ROUNDS: usize = 8;

/// Least bits of a half, so that small domains are well mixed, too.
const MIN_HALF_BITS: u32 = 4;

/// A keyed bijection on `0..n`: the same for a seed on every machine, in constant memory.
///
/// ```text
/// a Feistel network over the smallest even number of bits that holds n:
///     (left, right) -> (right, left ^ F(round key, right))          eight times
/// cycle walking: a result that is not below n goes through the network again
/// ```
///
/// Sources: M. Luby, C. Rackoff, *How to construct pseudorandom permutations from pseudorandom
/// functions*, SIAM J. Comput. 17(2), 1988; J. Black, P. Rogaway, *Ciphers with arbitrary finite
/// domains*, CT-RSA 2002.
#[derive(Debug, Clone)]
pub struct Permutation {
    n: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of `0..n` for `seed`.
    #[must_use]
    pub fn new(n: u64, seed: u64) -> Self {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        let key = RowHash::derive(seed, "permutation");
        let mut keys = [0; ROUNDS];
        for (round, slot) in (0..).zip(&mut keys) {
            *slot = key.of(round);
        }
        Self { n, half_bits: bits.div_ceil(2).max(MIN_HALF_BITS), keys }
    }

    /// The permutation of `0..n` for epoch `epoch` of a training run.
    #[must_use]
    pub fn of_epoch(n: u64, seed: u64, epoch: u64) -> Self {
        Self::new(n, RowHash::derive(seed, "epoch").of(epoch))
    }

    /// The values at `start`, `start + step`, ... as long as positions are below n, at most `count`.
    #[must_use]
    pub fn strided(&self, start: u64, step: u64, count: usize) -> Vec<u64> {
        let positions =
            std::iter::successors(Some(start), |position| position.checked_add(step.max(1)));
        let positions = positions.take_while(|&position| position < self.n);
        positions.take(count).map(|position| self.at(position)).collect()
    }

    /// The size n of the domain.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The value at `position`. Both are below n.
    #[must_use]
    pub fn at(&self, position: u64) -> u64 {
        self.walk(position, |x| self.keys.iter().fold(x, |x, &key| self.round(x, key)))
    }

    /// The position of the value `thing`: the inverse of [`Permutation::at`].
    #[must_use]
    pub fn position_of(&self, thing: u64) -> u64 {
        self.walk(thing, |x| self.keys.iter().rev().fold(x, |x, &key| self.unround(x, key)))
    }

    fn walk(&self, x: u64, network: impl Fn(u64) -> u64) -> u64 {
        debug_assert!(x < self.n, "{x} is not below {}", self.n);
        let mut x = network(x);
        while x >= self.n {
            x = network(x);
        }
        x
    }

    fn round(&self, x: u64, key: u64) -> u64 {
        let (left, right) = (x >> self.half_bits, x & self.mask());
        right << self.half_bits | (left ^ self.mix(right, key))
    }

    fn unround(&self, x: u64, key: u64) -> u64 {
        let (left, right) = (x >> self.half_bits, x & self.mask());
        (right ^ self.mix(left, key)) << self.half_bits | left
    }

    fn mix(&self, half: u64, key: u64) -> u64 {
        xxh3_64_with_seed(&half.to_le_bytes(), key) & self.mask()
    }

    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_bijection_for_every_small_n() {
        for n in 1..=2000 {
            let order = Permutation::new(n, n);
            let mut seen = vec![false; n as usize];
            for position in 0..n {
                let thing = order.at(position);
                assert!(!std::mem::replace(&mut seen[thing as usize], true));
                assert_eq!(order.position_of(thing), position);
            }
        }
    }

    #[test]
    fn it_is_its_own_inverse_for_large_n() {
        for bits in [20, 31, 32, 33, 40, 62] {
            for n in [(1 << bits) - 1, 1 << bits, (1 << bits) + 1] {
                let order = Permutation::new(n, 5);
                for i in (0..n).step_by((n / 97) as usize) {
                    assert!(order.at(i) < n);
                    assert_eq!(order.position_of(order.at(i)), i);
                }
            }
        }
    }

    #[test]
    fn epochs_have_orders_of_their_own_and_ranks_share_each() {
        let orders: Vec<Vec<u64>> =
            (0..3).map(|epoch| Permutation::of_epoch(1000, 1, epoch).strided(0, 1, 1000)).collect();
        let (same, expected) =
            (orders[0].iter().zip(&orders[1]).filter(|(a, b)| a == b).count(), 1.0);
        assert!((same as f64) < 10.0 * expected);
        assert_ne!(orders[1], orders[2]);
        let order = Permutation::of_epoch(1000, 1, 0);
        let ranks: Vec<Vec<u64>> = (0..3).map(|rank| order.strided(rank, 3, 1000)).collect();
        for (position, thing) in orders[0].iter().enumerate() {
            assert_eq!(ranks[position % 3][position / 3], *thing);
        }
        assert_eq!(order.strided(998, 1, 1000).len(), 2);
        assert!(order.strided(u64::MAX, 1, 5).is_empty());
    }

    #[test]
    fn positions_are_uniform() {
        // Chi-square of (thing, position) counts over many seeds; 99.9 % quantile of each.
        for (n, bound) in [(5_u64, 39.3), (16, 296.4)] {
            let seeds = 4000;
            let mut counts = vec![0_u32; (n * n) as usize];
            for seed in 0..seeds {
                let order = Permutation::new(n, seed);
                (0..n).for_each(|i| counts[(i * n + order.at(i)) as usize] += 1);
            }
            let expected = seeds as f64 / n as f64;
            let chi: f64 =
                counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
            assert!(chi < bound, "n = {n}: chi-square {chi} over {bound}");
        }
    }
}
