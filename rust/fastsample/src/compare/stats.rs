//! Significance tests: whether a distance is larger than chance explains.
//!
//! A sample of n rows out of N, without replacement, varies by the factor 1 - n/N less than one
//! with replacement. [`Size`] carries that.

use libm::erfc;

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
    /// The rows that a sample leaves out, as a sample of the same source.
    #[must_use]
    pub fn left_out(self) -> Self {
        Self { sample: (self.source - self.sample).max(0.0), ..self }
    }

    /// The variance of a mean over the sample minus the mean over the source, for a variance of 1.
    #[must_use]
    pub fn variance(self) -> f64 {
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
/// the root of the sum of (p - q)^2 / q.
///
/// A value that is in q N of N rows is in q n rows of a random sample, and in q (N - n) of the rows
/// left out. The chi-square distribution holds where both numbers are 5 or more. Rarer values are
/// taken together, and with the next ones as long as all of them are too few. What is left of a
/// single cell tells nothing.
#[must_use]
pub fn shares(counts: &[(u64, u64)], size: Size, alpha: f64) -> Distance {
    if counts.iter().any(|&(source, sample)| source == 0 && sample > 0) {
        return Distance { value: 1.0, limit: 0.0, p: 0.0 };
    }
    let cells = cells(counts, size);
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

/// The shares of values in source and sample, those of rare values together.
fn cells(counts: &[(u64, u64)], size: Size) -> Vec<(f64, f64)> {
    const LEAST_EXPECTED: f64 = 5.0;
    let left_out = if size.contained { size.source - size.sample } else { size.source };
    // Of a whole source every difference counts.
    let fewer = if left_out > 0.0 { size.sample.min(left_out) } else { f64::INFINITY };
    let mut shares: Vec<(f64, f64)> = counts
        .iter()
        .map(|&(source, sample)| (source as f64 / size.source, sample as f64 / size.sample))
        .collect();
    shares.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rare, mut cells) = ((0.0, 0.0), Vec::new());
    for (q, p) in shares {
        if (rare.0 > 0.0 && rare.0 * fewer < LEAST_EXPECTED) || q * fewer < LEAST_EXPECTED {
            rare = (rare.0 + q, rare.1 + p);
        } else {
            cells.push((q, p));
        }
    }
    if rare.0 > 0.0 {
        cells.push(rare);
    }
    cells
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
    /// Counts by value of a random sample, without replacement.
    fn drawn(source: &[u64], n: u64, seed: u64) -> Vec<(u64, u64)> {
        let hash = crate::hash::RowHash::new(seed);
        let values =
            source.iter().enumerate().flat_map(|(value, &rows)| vec![value; rows as usize]);
        let mut rows: Vec<(u64, usize)> = (0..).map(|row| hash.of(row)).zip(values).collect();
        rows.select_nth_unstable(n as usize - 1);
        let mut counts: Vec<(u64, u64)> = source.iter().map(|&rows| (rows, 0)).collect();
        rows[..n as usize].iter().for_each(|&(_, value)| counts[value].1 += 1);
        counts
    }

    #[test]
    fn random_samples_are_called_biased_by_value_as_often_as_promised() {
        const ALPHA: f64 = 0.005;
        const TRIALS: u64 = 2_000;
        let rare: Vec<u64> = (1..60).map(|i: u64| (2_000 / i.pow(2)).max(1)).collect();
        for source in [vec![999, 1], vec![980, 15, 5], vec![50; 20], rare] {
            let rows: u64 = source.iter().sum();
            for share in [0.02, 0.1, 0.5, 0.9, 0.97, 0.99] {
                let n = (rows as f64 * share) as u64;
                let size = Size { sample: n as f64, source: rows as f64, contained: true };
                let is_bias = |seed| shares(&drawn(&source, n, seed), size, ALPHA).is_bias();
                let alarms = (0..TRIALS).filter(|&seed| is_bias(seed)).count();
                // 10 are promised; more than 20 of the binomial distribution have a chance of 1 in
                // 600, and the chi-square distribution is not exact.
                assert!(alarms <= 24, "{alarms} of {TRIALS} at {share} of {source:?}");
            }
        }
    }

    #[test]
    fn a_sample_that_prefers_a_value_is_biased() {
        for (n, fair, unfair) in [(100, 45, 30), (500, 240, 220), (900, 458, 430), (970, 488, 473)]
        {
            let size = Size { sample: n as f64, source: 1_000.0, contained: true };
            let of = |kept: u64| shares(&[(500, kept), (500, n - kept)], size, 0.005);
            assert!(!of(fair).is_bias(), "{n}: {:?}", of(fair));
            assert!(of(unfair).is_bias(), "{n}: {:?}", of(unfair));
        }
    }

    #[test]
    fn random_samples_are_called_biased_by_length_at_most_as_often_as_promised() {
        const ALPHA: f64 = 0.01;
        const TRIALS: u64 = 2_000;
        let source: Vec<u64> = (1..200).map(|i: u64| 3_000 / (i + 20)).collect();
        let rows: u64 = source.iter().sum();
        for share in [0.02, 0.1, 0.5, 0.9, 0.97, 0.99] {
            let n = (rows as f64 * share) as u64;
            let size = Size { sample: n as f64, source: rows as f64, contained: true };
            let is_bias = |seed| {
                let (mut below, mut largest) = ((0, 0), 0.0_f64);
                for (of_source, of_sample) in drawn(&source, n, seed) {
                    below = (below.0 + of_source, below.1 + of_sample);
                    let off = below.0 as f64 / rows as f64 - below.1 as f64 / n as f64;
                    largest = largest.max(off.abs());
                }
                kolmogorov_smirnov(largest, size, ALPHA).is_bias()
            };
            let alarms = (0..TRIALS).filter(|&seed| is_bias(seed)).count();
            // 20 are promised; more than 35 have a chance of 1 in 1,000.
            assert!(alarms <= 35, "{alarms} of {TRIALS} at {share}");
        }
    }
}
