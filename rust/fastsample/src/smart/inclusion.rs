//! Inclusion probabilities: how likely each row was to be drawn.

use std::collections::HashMap;

use crate::select::Candidate;
use crate::smart::classes::{Class, ClassDraw};
use crate::smart::terms::duplicates::Copies;

/// Rows of equal texts that may be drawn.
#[derive(Clone, Copy)]
struct Group {
    rows: f64,
    /// The second smallest of their numbers, as a share of the largest there is.
    second: f64,
}

/// 1 / the probability with which each drawn row was drawn, ascending by row.
///
/// A row of weight w is drawn with probability min(1, w tau), tau being the priority of the best
/// row that was left behind (Duffield, Lund, Thorup 2007). Of k rows with equal texts the one with
/// the smallest number stands for all: it is drawn with 1 - (1 - w tau)^k, and stands for k rows.
///
/// Once copies have to be drawn as well every row stands for itself, tau being the priority of the
/// best copy that was left behind. Given the numbers of all other rows, a row is drawn if its own is
/// below w tau, or the smallest of its group: so with max(w tau, m), where m is the smallest number
/// of the others of its group. Of a copy that was drawn, m is less than w tau.
pub fn inverse_probabilities(
    drawn: &ClassDraw,
    classes: &[Class],
    copies: &Copies,
    key: impl Fn(usize) -> Candidate,
) -> Vec<f64> {
    let share = |u: u64| u as f64 / u64::MAX as f64;
    let mut groups = HashMap::new();
    for group in copies.groups() {
        let of = |copy: bool| {
            let eligible = group.iter().filter(|&&row| classes[row as usize] != Class::Barred);
            eligible.filter(move |&&row| (classes[row as usize] == Class::Copy) == copy)
        };
        if let Some(&original) = of(false).next() {
            let second = of(true).map(|&row| key(row as usize).u).min().map_or(1.0, share);
            groups.insert(original, Group { rows: 1.0 + of(true).count() as f64, second });
        }
    }
    let probability = |row: usize, next: Option<Candidate>| {
        next.map_or(1.0, |next| {
            let ratio = f64::from(key(row).weight.max(1)) / f64::from(next.weight.max(1));
            (share(next.u) * ratio).min(1.0)
        })
    };
    let (copies_drawn, next_copy) = drawn.classes[Class::Copy as usize];
    let inverse = |id: u64| {
        let (row, class) = (id as usize, classes[id as usize]);
        let group = groups.get(&(id as u32)).copied();
        if copies_drawn > 0 {
            let second = match class {
                Class::Copy => 0.0,
                _ => group.map_or(1.0, |group| group.second),
            };
            return 1.0 / probability(row, next_copy).max(second);
        }
        let (_, next) = drawn.classes[class as usize];
        let rows = group.map_or(1.0, |group| group.rows);
        rows / (1.0 - (1.0 - probability(row, next)).powf(rows))
    };
    let mut ids = Vec::with_capacity(drawn.selection.len() as usize);
    drawn.selection.extend_ids(0..drawn.selection.rows(), &mut ids);
    ids.into_iter().map(inverse).collect()
}
