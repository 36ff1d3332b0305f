//! Thrift compact protocol, as much as Parquet uses, over bytes that may be hostile.
//!
//! Invariants that hold for any input:
//! - no recursion deeper than [`MAX_DEPTH`];
//! - an element of a list takes a byte or more, so work is bounded by the bytes there are;
//! - nothing is set aside for a length before the bytes that bear it out are seen.
//!
//! Parquet has no sets, no maps and, but in column indexes, no lists of booleans; every writer puts fields
//! in the order of their ids. What breaks these rules is refused: readers differ in what they make of it.

/// The header that ends a struct.
const STOP: u8 = 0;

/// The type of a boolean field that is true: booleans are part of the header of their field.
pub(super) const TRUE: u8 = 1;

/// The type of a boolean field that is false.
pub(super) const FALSE: u8 = 2;

/// The type of a number of 8 bits.
pub(super) const I8: u8 = 3;

/// The type of a number of 16 bits.
pub(super) const I16: u8 = 4;

/// The type of a number of 32 bits.
pub(super) const I32: u8 = 5;

/// The type of a number of 64 bits.
pub(super) const I64: u8 = 6;

const DOUBLE: u8 = 7;

/// The type of bytes.
pub(super) const BINARY: u8 = 8;

/// The type of a list.
pub(super) const LIST: u8 = 9;

/// The type of a nested struct.
pub(super) const STRUCT: u8 = 12;

/// Nesting beyond this is not to be found in sound metadata.
const MAX_DEPTH: usize = 32;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A boolean, which is part of the header.
    Bool,
    /// A number of 8 bits.
    I8,
    /// A number of 32 bits.
    I32,
    /// A number of 64 bits.
    I64,
    /// A floating-point number.
    Double,
    /// Bytes.
    Binary,
    /// A list of such elements.
    List(&'static Shape),
    /// A struct or union of such fields, and of others that are skipped.
    Struct(&'static [(i16, Shape)]),
}

impl Shape {
    fn is(self, kind: u8) -> bool {
        match self {
            Self::Bool => kind == TRUE || kind == FALSE,
            Self::I8 => kind == I8,
            Self::I32 => kind == I32,
            Self::I64 => kind == I64,
            Self::Double => kind == DOUBLE,
            Self::Binary => kind == BINARY,
            Self::List(_) => kind == LIST,
            Self::Struct(_) => kind == STRUCT,
        }
    }
}

/// A reader of serialised structs. `None` everywhere means: damaged, or it ends early.
pub(super) struct Compact<'a>(pub(super) &'a [u8]);

impl<'a> Compact<'a> {
    /// Calls `visit` with the id and the type of each field of a struct, in order.
    ///
    /// `visit` reads the value and returns true, or leaves it alone and returns false.
    pub(super) fn fields(
        &mut self,
        mut visit: impl FnMut(&mut Self, i16, u8) -> Option<bool>,
    ) -> Option<()> {
        let mut last = 0;
        while let Some((id, kind)) = self.field(last)? {
            if !visit(self, id, kind)? {
                self.skip(kind, 0)?;
            }
            last = id;
        }
        Some(())
    }

    /// The id and the type of the next field after that of id `last`; none at the end of a struct.
    #[expect(clippy::option_option, reason = "damage and the end of a struct are different")]
    pub(super) fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let header = self.byte()?;
        if header == STOP {
            return Some(None);
        }
        let id = match header >> 4 {
            0 => i16::try_from(self.int()?).ok()?,
            delta => last.checked_add(i16::from(delta))?,
        };
        (id > last).then_some(Some((id, header & 0x0f)))
    }

    /// A signed number of 32 bits or fewer.
    pub(super) fn int(&mut self) -> Option<i32> {
        i32::try_from(self.long()?).ok()
    }

    /// A signed number of 64 bits.
    pub(super) fn long(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// Bytes with their length in front.
    pub(super) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The header of a list: the number of its elements, which are of the type `wanted`.
    pub(super) fn list(&mut self, wanted: u8) -> Option<usize> {
        let (kind, count) = self.list_header()?;
        (count == 0 || kind == wanted).then_some(count)
    }

    /// A list of booleans, a byte each.
    pub(super) fn booleans(&mut self) -> Option<Vec<bool>> {
        let (kind, count) = self.header_of_list()?;
        if count > 0 && kind != TRUE && kind != FALSE {
            return None;
        }
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let boolean = |&byte: &u8| match byte {
            TRUE => Some(true),
            // Some writers have 0 for false.
            FALSE | 0 => Some(false),
            _ => None,
        };
        bytes.iter().map(boolean).collect()
    }

    /// Reads a value of this shape and drops it: a walk that fails where the shape does not fit.
    pub(super) fn walk(&mut self, shape: Shape, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match shape {
            Shape::Bool => Some(()),
            Shape::I8 => self.byte().map(drop),
            Shape::I32 => self.int().map(drop),
            Shape::I64 => self.long().map(drop),
            Shape::Double => self.skip_bytes(8),
            Shape::Binary => self.binary().map(drop),
            Shape::List(element) => {
                let (kind, count) = self.list_header()?;
                if count > 0 && !element.is(kind) {
                    return None;
                }
                (0..count).try_for_each(|_| self.walk(*element, depth + 1))
            }
            Shape::Struct(known) => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    match known.iter().find(|(known, _)| *known == id) {
                        Some((_, shape)) if shape.is(kind) => self.walk(*shape, depth + 1)?,
                        Some(_) => return None,
                        None => self.skip(kind, depth + 1)?,
                    }
                    last = id;
                }
                Some(())
            }
        }
    }

    /// As [`Compact::header_of_list`], but none of a list of booleans.
    fn list_header(&mut self) -> Option<(u8, usize)> {
        let (kind, count) = self.header_of_list()?;
        (count == 0 || kind != TRUE && kind != FALSE).then_some((kind, count))
    }

    /// The type of a list's elements, and their number.
    fn header_of_list(&mut self) -> Option<(u8, usize)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            short => usize::from(short),
        };
        let kind = header & 0x0f;
        (count <= self.0.len()).then_some((kind, count))
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
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

    fn skip_bytes(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    /// Passes over a value whose field is not known.
    pub(super) fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            TRUE | FALSE => Some(()),
            I8 => self.skip_bytes(1),
            I16..=I64 => self.varint().map(drop),
            DOUBLE => self.skip_bytes(8),
            BINARY => self.binary().map(drop),
            LIST => {
                let (kind, count) = self.list_header()?;
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            STRUCT => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip(kind, depth + 1)?;
                    last = id;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_no_longer_than_the_bytes_there_are() {
        // 1: list of 2^31 - 1 doubles, of booleans, of lists.
        for kind in [DOUBLE, TRUE, LIST] {
            let bytes = [0x19, 0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0];
            assert!(Compact(&bytes).skip(STRUCT, 0).is_none());
        }
        assert!(Compact(&[0x19, 0x38, 1, b'a', 0, 0, 0]).skip(STRUCT, 0).is_some());
    }

    #[test]
    fn nesting_ends() {
        let deep = [0x1c; 1000];
        assert!(Compact(&deep).skip(STRUCT, 0).is_none());
        let lists: Vec<u8> = [0x19].into_iter().chain([0x19; 1000]).collect();
        assert!(Compact(&lists).skip(STRUCT, 0).is_none());
    }

    #[test]
    fn shapes_are_held_against_the_types_that_are_written() {
        const FIELDS: [(i16, Shape); 2] = [(1, Shape::I32), (2, Shape::List(&Shape::Binary))];
        let shape = Shape::Struct(&FIELDS);
        let sound = [0x15, 2, 0x19, 0x18, 1, b'a', 0x1c, 0, 0];
        assert_eq!(Compact(&sound).walk(shape, 0), Some(()));
        let bytes_for_a_number = [0x18, 1, b'a', 0];
        assert!(Compact(&bytes_for_a_number).walk(shape, 0).is_none());
        let numbers_for_bytes = [0x29, 0x15, 2, 0];
        assert!(Compact(&numbers_for_bytes).walk(shape, 0).is_none());
        let out_of_order = [0x29, 0x08, 0x05, 0x02, 2, 0];
        assert!(Compact(&out_of_order).walk(shape, 0).is_none());
    }
}
