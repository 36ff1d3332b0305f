//! Columns whose type is that of a few of their fields.

use std::path::PathBuf;

use arrow_schema::DataType;

use super::fields::CsvField;
use super::kind::FieldKind;
use crate::source::column_types::type_name;
use crate::source::lines::{Tally, rounded, widened};

/// Fields of a column by what they are, as a state that merges.
#[derive(Debug, Clone, Default)]
pub(super) struct CsvTallies {
    kinds: [Tally; FieldKind::COUNT],
    /// Whole numbers that floats don't hold.
    inexact: Tally,
}

impl CsvTallies {
    pub(super) fn add(
        &mut self,
        kind: FieldKind,
        is_inexact: bool,
        field: &CsvField<'_>,
        line: u64,
    ) {
        self.kinds[kind as usize].saw(line, field.bytes);
        if is_inexact {
            self.inexact.saw(line, field.bytes);
        }
    }

    pub(super) fn place(&mut self, file: u32, before: u64) {
        self.all().for_each(|tally| tally.place(file, before));
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Self { kinds, inexact } = other;
        self.all().zip(kinds.into_iter().chain([inexact])).for_each(|(a, b)| a.merge(b));
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Tally> {
        self.kinds.iter_mut().chain([&mut self.inexact])
    }

    /// What one should know of a column of this type, a sentence each.
    pub(super) fn notes(&self, files: &[PathBuf], name: &str, kind: &DataType) -> Vec<String> {
        use FieldKind::{Bool, Fraction, Text, Whole, Wide};

        let count = |kinds: &[FieldKind]| -> u64 {
            kinds.iter().map(|&kind| self.kinds[kind as usize].count()).sum()
        };
        let all = count(&[Whole, Wide, Fraction, Bool, Text]);
        let (usual, others): (&[FieldKind], DataType) = match kind {
            DataType::Float64 => (&[Whole, Wide], DataType::Int64),
            DataType::Utf8 => {
                let numbers = count(&[Whole, Wide, Fraction]);
                match () {
                    () if count(&[Bool]) > numbers => (&[Bool], DataType::Boolean),
                    () if count(&[Fraction]) > 0 => (&[Whole, Wide, Fraction], DataType::Float64),
                    // Numbers alone are texts where some are wide, and others below zero.
                    () if count(&[Text, Bool]) == 0 => (&[Whole], DataType::Int64),
                    () => (&[Whole, Wide], DataType::Int64),
                }
            }
            _ => return Vec::new(),
        };
        let mut odd = Tally::default();
        for (place, tally) in self.kinds.iter().enumerate() {
            if !usual.iter().any(|&kind| kind as usize == place) {
                odd.add(tally);
            }
        }
        let types = (&*type_name(kind), &*type_name(&others));
        let few = widened(files, name, types, &odd, all);
        let is_float = *kind == DataType::Float64;
        few.into_iter()
            .chain(is_float.then(|| rounded(files, name, &self.inexact)).flatten())
            .collect()
    }
}
