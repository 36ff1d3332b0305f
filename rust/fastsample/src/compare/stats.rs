//! Is a distance chance? The distributions that say so.
//!
//! A sample of n rows out of N, without replacement, varies by the factor 1 - n/N less than one
//! with replacement. [`Size`] carries that.

use libm::erfc;

use super::grams::divergence;
use super::profile::{CLASSES, GROUPS};
use crate::hash::mix;

/// Draws of groups whose distances from the whole show how much chance there is.
const DRAWS: u64 = 200;

/// A distance, the one that chance alone exceeds with the test's probability, and how likely chance
/// is to make one as large.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Distance {
    /// The distance found.
    pub value: f64,
    /// The limit of the sampling error.
    pub limit: f64,
    /// The probability of such a distance, or a larger one, by chance.
    pub p: f64,
}

impl Distance {
    /// Whether the distance is larger than chance explains.
    #[must_use]
    pub fn is_bias(&self) -> bool {
        self.value > self.limit
    }
}

/// Rows of a sample and its source.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of the sample.
    pub sample: f64,
    /// Rows of the source.
    pub source: f64,
    /// Whether the sample's rows are rows of the source.
    pub contained: bool,
}

impl Size {
    /// The variance of a mean over the sample minus the mean over the source, for a variance of 1.
    fn variance(self) -> f64 {
        let (sample, source) = (1.0 / self.sample, 1.0 / self.source);
        if self.contained { (sample - source).max(0.0) } else { sample + source }
    }
}

/// The Kolmogorov-Smirnov test: `value` is the largest distance of two distribution functions.
#[must_use]
pub fn kolmogorov_smirnov(value: f64, size: Size, alpha: f64) -> Distance {
    let scale = size.variance().sqrt();
    let limit = scale * (-(alpha / 2.0).ln() / 2.0).sqrt();
    let t = if scale > 0.0 { value / scale } else { f64::from(u8::from(value > 0.0)) * 1e3 };
    // The series of Kolmogorov (1933); near 0 its value is 1 for all purposes.
    let p = if t < 0.3 {
        1.0
    } else {
        let sign = |k: i32| if k % 2 == 1 { 2.0 } else { -2.0 };
        let term = |k: i32| sign(k) * (-2.0 * f64::from(k * k) * t * t).exp();
        (1..=20).map(term).sum::<f64>().clamp(0.0, 1.0)
    };
    Distance { value, limit, p }
}

/// Pearson's chi-square test of counts (source, sample) by value. The distance is Cohen's w,
/// the root of the sum of (p - q)^2 / q. Values too rare for the test are taken together.
#[must_use]
pub fn shares(counts: &[(u64, u64)], size: Size, alpha: f64) -> Distance {
    const LEAST_EXPECTED: f64 = 5.0;
    let (mut rare, mut cells) = ((0.0, 0.0), Vec::new());
    for &(source, sample) in counts {
        let (q, p) = (source as f64 / size.source, sample as f64 / size.sample);
        if q * size.sample < LEAST_EXPECTED {
            rare = (rare.0 + q, rare.1 + p);
        } else {
            cells.push((q, p));
        }
    }
    if rare.0 > 0.0 {
        cells.push(rare);
    } else if rare.1 > 0.0 {
        return Distance { value: 1.0, limit: 0.0, p: 0.0 };
    }
    let square: f64 = cells.iter().map(|(q, p)| (p - q) * (p - q) / q).sum();
    let freedom = cells.len().saturating_sub(1) as f64;
    let variance = size.variance();
    if freedom == 0.0 || variance == 0.0 {
        return Distance {
            value: square.sqrt(),
            limit: 1e-9,
            p: if square < 1e-18 { 1.0 } else { 0.0 },
        };
    }
    let chi = Gamma { mean: freedom, shape: freedom / 2.0 };
    let limit = (chi.quantile(alpha) * variance).sqrt();
    Distance { value: square.sqrt(), limit, p: chi.tail(square / variance) }
}

/// Tests whether n-grams differ by more than chance.
///
/// N-grams of a row hang together, so their number says nothing about chance. The rows of the source
/// are in random groups instead (Wolter, *Introduction to variance estimation*, ch. 2): as many
/// groups as come closest to the sample's size, up to a half, are drawn again and again, and their
/// divergence from the whole shows what chance does at that size. What is missing to the exact size
/// goes with the variance of a mean. A gamma distribution with the draws' mean and variance gives
/// the limit.
#[must_use]
pub fn grams(source: &[u32], sample: &[u32], size: Size, alpha: f64) -> Distance {
    let sum = |classes: &[u32], keep: &dyn Fn(usize) -> bool| {
        let mut total = vec![0_u32; CLASSES];
        for (group, counts) in classes.chunks(CLASSES).enumerate().filter(|(group, _)| keep(*group))
        {
            debug_assert!(group < GROUPS);
            total.iter_mut().zip(counts).for_each(|(a, &b)| *a = a.saturating_add(b));
        }
        total
    };
    let whole = sum(source, &|_| true);
    let value = divergence(&sum(sample, &|_| true), &whole);
    let taken = (size.sample / size.source * GROUPS as f64).round().clamp(1.0, GROUPS as f64 / 2.0);
    let draws: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let mut order: Vec<usize> = (0..GROUPS).collect();
            order.sort_by_key(|&group| mix(draw << 32 | group as u64));
            let chosen = &order[..taken as usize];
            divergence(&sum(source, &|group| chosen.contains(&group)), &whole)
        })
        .collect();
    let mean = draws.iter().sum::<f64>() / DRAWS as f64;
    let spread = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / DRAWS as f64;
    let of_draw = Size { sample: size.source * taken / GROUPS as f64, contained: true, ..size };
    let scaled = mean * size.variance() / of_draw.variance();
    if scaled <= 0.0 || spread <= 0.0 {
        return Distance { value, limit: 1e-9, p: if value < 1e-9 { 1.0 } else { 0.0 } };
    }
    let gamma = Gamma { mean: scaled, shape: mean * mean / spread };
    Distance { value, limit: gamma.quantile(alpha), p: gamma.tail(value) }
}

/// A gamma distribution, by the cube-root approximation of Wilson and Hilferty (1931).
#[derive(Debug, Clone, Copy)]
struct Gamma {
    mean: f64,
    shape: f64,
}

impl Gamma {
    fn tail(self, value: f64) -> f64 {
        let spread = 1.0 / (9.0 * self.shape);
        normal_tail(((value / self.mean).cbrt() - (1.0 - spread)) / spread.sqrt())
    }

    fn quantile(self, tail: f64) -> f64 {
        let spread = 1.0 / (9.0 * self.shape);
        self.mean * (1.0 - spread + normal_quantile(tail) * spread.sqrt()).powi(3)
    }
}

fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// The z beyond which a normal variable lies with probability `tail`, by bisection.
fn normal_quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if normal_tail(middle) > tail { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 2e-3 * b.abs().max(1.0)
    }

    #[test]
    fn tables_of_the_distributions() {
        assert!(close(normal_quantile(0.025), 1.959_964));
        // Chi-square with 10 degrees of freedom: 18.307 at 5 %; with 1: 3.841.
        assert!((Gamma { mean: 10.0, shape: 5.0 }.quantile(0.05) / 18.307 - 1.0).abs() < 0.01);
        assert!((Gamma { mean: 1.0, shape: 0.5 }.quantile(0.05) / 3.841 - 1.0).abs() < 0.03);
        // Kolmogorov: 1.358 at 5 %.
        let size = Size { sample: 1e4, source: 1e12, contained: true };
        let test = kolmogorov_smirnov(0.013_581, size, 0.05);
        assert!(close(test.p, 0.05) && close(test.limit / test.value, 1.0), "{test:?}");
    }

    #[test]
    fn a_whole_has_no_sampling_error() {
        let size = Size { sample: 100.0, source: 100.0, contained: true };
        assert!(!kolmogorov_smirnov(0.0, size, 0.01).is_bias());
        assert!(!shares(&[(60, 60), (40, 40)], size, 0.01).is_bias());
        assert!(shares(&[(60, 50), (40, 50)], size, 0.01).is_bias());
    }

    #[test]
    fn a_value_that_the_source_lacks_is_a_bias() {
        let size = Size { sample: 100.0, source: 1000.0, contained: false };
        assert!(shares(&[(1000, 99), (0, 1)], size, 0.01).is_bias());
    }
}
