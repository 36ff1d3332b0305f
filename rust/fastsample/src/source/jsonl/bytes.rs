//! Shapes as bytes: what parts of a source send each other.

use super::shape::{JsonShape, NOWHERE, Place};
use crate::exec::fields::{ByteFields, put};

/// Levels of values that are read: more than lines may have.
const MAX_LEVELS: u32 = 64;

/// Bytes of a place.
const PLACE_BYTES: usize = 12;

impl JsonShape {
    /// Appends the shape to `bytes`: what makes the types of its columns. What notes say of them, how many
    /// values are of a kind, stays behind.
    pub(in crate::source) fn write(&self, bytes: &mut Vec<u8>) {
        for Place { file, line } in self.places() {
            bytes.extend(file.to_le_bytes());
            bytes.extend(line.to_le_bytes());
        }
        bytes.extend((self.fields.len() as u64).to_le_bytes());
        for field in self.fields.iter() {
            put(bytes, field.name.as_bytes());
            field.shape.write(bytes);
        }
        bytes.push(u8::from(self.items.is_some()));
        if let Some(items) = &self.items {
            items.write(bytes);
        }
    }

    /// What [`JsonShape::write`] appended.
    pub(in crate::source) fn read(bytes: &mut ByteFields<'_>) -> Option<Self> {
        Self::read_within(bytes, MAX_LEVELS)
    }

    fn read_within(bytes: &mut ByteFields<'_>, levels: u32) -> Option<Self> {
        let levels = levels.checked_sub(1)?;
        let mut shape = Self::default();
        for place in shape.places_mut() {
            *place = Place { file: bytes.u32()?, line: bytes.u64()? };
            if (place.file == NOWHERE.file) != (place.line == NOWHERE.line) {
                return None;
            }
        }
        for number in 0..bytes.count(8 + PLACE_BYTES)? {
            let name = bytes.text()?;
            let found = Self::read_within(bytes, levels)?;
            if !shape.fields.append(&name, found, number) {
                return None;
            }
        }
        shape.items = match bytes.u8()? {
            0 => None,
            1 => Some(Box::new(Self::read_within(bytes, levels)?)),
            _ => return None,
        };
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::walk;
    use super::*;

    #[test]
    fn shapes_survive_a_journey() {
        let mut shape = JsonShape::default();
        for line in [r#"{"a": [1, 2.5], "b": {"c": "x", "d": null}}"#, r#"{"a": [-1], "e": true}"#]
        {
            walk(line.as_bytes(), 1, &mut shape).expect("sound");
        }
        let mut bytes = Vec::new();
        shape.write(&mut bytes);
        let mut fields = ByteFields(&bytes);
        let found = JsonShape::read(&mut fields).expect("whole");
        assert_eq!(fields.end(), Some(()));
        let mut again = Vec::new();
        found.write(&mut again);
        assert_eq!(again, bytes);
        assert!(found.places().eq(shape.places()));
        for end in 0..bytes.len() {
            assert_eq!(JsonShape::read(&mut ByteFields(&bytes[..end])), None, "{end}");
        }
    }
}
