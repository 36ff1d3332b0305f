//! As much of the Thrift compact protocol as it takes to find some fields and skip the rest.

/// The header that ends a struct.
const STOP: u8 = 0;

/// The type of a boolean field that is true: booleans are part of the header of their field.
pub(super) const TRUE: u8 = 1;

/// The type of a boolean field that is false.
pub(super) const FALSE: u8 = 2;

/// The type of a number of 32 bits.
pub(super) const I32: u8 = 5;

/// The type of a number of 64 bits.
pub(super) const I64: u8 = 6;

/// The type of bytes.
pub(super) const BINARY: u8 = 8;

/// The type of a nested struct.
pub(super) const STRUCT: u8 = 12;

/// Nesting beyond this is not to be found in sound metadata.
const MAX_DEPTH: usize = 32;

/// A reader of serialised structs. `None` everywhere means: damaged, or it ends early.
pub(super) struct Compact<'a>(pub(super) &'a [u8]);

impl Compact<'_> {
    /// Calls `visit` with the id and the type of each field of a struct, in order.
    ///
    /// `visit` reads the value and returns true, or leaves it alone and returns false.
    pub(super) fn fields(
        &mut self,
        mut visit: impl FnMut(&mut Self, i16, u8) -> Option<bool>,
    ) -> Option<()> {
        let mut last = 0;
        loop {
            let header = self.byte()?;
            if header == STOP {
                return Some(());
            }
            let (id, kind) = (self.id(header, last)?, header & 0x0f);
            if !visit(self, id, kind)? {
                self.skip(kind, false, 0)?;
            }
            last = id;
        }
    }

    /// A signed number of 32 bits.
    pub(super) fn int(&mut self) -> Option<i32> {
        let zigzag = self.varint()?;
        i32::try_from((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)).ok()
    }

    fn id(&mut self, header: u8, last: i16) -> Option<i16> {
        match header >> 4 {
            0 => i16::try_from(self.int()?).ok(),
            delta => Some(last.wrapping_add(i16::from(delta))),
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn skip(&mut self, kind: u8, in_list: bool, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            // A boolean field is its own type; in a list it takes a byte.
            TRUE | FALSE if !in_list => Some(()),
            1..=3 => self.skip_bytes(1),
            4..=I64 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            BINARY => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let header = self.byte()?;
                let count = match header >> 4 {
                    15 => self.varint()?,
                    short => u64::from(short),
                };
                (0..count).try_for_each(|_| self.skip(header & 0x0f, true, depth + 1))
            }
            STRUCT => {
                // Ids do not matter here, so neither does the last one.
                loop {
                    let header = self.byte()?;
                    if header == STOP {
                        return Some(());
                    }
                    self.id(header, 0)?;
                    self.skip(header & 0x0f, false, depth + 1)?;
                }
            }
            _ => None,
        }
    }
}
