//! Permutation test of n-grams: how far from a source chance alone takes a random sample of it.
//!
//! N-grams of a row depend on each other, and a few long rows may hold most of them. No formula for
//! independent counts holds then. The test draws random samples from the source instead.
//!
//! Let a source have N rows, and let D(S) be the divergence of the rows S from all rows. A random
//! sample is a set of n rows, all such sets being equally likely. The rows of the source are dealt
//! into random groups while they are counted, so whole groups that have n rows together are such a
//! set as well, and their D has the distribution of the sample's. Among B such draws, the sample
//! then is one of the r largest with probability r / (B + 1), whatever the distribution (Dwass,
//! *Modified randomization tests for nonparametric hypotheses*, 1957). The finite population needs
//! no correction: draws and sample take equal shares of the same N rows. It is the normal
//! approximation that fails there.
//!
//! Of a sample of more than half of the rows, the rows that it leaves out are looked at. They say as
//! much as the sample, and a divergence of few rows is less at the mercy of one long row.
//!
//! Whole groups rarely have exactly n rows. For m rows without replacement the mean count of a class
//! deviates from that of all rows by σ² (1/m - 1/N) in the mean square (Cochran, *Sampling
//! techniques*, section 2.6), and D is a quadratic form of these deviations to second order:
//!
//! ```text
//! D ≈ sum over classes of (p - q)² / (8 ln 2 · q)          p, q: shares in the draw, in the source
//! a draw of m rows counts as D · (1/n - 1/N) / (1/m - 1/N)
//! ```
//!
//! So do the N - n rows left out, whose mean deviates (N - n) / n times as much the other way.
//!
//! A sample of other rows than those of the source deviates by σ² (1/n + 1/N), so m is chosen with
//! 1/m - 1/N = 1/n + 1/N.

use super::grams::divergence;
use super::stats::{Distance, Size};
use crate::error::Result;
use crate::exec::{Context, map};
use crate::hash::mix;

/// Random groups of rows of a source. With as many as this, 1,000 rows are drawn nearly one by one,
/// and a share of 0.999 is still one of whole groups. Half of them made 1.2 to 1.6 false alarms of
/// the one in a hundred that was promised, at shares of 0.9 and more of 1,000 rows.
pub const GROUPS: usize = 1024;

/// Classes of n-grams that are counted by group.
pub const CLASSES: usize = 1024;

/// Draws: with the sample itself a round number, so that usual probabilities are whole ranks.
const DRAWS: usize = 999;

/// Draws of one task.
const DRAWS_PER_TASK: usize = 37;

/// Counts of classes of n-grams, for each group of rows. Parts merge.
#[derive(Debug, Clone)]
pub struct Groups {
    /// [`CLASSES`] counts a group.
    counts: Vec<u32>,
    /// Rows of each group.
    rows: Vec<u32>,
}

impl Groups {
    /// Room for so many groups.
    #[must_use]
    pub fn new(groups: usize) -> Self {
        Self { counts: vec![0; groups * CLASSES], rows: vec![0; groups] }
    }

    /// Counts a row of the group that a random number leads to.
    pub fn add_row(&mut self, random: u64) {
        let group = random as usize % self.rows.len();
        self.rows[group] += 1;
    }

    /// The counts of the group that a random number leads to.
    pub fn counts_of(&mut self, random: u64) -> &mut [u32] {
        let group = random as usize % self.rows.len();
        &mut self.counts[group * CLASSES..(group + 1) * CLASSES]
    }

    /// Takes in another part.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.counts, &other.counts);
        add(&mut self.rows, &other.rows);
    }

    /// Rows of all groups.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.iter().map(|&rows| u64::from(rows)).sum()
    }

    /// The counts of all groups.
    fn total(&self) -> Vec<u32> {
        self.sum(0..self.rows.len())
    }

    /// The counts of the groups that are chosen.
    fn sum(&self, groups: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut total = vec![0; CLASSES];
        for group in groups {
            add(&mut total, &self.counts[group * CLASSES..(group + 1) * CLASSES]);
        }
        total
    }

    /// Groups in random order, as many as have `wanted` rows together, or nearly; and their rows.
    fn draw(&self, wanted: u64, number: u64) -> (Vec<usize>, u64) {
        let mut order: Vec<usize> =
            (0..self.rows.len()).filter(|&group| self.rows[group] > 0).collect();
        order.sort_unstable_by_key(|&group| mix(number << 32 | group as u64));
        let (mut chosen, mut rows) = (Vec::new(), 0);
        for &group in &order {
            let more = u64::from(self.rows[group]);
            if rows + more <= wanted {
                chosen.push(group);
                rows += more;
            }
            if rows == wanted {
                break;
            }
        }
        if let (0, Some(&group)) = (rows, order.first()) {
            (chosen, rows) = (vec![group], u64::from(self.rows[group]));
        }
        (chosen, rows)
    }
}

fn add(total: &mut [u32], more: &[u32]) {
    total.iter_mut().zip(more).for_each(|(a, &b)| *a = a.wrapping_add(b));
}

/// Tests whether the n-grams of a sample differ from those of its source by more than chance.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn grams(
    ctx: &Context,
    source: &Groups,
    sample: &Groups,
    size: Size,
    alpha: f64,
) -> Result<Distance> {
    let value = distance(&source.total(), &sample.total(), size);
    Chance::new(ctx, source, size).map(|chance| chance.judge(value, alpha))
}

/// The divergence of a sample from its source, or of the rows left out, as that of the sample.
fn distance(source: &[u32], sample: &[u32], size: Size) -> f64 {
    if !is_most(size) || size.variance() <= 0.0 {
        return divergence(sample, source);
    }
    let rest: Vec<u32> = source.iter().zip(sample).map(|(a, b)| a.saturating_sub(*b)).collect();
    divergence(&rest, source) * size.variance() / size.left_out().variance()
}

/// Whether a sample is most of its source.
fn is_most(size: Size) -> bool {
    size.contained && size.sample > size.source / 2.0
}

/// The divergences of random samples of one size, in ascending order.
#[derive(Debug, Clone)]
pub struct Chance(Vec<f64>);

impl Chance {
    /// Draws random samples of the size `size` from `source`.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn new(ctx: &Context, source: &Groups, size: Size) -> Result<Self> {
        let variance = size.variance();
        if variance <= 0.0 {
            return Ok(Self(vec![0.0; DRAWS]));
        }
        let rows = source.rows();
        let whole = source.total();
        let like = if is_most(size) { size.left_out().variance() } else { variance };
        let wanted = (1.0 / (like + 1.0 / size.source)).round().max(1.0) as u64;
        let draw = |number: usize| {
            let (groups, drawn) = source.draw(wanted, number as u64);
            let of_draw =
                Size { sample: drawn as f64, source: rows as f64, contained: true }.variance();
            let is_a_sample = drawn > 0 && of_draw > 0.0;
            is_a_sample
                .then(|| divergence(&source.sum(groups.into_iter()), &whole) * variance / of_draw)
        };
        let tasks = map(ctx, DRAWS.div_ceil(DRAWS_PER_TASK), |task| {
            ctx.check()?;
            let numbers = task * DRAWS_PER_TASK..DRAWS.min((task + 1) * DRAWS_PER_TASK);
            Ok(numbers.filter_map(draw).collect::<Vec<_>>())
        })?;
        let mut found: Vec<f64> = tasks.into_iter().flatten().collect();
        found.sort_unstable_by(f64::total_cmp);
        Ok(Self(found))
    }

    /// A divergence beside those that chance makes.
    #[must_use]
    pub fn judge(&self, value: f64, alpha: f64) -> Distance {
        // Equal counts may differ by rounding.
        const EXACT: f64 = 1e-9;
        let draws = self.0.len();
        let rank = (alpha * (draws + 1) as f64 + EXACT) as usize;
        let limit = match rank.checked_sub(1) {
            Some(below) if below < draws => self.0[draws - rank].max(EXACT),
            _ => f64::INFINITY,
        };
        let as_large = draws - self.0.partition_point(|&drawn| drawn < value - EXACT);
        Distance { value, limit, p: (1 + as_large) as f64 / (draws + 1) as f64 }
    }
}

#[cfg(test)]
mod tests;
