//! `TextColumn`: every Arrow layout of a text column, read without copying.

use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayAccessor, DictionaryArray, LargeStringArray, StringArray, StringViewArray,
    downcast_dictionary_array,
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

    /// The texts at some places; a place that is none, or null, has the empty text.
    pub(super) fn pick(self, places: &[Option<usize>]) -> Vec<&'a str> {
        match self {
            Self::Utf8(array) => pick_some(array, places),
            Self::LargeUtf8(array) => pick_some(array, places),
            Self::Utf8View(array) => pick_some(array, places),
            Self::Dictionary(array) => downcast_dictionary_array!(
                array => {
                    let texts = distinct_texts(array.values().as_ref());
                    let key = |place: usize| array.key(place);
                    let text = |place: &Option<usize>| place.and_then(key).map_or("", |key| texts[key]);
                    places.iter().map(text).collect()
                }
                _ => Vec::new()
            ),
        }
    }
}

fn visit_all<'a, A: ArrayAccessor<Item = &'a str> + Copy>(
    array: A,
    visit: &mut impl FnMut(&'a str),
) {
    for row in 0..array.len() {
        visit(if array.is_null(row) { "" } else { array.value(row) });
    }
}

fn pick_some<'a, A: ArrayAccessor<Item = &'a str> + Copy>(
    array: A,
    places: &[Option<usize>],
) -> Vec<&'a str> {
    let text = |place: usize| if array.is_null(place) { "" } else { array.value(place) };
    places.iter().map(|place| place.map_or("", text)).collect()
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
            slice.for_each(|text| texts.push(text.to_owned()));
            assert_eq!(texts, ["", "a😀", "你好"]);
        }
        let numbers: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
        assert!(TextColumn::new(&numbers).is_none());
    }
}
