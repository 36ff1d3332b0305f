//! Where shingles start: a bit a character, 64 characters at once, by shifts of masks.

/// Characters whose starts are found at once.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// The lowest `count - less` bits.
pub(super) fn first_bits(count: usize, less: usize) -> u64 {
    match count.saturating_sub(less) {
        count if count < BLOCK => (1 << count) - 1,
        _ => u64::MAX,
    }
}

/// Which characters of a block are of words, and which of scripts without spaces.
pub(super) fn masks(classes: &[u8]) -> (u64, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (mut word, mut script) = (0, 0);
    for eight in classes.as_chunks::<8>().0.iter().rev() {
        let eight = u64::from_le_bytes(*eight);
        word = word << 8 | (eight & ONES).wrapping_mul(GATHER) >> 56;
        script = script << 8 | (eight >> 1 & ONES).wrapping_mul(GATHER) >> 56;
    }
    (word, script)
}

/// Finds starts, block by block.
pub(super) struct Runs {
    word: Run,
    other: Run,
}

impl Default for Runs {
    fn default() -> Self {
        // A word starts a shingle at once, a rule of dashes where it has become long.
        let word = Run { place: 0, last: None };
        // Before the text there might have been a space.
        let other = Run { place: STRIDE - 1, last: Some(0) };
        Self { word, other }
    }
}

impl Runs {
    pub(super) fn starts(&mut self, word: u64, script: u64) -> u64 {
        script | self.word.starts(word) | self.other.starts(!(word | script))
    }
}

/// Characters from one start to the next within a run of one class.
const STRIDE: u32 = 4;

/// Runs of one class.
struct Run {
    /// Characters of a run before its first start.
    place: u32,
    /// If the last block ended with this class: the place of its last character in its run, modulo
    /// [`STRIDE`].
    last: Option<u32>,
}

impl Run {
    /// The characters of `class` where shingles start.
    fn starts(&mut self, class: u64) -> u64 {
        // Whole texts without words are usual, unlike blocks.
        if class == 0 {
            self.last = None;
            return 0;
        }
        // Bits that end four or more of their class.
        let mut run = class & class << 1 & class << 2 & class << 3;
        let first = class & !(class << 1);
        let mut starts = match self.last {
            // The run goes on, if it does, and so does its count.
            Some(last) => {
                let next = (self.place + STRIDE - 1 - last) % STRIDE;
                let bits = (2 << next) - 1;
                self.first(first & !1, run) | u64::from(class & bits == bits) << next
            }
            None => self.first(first, run),
        };
        // Every fourth bit after a start, as long as the run lasts: 4 on, then 8 on, then 16, ...
        for shift in [4, 8, 16, 32] {
            starts |= starts << shift & run;
            run &= run << shift;
        }
        self.last = match class.leading_ones() {
            0 => None,
            u64::BITS => self.last.or(Some(STRIDE - 1)),
            length => Some((length - 1) % STRIDE),
        };
        starts
    }

    fn first(&self, first: u64, run: u64) -> u64 {
        if self.place == 0 { first } else { first << self.place & run }
    }
}
