//! Shapes: what values were seen at one place of the rows, as a state that merges.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::source::lines::Tally;

/// A kind of JSON value that excludes the others. A null is of every kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonKind {
    Bool,
    Number,
    Text,
    Object,
    List,
}

impl JsonKind {
    /// A value of the kind, for messages.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Object => "an object",
            Self::List => "a list",
        }
    }
}

pub(super) const KINDS: [JsonKind; 5] =
    [JsonKind::Bool, JsonKind::Number, JsonKind::Text, JsonKind::Object, JsonKind::List];

/// A line of one of the files, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) line: u64,
}

/// Nothing of the sort was seen.
pub(super) const NOWHERE: Place = Place { file: u32::MAX, line: u64::MAX };

impl Place {
    /// Something was seen in a line, which is none before those seen earlier.
    pub(super) fn begin(&mut self, line: u64) {
        if *self == NOWHERE {
            *self = Self { file: 0, line };
        }
    }

    /// The name of its file.
    pub(super) fn file_of(self, files: &[PathBuf]) -> String {
        files.get(self.file as usize).map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Whether something was seen.
    pub(super) fn is_somewhere(self) -> bool {
        self != NOWHERE
    }
}

/// Names of an object from which on they are looked up by hash.
const MANY_FIELDS: usize = 16;

/// What was seen at one place of the rows: a column, a key in it, the items of a list.
///
/// Invariants: a merge of the shapes of some rows, in their order, is the shape of all of them;
/// `fields` are in the order in which they were seen first, none twice.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::source) struct JsonShape {
    /// Where each kind was seen first.
    first: [Place; KINDS.len()],
    /// Where numbers were seen first that have a fraction or an exponent; whole ones below 0, above
    /// those of 63 bits, beyond 64 bits.
    pub(super) fractions: Place,
    pub(super) below_zero: Place,
    pub(super) wide: Place,
    pub(super) huge: Place,
    /// Numbers in all; those with a fraction or an exponent; whole ones that floats don't hold.
    pub(super) numbers: u64,
    pub(super) fractional: Tally,
    pub(super) inexact: Tally,
    pub(super) fields: Fields,
    pub(super) items: Option<Box<JsonShape>>,
}

impl Default for JsonShape {
    fn default() -> Self {
        Self {
            first: [NOWHERE; KINDS.len()],
            fractions: NOWHERE,
            below_zero: NOWHERE,
            wide: NOWHERE,
            huge: NOWHERE,
            numbers: 0,
            fractional: Tally::default(),
            inexact: Tally::default(),
            fields: Fields::default(),
            items: None,
        }
    }
}

impl JsonShape {
    /// A value of this kind was seen in a line, which is none before those seen earlier.
    pub(super) fn saw(&mut self, kind: JsonKind, line: u64) {
        self.first[kind as usize].begin(line);
    }

    /// Where a kind was seen first.
    pub(super) fn first(&self, kind: JsonKind) -> Place {
        self.first[kind as usize]
    }

    /// All places, in a fixed order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let numbers = [self.fractions, self.below_zero, self.wide, self.huge];
        self.first.into_iter().chain(numbers)
    }

    /// The same, to be set.
    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let Self { first, fractions, below_zero, wide, huge, .. } = self;
        first.iter_mut().chain([fractions, below_zero, wide, huge])
    }

    /// The shape of list items.
    pub(super) fn items(&mut self) -> &mut Self {
        self.items.get_or_insert_default()
    }

    /// Numbers the lines from those of a chunk to those of file `file`, where `before` precede them.
    pub(super) fn place(&mut self, file: u32, before: u64) {
        for place in self.places_mut() {
            if *place != NOWHERE {
                *place = Place { file, line: place.line + before };
            }
        }
        self.fractional.place(file, before);
        self.inexact.place(file, before);
        self.fields.list.iter_mut().for_each(|field| field.shape.place(file, before));
        if let Some(items) = &mut self.items {
            items.place(file, before);
        }
    }

    /// Takes in the shape of later rows.
    pub(super) fn merge(&mut self, other: Self) {
        for (first, other) in std::iter::zip(&mut self.first, other.first) {
            *first = (*first).min(other);
        }
        self.fractions = self.fractions.min(other.fractions);
        self.below_zero = self.below_zero.min(other.below_zero);
        self.wide = self.wide.min(other.wide);
        self.huge = self.huge.min(other.huge);
        self.numbers += other.numbers;
        self.fractional.merge(other.fractional);
        self.inexact.merge(other.inexact);
        for field in other.fields.list {
            let place = self.fields.place(&field.name);
            self.fields.list[place].shape.merge(field.shape);
        }
        match (&mut self.items, other.items) {
            (Some(items), Some(other)) => items.merge(*other),
            (items @ None, other) => *items = other,
            (Some(_), None) => {}
        }
    }
}

/// A key of objects.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) shape: JsonShape,
    /// The object that had it last, of those of one walk: no part of the shape.
    seen: u64,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.shape) == (&other.name, &other.shape)
    }
}

/// The keys of the objects at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    list: Vec<Field>,
    /// Where each is, once there are many.
    places: HashMap<String, usize>,
    /// Objects so far.
    objects: u64,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Fields {
    /// Begins an object.
    pub(super) fn begin(&mut self) -> u64 {
        self.objects += 1;
        self.objects
    }

    /// The key `name` of object `object`, which most likely is the one at `guess`. None if the
    /// object has it already.
    pub(super) fn enter(&mut self, object: u64, name: &[u8], guess: usize) -> Option<usize> {
        let place = match self.list.get(guess) {
            Some(field) if field.name.as_bytes() == name => guess,
            _ => self.place(&String::from_utf8_lossy(name)),
        };
        let seen = std::mem::replace(&mut self.list[place].seen, object);
        (seen != object).then_some(place)
    }

    pub(super) fn shape(&mut self, place: usize) -> &mut JsonShape {
        &mut self.list[place].shape
    }

    /// Puts a key behind the `number` that are there, unless it is one of them.
    pub(super) fn append(&mut self, name: &str, shape: JsonShape, number: usize) -> bool {
        let place = self.place(name);
        self.list[place].shape = shape;
        place == number
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.list.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Where a key is; it is added if it is new.
    fn place(&mut self, name: &str) -> usize {
        let found = if self.places.is_empty() {
            self.list.iter().position(|field| field.name == name)
        } else {
            self.places.get(name).copied()
        };
        found.unwrap_or_else(|| {
            self.list.push(Field { name: name.to_owned(), shape: JsonShape::default(), seen: 0 });
            let fresh: Range<usize> = match self.list.len() {
                MANY_FIELDS => 0..MANY_FIELDS,
                len if len > MANY_FIELDS => len - 1..len,
                _ => 0..0,
            };
            for place in fresh {
                self.places.insert(self.list[place].name.clone(), place);
            }
            self.list.len() - 1
        })
    }
}
