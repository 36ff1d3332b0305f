//! `TextColumn`: every Arrow layout of a text column, read without copying.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayAccessor, DictionaryArray, GenericStringArray, LargeStringArray, OffsetSizeTrait,
    StringArray, StringViewArray, downcast_dictionary_array,
};
use arrow_schema::DataType;

/// Whether values of this type are text, however they are laid out.
#[must_use]
pub fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// A text column. Null is the empty text; a character is a Unicode code point.
#[derive(Debug, Clone, Copy)]
pub enum TextColumn<'a> {
    /// Offsets of 32 bits.
    Utf8(&'a StringArray),
    /// Offsets of 64 bits.
    LargeUtf8(&'a LargeStringArray),
    /// Views.
    Utf8View(&'a StringViewArray),
    /// Keys into a column of distinct values.
    Dictionary(&'a dyn Array),
}

impl<'a> TextColumn<'a> {
    /// Sees `array` as text, if it is text.
    #[must_use]
    pub fn new(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Utf8(array.as_string())),
            DataType::LargeUtf8 => Some(Self::LargeUtf8(array.as_string())),
            DataType::Utf8View => Some(Self::Utf8View(array.as_string_view())),
            DataType::Dictionary(_, value) if is_text(value) => Some(Self::Dictionary(array)),
            _ => None,
        }
    }

    /// The text of a row.
    ///
    /// # Panics
    /// For a row that is not there.
    #[inline]
    #[must_use]
    pub fn text(self, row: usize) -> &'a str {
        match self {
            Self::Utf8(array) => text_of(array, row),
            Self::LargeUtf8(array) => text_of(array, row),
            Self::Utf8View(array) => text_of(array, row),
            Self::Dictionary(array) => downcast_dictionary_array!(
                array => text_of_key(array.values().as_ref(), array.key(row)),
                _ => ""
            ),
        }
    }

    /// Characters in some rows.
    pub(super) fn chars(self, rows: Range<usize>) -> usize {
        // Without nulls, the texts of the usual layouts lie side by side.
        match self {
            Self::Utf8(array) if array.null_count() == 0 => chars_between(array, rows),
            Self::LargeUtf8(array) if array.null_count() == 0 => chars_between(array, rows),
            _ => rows.map(|row| count_chars(self.text(row))).sum(),
        }
    }

    /// Calls `visit` with each row's text, in order.
    pub fn for_each(self, mut visit: impl FnMut(&'a str)) {
        match self {
            Self::Utf8(array) => visit_all(array, &mut visit),
            Self::LargeUtf8(array) => visit_all(array, &mut visit),
            Self::Utf8View(array) => visit_all(array, &mut visit),
            Self::Dictionary(array) => downcast_dictionary_array!(
                array => visit_dictionary(array, &mut visit),
                _ => {}
            ),
        }
    }
}

fn chars_between<O: OffsetSizeTrait>(array: &GenericStringArray<O>, rows: Range<usize>) -> usize {
    let offsets = array.value_offsets();
    let (first, last) = (offsets[rows.start].as_usize(), offsets[rows.end].as_usize());
    bytecount::num_chars(&array.value_data()[first..last])
}

#[inline]
fn text_of<'a, A: ArrayAccessor<Item = &'a str> + Copy>(array: A, row: usize) -> &'a str {
    if array.is_null(row) { "" } else { array.value(row) }
}

/// A value of a dictionary. They are never dictionaries themselves.
fn text_of_key(values: &dyn Array, key: Option<usize>) -> &str {
    match (key, TextColumn::new(values)) {
        (Some(key), Some(TextColumn::Utf8(array))) => text_of(array, key),
        (Some(key), Some(TextColumn::LargeUtf8(array))) => text_of(array, key),
        (Some(key), Some(TextColumn::Utf8View(array))) => text_of(array, key),
        _ => "",
    }
}

fn visit_all<'a, A: ArrayAccessor<Item = &'a str> + Copy>(
    array: A,
    visit: &mut impl FnMut(&'a str),
) {
    for row in 0..array.len() {
        visit(text_of(array, row));
    }
}

fn visit_dictionary<'a, K: ArrowDictionaryKeyType>(
    array: &'a DictionaryArray<K>,
    visit: &mut impl FnMut(&'a str),
) {
    let texts = distinct_texts(array.values().as_ref());
    for row in 0..array.len() {
        visit(array.key(row).map_or("", |key| texts[key]));
    }
}

/// The values of a dictionary. They are never dictionaries themselves.
fn distinct_texts(values: &dyn Array) -> Vec<&str> {
    let mut texts = Vec::with_capacity(values.len());
    let mut push = |text| texts.push(text);
    match TextColumn::new(values) {
        Some(TextColumn::Utf8(array)) => visit_all(array, &mut push),
        Some(TextColumn::LargeUtf8(array)) => visit_all(array, &mut push),
        Some(TextColumn::Utf8View(array)) => visit_all(array, &mut push),
        Some(TextColumn::Dictionary(_)) | None => {}
    }
    texts
}

/// Characters (Unicode code points) of a text.
#[inline]
#[must_use]
pub fn count_chars(text: &str) -> usize {
    bytecount::num_chars(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::ArrayRef;
    use arrow_array::types::Int8Type;

    use super::*;

    #[test]
    fn every_layout_reads_the_same() {
        let rows = [Some("你好"), None, Some(""), Some("a😀"), Some("你好")];
        let layouts: [ArrayRef; 4] = [
            Arc::new(StringArray::from_iter(rows)),
            Arc::new(LargeStringArray::from_iter(rows)),
            Arc::new(StringViewArray::from_iter(rows)),
            Arc::new(rows.into_iter().collect::<DictionaryArray<Int8Type>>()),
        ];
        for array in layouts {
            let (mut texts, mut chars) = (Vec::new(), Vec::new());
            TextColumn::new(&array).expect("text").for_each(|text| {
                texts.push(text.to_owned());
                chars.push(count_chars(text));
            });
            assert_eq!(texts, ["你好", "", "", "a😀", "你好"]);
            assert_eq!(chars, [2, 0, 0, 2, 2]);
            let (slice, mut texts) = (array.slice(2, 3), Vec::new());
            let slice = TextColumn::new(&slice).expect("text");
            assert_eq!(slice.chars(0..3), 4);
            slice.for_each(|text| texts.push(text.to_owned()));
            assert_eq!(texts, ["", "a😀", "你好"]);
        }
        let numbers: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
        assert!(TextColumn::new(&numbers).is_none());
    }
}
