//! The n best rows, class by class, and how likely each was to be among them.

use std::collections::HashMap;

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::duplicates::Copies;
use crate::context::Context;
use crate::error::Result;
use crate::parallel::map;
use crate::select::{Candidate, Selection, at_rank};

/// Which rows are drawn before which: a lower class is touched when the one before is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Rows with a weight.
    Weighted,
    /// Rows of weight 0.
    Excluded,
    /// Rows with the same texts as a row that ranks before them.
    Copy,
    /// Rows that may not be drawn.
    Barred,
}

/// The classes that are drawn from, in their order.
pub(super) const CLASSES: [Class; 3] = [Class::Weighted, Class::Excluded, Class::Copy];

/// Rows looked at by one task: whole words of bits.
const ROWS_PER_TASK: usize = 1 << 17;

/// The rows drawn, and where each class was cut off.
#[derive(Debug)]
pub struct Drawn {
    /// The rows.
    pub selection: Selection,
    /// For each class: rows drawn, and the best row that was left behind, if one was.
    pub classes: [(u64, Option<Candidate>); CLASSES.len()],
}

/// Draws the `n` best rows: class by class, by priority within a class.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn draw(
    ctx: &Context,
    classes: &[Class],
    n: usize,
    key: impl Fn(usize) -> Candidate + Sync,
) -> Result<Drawn> {
    let rows = classes.len();
    let mut left = n as u64;
    let mut found = [(0, None); CLASSES.len()];
    for (class, found) in CLASSES.into_iter().zip(&mut found) {
        if left == 0 {
            break;
        }
        let of_class = |row: u64| (classes[row as usize] == class).then(|| key(row as usize));
        let next = at_rank(ctx, rows as u64, left, of_class, Candidate::rank_key)?;
        let all = || classes.iter().filter(|&&other| other == class).count() as u64;
        let count = next.map_or_else(all, |_| left);
        (*found, left) = ((count, next), left - count);
    }
    let is_drawn = |row: usize| match found.get(classes[row] as usize) {
        Some((1.., next)) => next.is_none_or(|next| key(row) < next),
        _ => false,
    };
    let blocks = map(ctx, rows.div_ceil(ROWS_PER_TASK), |task| {
        let first = task * ROWS_PER_TASK;
        let len = ROWS_PER_TASK.min(rows - first);
        Ok(BooleanBuffer::collect_bool(len, |row| is_drawn(first + row)))
    })?;
    let mut bits = BooleanBufferBuilder::new(rows);
    blocks.iter().for_each(|block| bits.append_buffer(block));
    debug_assert_eq!(left, 0, "the caller checks that there are enough rows");
    Ok(Drawn { selection: Selection::Bits { bits: bits.finish(), n: n as u64 }, classes: found })
}

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
    drawn: &Drawn,
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
