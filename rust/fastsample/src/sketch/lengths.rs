//! A histogram of text lengths: exact below 4,096 characters, classes of 1/64 above.

/// Lengths below this are counted one by one, longer ones in classes of 1/64 of their size.
const EXACT: usize = 4096;
const CLASSES_PER_DOUBLING: usize = 64;

/// How many texts have which length in characters. States of parts merge.
#[derive(Debug, Clone)]
pub struct Lengths {
    counts: Vec<u64>,
    /// Texts.
    pub rows: u64,
    /// Nulls among them, counted with length 0.
    pub nulls: u64,
    /// Characters in all.
    pub chars: u64,
    /// Characters of the longest text.
    pub max: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        let classes = EXACT + (u64::BITS - EXACT.ilog2()) as usize * CLASSES_PER_DOUBLING;
        Self { counts: vec![0; classes], rows: 0, nulls: 0, chars: 0, max: 0 }
    }
}

impl Lengths {
    pub(crate) fn add(&mut self, chars: usize) {
        self.counts[class_of(chars)] += 1;
        self.rows += 1;
        self.chars += chars as u64;
        self.max = self.max.max(chars as u64);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.chars += other.chars;
        self.max = self.max.max(other.max);
    }

    /// How many texts have which length: the largest length of each class that has texts, its
    /// texts. Classes are single lengths below 4,096 characters, 1/64 of the length wide above.
    #[must_use]
    pub fn histogram(&self) -> Vec<(u64, u64)> {
        let classes = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        classes.map(|(class, &count)| (largest_of(class).min(self.max), count)).collect()
    }

    /// The largest distance between two distribution functions (Kolmogorov-Smirnov), and the
    /// length up to which it was taken.
    #[must_use]
    pub fn kolmogorov_smirnov(&self, other: &Self) -> (f64, u64) {
        let (mut below, mut other_below) = (0, 0);
        let (mut largest, mut place) = (0.0, 0);
        for (class, (&a, &b)) in self.counts.iter().zip(&other.counts).enumerate() {
            below += a;
            other_below += b;
            let distance = (below as f64 / self.rows.max(1) as f64
                - other_below as f64 / other.rows.max(1) as f64)
                .abs();
            if distance > largest {
                (largest, place) = (distance, largest_of(class));
            }
        }
        (largest, place)
    }

    /// The mean length; 0 without texts.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.chars as f64 / self.rows as f64 }
    }

    /// The smallest length that at least the share `q` of texts does not exceed.
    ///
    /// Exact below 4,096 characters, to within 1/64 above.
    #[must_use]
    pub fn quantile(&self, q: f64) -> u64 {
        let wanted = ((self.rows as f64 * q).ceil() as u64).clamp(1, self.rows.max(1));
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |class| largest_of(class).min(self.max))
    }
}

fn class_of(chars: usize) -> usize {
    if chars < EXACT {
        return chars;
    }
    let doubling = (chars.ilog2() - EXACT.ilog2()) as usize;
    let within = (chars >> (chars.ilog2() - CLASSES_PER_DOUBLING.ilog2())) - CLASSES_PER_DOUBLING;
    EXACT + doubling * CLASSES_PER_DOUBLING + within
}

fn largest_of(class: usize) -> u64 {
    if class < EXACT {
        return class as u64;
    }
    let (doubling, within) =
        ((class - EXACT) / CLASSES_PER_DOUBLING, (class - EXACT) % CLASSES_PER_DOUBLING);
    let shift = EXACT.ilog2() as usize + doubling - CLASSES_PER_DOUBLING.ilog2() as usize;
    (((CLASSES_PER_DOUBLING + within + 1) as u64) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_for_short_texts_and_close_for_long_ones() {
        let mut lengths = Lengths::default();
        (1..=100).for_each(|chars| lengths.add(chars));
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| lengths.quantile(q)), [1, 50, 99, 100]);
        for chars in [4095, 4096, 5000, 1_000_000, usize::MAX / 2] {
            let bound = largest_of(class_of(chars));
            assert!(bound >= chars as u64 && (bound - chars as u64) as f64 <= chars as f64 / 64.0);
        }
        assert_eq!(Lengths::default().quantile(0.5), 0);
    }
}
