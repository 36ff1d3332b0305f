//! Inclusion probabilities: how likely each row was to be drawn.

use std::collections::HashMap;

use crate::select::Candidate;
use crate::smart::classes::{Class, ClassDraw};
use crate::smart::terms::duplicates::Copies;

/// 1 / the probability with which each drawn row was drawn, ascending by row.
///
/// A row of weight w is drawn with probability min(1, w tau), tau being the priority of the best
/// row that was left behind (Duffield, Lund, Thorup 2007). Of k rows with equal texts the one of
/// the best priority stands for all: see `best_below`.
///
/// Once copies have to be drawn as well every row stands for itself, tau being the priority of the
/// best copy that was left behind. Given the numbers of all other rows, a row is drawn if its priority
/// is below tau, or the best of its group: so with max(w tau, w m), where m is the best priority of
/// the others of its group. Of a copy that was drawn, m is less than tau.
pub fn inverse_probabilities(
    drawn: &ClassDraw,
    classes: &[Class],
    copies: &Copies,
    key: impl Fn(usize) -> Candidate,
) -> Vec<f64> {
    let weight = |row: u32| f64::from(key(row as usize).weight.max(1));
    let share = |u: u64| u as f64 / u64::MAX as f64;
    // The other rows of the group of each row that stands for some.
    let mut others: HashMap<u32, Vec<u32>> = HashMap::new();
    for group in copies.groups() {
        let of = |copy: bool| {
            let eligible = group.iter().filter(|&&row| classes[row as usize] != Class::Barred);
            eligible.filter(move |&&row| (classes[row as usize] == Class::Copy) == copy).copied()
        };
        if let Some(original) = of(false).next() {
            others.insert(original, of(true).collect());
        }
    }
    // w times a priority, at most 1.
    let times = |row: u32, next: Candidate| {
        (share(next.u) * (weight(row) / f64::from(next.weight.max(1)))).min(1.0)
    };
    let (copies_drawn, next_copy) = drawn.classes[Class::Copy as usize];
    let inverse = |id: u64| {
        let (row, class) = (id as u32, classes[id as usize]);
        let others = others.get(&row).map_or(&[][..], Vec::as_slice);
        if copies_drawn > 0 {
            let best = match class {
                Class::Copy => 0.0,
                _ => {
                    others.iter().map(|&other| times(row, key(other as usize))).fold(1.0, f64::min)
                }
            };
            return 1.0 / next_copy.map_or(1.0, |next| times(row, next)).max(best);
        }
        let (_, next) = drawn.classes[class as usize];
        let weights: Vec<f64> = others.iter().map(|&other| weight(other) / weight(row)).collect();
        1.0 / best_below(next.map_or(1.0, |next| times(row, next)), &weights)
    };
    let mut ids = Vec::with_capacity(drawn.selection.len() as usize);
    drawn.selection.extend_ids(0..drawn.selection.rows(), &mut ids);
    ids.into_iter().map(inverse).collect()
}

/// The probability that a row of weight 1 has a priority below `bound`, and the best of a group: of
/// rows of equal texts, of which the others have the weights `others`.
///
/// Priorities u / w are uniform from 0 to 1 / w, so it is the integral of the product of all
/// 1 - w x for x from 0 to `bound`. Of k rows of equal weight it is (1 - (1 - bound)^k) / k.
fn best_below(bound: f64, others: &[f64]) -> f64 {
    let rows = others.len() as f64 + 1.0;
    if others.iter().all(|&weight| weight.to_bits() == 1_f64.to_bits()) {
        return (1.0 - (1.0 - bound).powf(rows)) / rows;
    }
    let sum: f64 = others.iter().sum();
    let largest = others.iter().copied().fold(0.0, f64::max);
    // Beyond, another row is the best for sure, or but for one case in 10^21.
    let bound = bound.min(1.0 / largest).min(50.0 / sum);
    // The product falls no faster than its logarithm, by `sum` to begin with.
    let steps = (bound * sum / 2.0).ceil().max(1.0);
    let step = bound / steps;
    let product = |x: f64| others.iter().map(|weight| (1.0 - weight * x).max(0.0)).product::<f64>();
    let of_step = |place: u32| {
        let middle = (f64::from(place) + 0.5) * step;
        let pair = |(node, weight): (f64, f64)| {
            let far = node * step / 2.0;
            weight * (product(middle - far) + product(middle + far))
        };
        GAUSS_LEGENDRE.into_iter().map(pair).sum::<f64>() * step / 2.0
    };
    (0..steps as u32).map(of_step).sum()
}

/// Nodes above 0 and weights of the quadrature of 8 points.
const GAUSS_LEGENDRE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The same integral, of the product multiplied out.
    fn exact(bound: f64, others: &[f64]) -> f64 {
        let mut terms = vec![1.0];
        for weight in others {
            terms.push(0.0);
            for power in (1..terms.len()).rev() {
                terms[power] -= weight * terms[power - 1];
            }
        }
        let bound = others.iter().fold(bound, |bound, weight| bound.min(1.0 / weight));
        let of = |(power, term): (usize, &f64)| {
            let power = power as i32 + 1;
            term * bound.powi(power) / f64::from(power)
        };
        terms.iter().enumerate().map(of).sum()
    }

    #[test]
    fn the_best_of_a_group_is_as_likely_as_the_integral_says() {
        for others in [
            &[][..],
            &[1.0],
            &[1.0, 1.0, 1.0],
            &[0.5],
            &[3.0, 0.01],
            &[100.0],
            &[0.2, 1.0, 5.0, 0.7, 2.0],
            &[1e-9, 1.0],
        ] {
            for bound in [1e-6, 0.1, 0.5, 1.0] {
                let (found, expected) = (best_below(bound, others), exact(bound, others));
                let near = (found / expected - 1.0).abs() < 1e-9;
                assert!(near, "{bound} {others:?}: {found}, not {expected}");
            }
        }
        // Of all rows of a group one is the best.
        let weights = [3.0, 1.0, 0.25, 7.0, 1.0, 40.0, 2.0];
        let of = |row: usize| {
            let others = weights.iter().enumerate().filter(|(other, _)| *other != row);
            let others: Vec<f64> = others.map(|(_, weight)| weight / weights[row]).collect();
            best_below(1.0, &others)
        };
        let sum: f64 = (0..weights.len()).map(of).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        let many = vec![2.0; 100_000];
        let first = best_below(1.0, &many) / exact_of_equal(&many);
        assert!((first - 1.0).abs() < 1e-9, "{first}");
    }

    /// A row of weight 1 among many of an equal one.
    fn exact_of_equal(others: &[f64]) -> f64 {
        let (count, weight) = (others.len() as f64, others[0]);
        1.0 / ((count + 1.0) * weight)
    }
}
