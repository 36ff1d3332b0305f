//! Allocation of a sample to strata: whole numbers by the method of the largest remainder.
//!
//! ```text
//! quota of a stratum = n * its weight / the weight of all
//! strata of fewer rows than their quota give all they have; the quotas of the others grow
//! each of the others gets its quota rounded down; what is left goes to the largest fractions
//! ```

use std::cmp::Reverse;

use super::temperature;
use crate::error::{Error, Result};

/// How a sample is divided among strata.
#[derive(Debug, Clone, PartialEq)]
pub enum Allocation {
    /// In proportion to their rows.
    Proportional,
    /// The same for each.
    Equal,
    /// In proportion to the square roots of their rows: between the two.
    Sqrt,
    /// In proportion to the power `1 / T` of their rows, where T is from 1 to 1000.
    Temperature(f64),
    /// In proportion to these numbers.
    Weights(Vec<u64>),
}

/// Rows of each stratum, and what had to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocated {
    /// Rows to draw from each stratum.
    pub amounts: Vec<u64>,
    /// Strata that have fewer rows than their quota.
    pub short: u64,
    /// Rows that those lack, which others give.
    pub moved: u64,
}

impl Allocation {
    /// Divides `n` rows among strata of `rows` rows each. Ties go to the first.
    ///
    /// # Errors
    /// [`Error::Argument`] if the strata of weight above 0 have fewer than `n` rows.
    pub fn divide(&self, n: u64, rows: &[u64]) -> Result<Allocated> {
        divide(n, rows, &self.weights(rows))
    }

    /// As [`Allocation::divide`], where rows may come again: no stratum has too few.
    ///
    /// # Errors
    /// [`Error::Argument`] if no stratum has a weight above 0.
    pub fn divide_with_replacement(&self, n: u64, rows: &[u64]) -> Result<Allocated> {
        divide(n, &vec![n; rows.len()], &self.weights(rows))
    }

    /// The weight of each stratum.
    pub(crate) fn weights(&self, rows: &[u64]) -> Vec<u64> {
        match self {
            Self::Proportional => rows.to_vec(),
            Self::Equal => vec![1; rows.len()],
            Self::Sqrt => rows.iter().map(|&rows| root(rows)).collect(),
            &Self::Temperature(one) if one <= 1.0 => rows.to_vec(),
            &Self::Temperature(temperature) => temperature::weights(rows, temperature),
            Self::Weights(weights) => weights.clone(),
        }
    }
}

/// The square root in units of 2^-30.
fn root(rows: u64) -> u64 {
    (u128::from(rows) << 60).isqrt() as u64
}

fn divide(n: u64, rows: &[u64], weights: &[u64]) -> Result<Allocated> {
    debug_assert_eq!(rows.len(), weights.len());
    let mut open: Vec<usize> = (0..rows.len()).filter(|&s| weights[s] > 0).collect();
    let total = |open: &[usize]| open.iter().map(|&s| u128::from(weights[s])).sum::<u128>();
    let there = open.iter().fold(0_u64, |all, &stratum| all.saturating_add(rows[stratum]));
    if n > there {
        return Err(Error::Argument(format!(
            "{n} rows are asked for, but the groups that may give some have only {there}; ask for \
             at most {there}, or give other groups a share"
        )));
    }
    let mut amounts = vec![0; rows.len()];
    let (mut left, mut weight) = (u128::from(n), total(&open));
    let (mut short, mut moved) = (0, 0);
    for &stratum in &open {
        let quota = left * u128::from(weights[stratum]) / weight;
        let lacking = quota.saturating_sub(u128::from(rows[stratum])) as u64;
        (short, moved) = (short + u64::from(lacking > 0), moved + lacking);
    }
    // Those that run out first come first.
    open.sort_by(|&a, &b| {
        let key = |rows_of: usize, weight_of: usize| {
            u128::from(rows[rows_of]) * u128::from(weights[weight_of])
        };
        key(a, b).cmp(&key(b, a)).then(a.cmp(&b))
    });
    let used_up = open.iter().take_while(|&&stratum| {
        let (has, own) = (u128::from(rows[stratum]), u128::from(weights[stratum]));
        let is_short = left * own >= has * weight;
        if is_short {
            amounts[stratum] = rows[stratum];
            (left, weight) = (left - has, weight - own);
        }
        is_short
    });
    let used_up = used_up.count();
    let mut open = open.split_off(used_up);
    let quota = |stratum: usize| left * u128::from(weights[stratum]);
    for &stratum in &open {
        amounts[stratum] = (quota(stratum) / weight) as u64;
    }
    let given: u128 = open.iter().map(|&stratum| u128::from(amounts[stratum])).sum();
    open.sort_unstable_by_key(|&stratum| (Reverse(quota(stratum) % weight), stratum));
    open.iter().take((left - given) as usize).for_each(|&stratum| amounts[stratum] += 1);
    Ok(Allocated { amounts, short, moved })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rounds of plain fractions: fill what overflows, divide again.
    fn naive(n: u64, rows: &[u64], weights: &[u64]) -> Vec<u64> {
        let mut amounts = vec![None; rows.len()];
        loop {
            let left = n - amounts.iter().flatten().sum::<u64>();
            let open: Vec<usize> =
                (0..rows.len()).filter(|&s| amounts[s].is_none() && weights[s] > 0).collect();
            let weight: u64 = open.iter().map(|&s| weights[s]).sum();
            let full: Vec<usize> =
                open.iter().copied().filter(|&s| left * weights[s] >= rows[s] * weight).collect();
            if full.is_empty() {
                let mut parts: Vec<(u64, usize)> =
                    open.iter().map(|&s| (left * weights[s] % weight, s)).collect();
                open.iter().for_each(|&s| amounts[s] = Some(left * weights[s] / weight));
                parts.sort_by_key(|&(part, s)| (Reverse(part), s));
                let missing = n - amounts.iter().flatten().sum::<u64>();
                for (_, s) in parts.into_iter().take(missing as usize) {
                    amounts[s] = amounts[s].map(|amount| amount + 1);
                }
                return amounts.into_iter().map(Option::unwrap_or_default).collect();
            }
            full.into_iter().for_each(|s| amounts[s] = Some(rows[s]));
        }
    }

    proptest! {
        #[test]
        fn numbers_are_exact_and_the_naive_ones(
            strata in prop::collection::vec((1_u64..200, 0_u64..9), 1..30), share in 0.0..=1.0
        ) {
            let (rows, weights): (Vec<u64>, Vec<u64>) = strata.into_iter().unzip();
            let may: u64 = rows.iter().zip(&weights).filter(|(_, w)| **w > 0).map(|(r, _)| r).sum();
            let n = (may as f64 * share) as u64;
            let found = divide(n, &rows, &weights).expect("enough rows").amounts;
            prop_assert_eq!(found.iter().sum::<u64>(), n);
            prop_assert!(found.iter().zip(&rows).all(|(amount, rows)| amount <= rows));
            prop_assert_eq!(found, naive(n, &rows, &weights));
            prop_assert!(divide(may + 1, &rows, &weights).is_err());
        }
    }

    #[test]
    fn the_kinds_differ() {
        let amounts = |kind: &Allocation, n| kind.divide(n, &[100, 400, 2500]).expect("enough");
        assert_eq!(amounts(&Allocation::Proportional, 300).amounts, [10, 40, 250]);
        assert_eq!(amounts(&Allocation::Sqrt, 160).amounts, [20, 40, 100]);
        let equal = amounts(&Allocation::Equal, 900);
        assert_eq!(equal, Allocated { amounts: vec![100, 400, 400], short: 1, moved: 200 });
        let first = amounts(&Allocation::Weights(vec![0, 3, 1]), 100);
        assert_eq!(first.amounts, [0, 75, 25]);
        // A tie goes to the first.
        assert_eq!(Allocation::Equal.divide(4, &[9, 9, 9]).expect("enough").amounts, [2, 1, 1]);
    }
}
