//! Columnar storage of features: a number a row, or several.

use std::ops::Range;

use crate::exec::SharedSlice;

/// A number of fixed size, written as little-endian bytes.
pub(super) trait Number: Copy + Default {
    /// Its size.
    const BYTES: usize;

    fn write(numbers: &[Self], bytes: &mut Vec<u8>);

    /// The numbers of bytes that [`Number::write`] wrote.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            const BYTES: usize = size_of::<Self>();

            fn write(numbers: &[Self], bytes: &mut Vec<u8>) {
                let start = bytes.len();
                bytes.resize(start + size_of_val(numbers), 0);
                let (places, _) = bytes[start..].as_chunks_mut();
                places.iter_mut().zip(numbers).for_each(|(place, n)| *place = n.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Vec<Self> {
                let (chunks, _) = bytes.as_chunks();
                chunks.iter().map(|&chunk| Self::from_le_bytes(chunk)).collect()
            }
        }
    )*};
}

numbers!(u8, u16, i16, u32, u64);

/// A column of numbers, or several of one kind.
pub(super) trait Column: Sized {
    /// Bytes of one row.
    const ROW_BYTES: usize;

    /// The column while several threads write it.
    type Writer<'a>
    where
        Self: 'a;

    /// Zeros for `rows` rows.
    fn zeroed(rows: usize) -> Self;

    fn rows(&self) -> usize;

    /// Adds zeros up to `rows` rows.
    fn resize(&mut self, rows: usize);

    fn writer(&mut self) -> Self::Writer<'_>;

    /// Writes the numbers of `rows`, of which `first` is the first.
    fn put(writer: &Self::Writer<'_>, first: usize, rows: &Self);

    /// Removes all rows, and keeps their memory.
    fn clear(&mut self);

    /// Moves the rows that follow to the end.
    fn append(&mut self, next: &mut Self);

    /// Appends the numbers of some rows, as far as there are any.
    fn write(&self, rows: &Range<usize>, bytes: &mut Vec<u8>);

    /// `rows` rows, off the front of what [`Column::write`] wrote; none if there are fewer.
    fn read(bytes: &mut &[u8], rows: usize) -> Option<Self>;
}

impl<T: Number> Column for Vec<T> {
    const ROW_BYTES: usize = T::BYTES;

    type Writer<'a>
        = SharedSlice<'a, T>
    where
        Self: 'a;

    fn zeroed(rows: usize) -> Self {
        vec![T::default(); rows]
    }

    fn rows(&self) -> usize {
        self.len()
    }

    fn resize(&mut self, rows: usize) {
        Vec::resize(self, rows, T::default());
    }

    fn writer(&mut self) -> Self::Writer<'_> {
        SharedSlice::new(self)
    }

    fn put(writer: &Self::Writer<'_>, first: usize, rows: &Self) {
        writer.put(first, rows);
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn append(&mut self, next: &mut Self) {
        Vec::append(self, next);
    }

    fn write(&self, rows: &Range<usize>, bytes: &mut Vec<u8>) {
        T::write(self.get(rows.clone()).unwrap_or_default(), bytes);
    }

    fn read(bytes: &mut &[u8], rows: usize) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(rows.checked_mul(T::BYTES)?)?;
        *bytes = rest;
        Some(T::read(head))
    }
}

impl<C: Column, const N: usize> Column for [C; N] {
    const ROW_BYTES: usize = N * C::ROW_BYTES;

    type Writer<'a>
        = [C::Writer<'a>; N]
    where
        Self: 'a;

    fn zeroed(rows: usize) -> Self {
        std::array::from_fn(|_| C::zeroed(rows))
    }

    fn rows(&self) -> usize {
        self.iter().map(C::rows).min().unwrap_or(0)
    }

    fn resize(&mut self, rows: usize) {
        self.iter_mut().for_each(|column| column.resize(rows));
    }

    fn writer(&mut self) -> Self::Writer<'_> {
        self.each_mut().map(C::writer)
    }

    fn put(writer: &Self::Writer<'_>, first: usize, rows: &Self) {
        std::iter::zip(writer, rows).for_each(|(writer, rows)| C::put(writer, first, rows));
    }

    fn clear(&mut self) {
        self.iter_mut().for_each(C::clear);
    }

    fn append(&mut self, next: &mut Self) {
        std::iter::zip(self, next).for_each(|(column, next)| column.append(next));
    }

    fn write(&self, rows: &Range<usize>, bytes: &mut Vec<u8>) {
        self.iter().for_each(|column| column.write(rows, bytes));
    }

    fn read(bytes: &mut &[u8], rows: usize) -> Option<Self> {
        let mut read = Self::zeroed(0);
        for column in &mut read {
            *column = C::read(bytes, rows)?;
        }
        Some(read)
    }
}
