//! Which leaves of a schema are the text of a row: those that are named, or by default
//!
//! 1. columns of a known name, and lists of turns (`names`): the leaves that hold their text;
//! 2. other columns whose strings look like text in a sample of the rows (`judge`);
//! 3. if there are none, top-level columns of short strings; if there are none, all strings.
//!
//! Ids, links, dates and the like are left out by their names already.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;

use super::judge::Kind;
use super::kept::Kept;
use super::leaf::{Leaf, Step, leaves};
use super::names;
use super::rows::RowTexts;
use super::turn::Turn;
use crate::error::{Error, Result};

/// The text of a row: some leaves of a schema, in order; none where there is no text.
///
/// Invariants: no leaf twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumns {
    leaves: Vec<Leaf>,
    /// The columns that the leaves lie in, and for each leaf the place of its column among them.
    roots: Vec<usize>,
    places: Vec<usize>,
    /// What is read of each of these columns, and the steps to each leaf in it.
    kept: Vec<Kept>,
    steps: Vec<Vec<Step>>,
    left_out: Vec<(String, Kind)>,
}

impl TextColumns {
    pub(crate) fn new(leaves: Vec<Leaf>, left_out: Vec<(String, Kind)>) -> Self {
        let (mut roots, mut within, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        let mut place = |leaf: &Leaf| {
            *known.entry(leaf.root()).or_insert_with(|| {
                roots.push(leaf.root());
                roots.len() - 1
            })
        };
        let places: Vec<usize> = leaves.iter().map(&mut place).collect();
        within.resize(roots.len(), Vec::new());
        for (leaf, &place) in leaves.iter().zip(&places) {
            within[place].push(leaf.steps());
        }
        let kept: Vec<Kept> = within.iter().map(|steps| Kept::of(steps)).collect();
        let steps = leaves.iter().zip(&places);
        let steps = steps.map(|(leaf, &place)| kept[place].steps(leaf.steps())).collect();
        Self { leaves, roots, places, kept, steps, left_out }
    }

    /// The leaves of these names: columns, paths, or nested columns, which stand for the text in
    /// them. `exists` tells whether the data have a column that the schema leaves out.
    ///
    /// # Errors
    /// [`Error::Column`] for a name that leads to no text, or that is there twice.
    pub fn named(schema: &Schema, names: &[String], exists: impl Fn(&str) -> bool) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::Column(
                "the list of text columns is empty; name at least one".into(),
            ));
        }
        let all = leaves(schema);
        let mut chosen: Vec<Leaf> = Vec::new();
        for name in names {
            let found = find(&all, schema, name);
            if found.is_empty() {
                return Err(not_found(schema, &all, name, exists(name)));
            }
            for leaf in found {
                if chosen.contains(&leaf) {
                    return Err(Error::Column(format!(
                        "text column {:?} is named twice; name it once",
                        leaf.path()
                    )));
                }
                chosen.push(leaf);
            }
        }
        Ok(Self::new(chosen, Vec::new()))
    }

    /// The first `count` leaves, of batches with what is to be read of all.
    pub(super) fn first(&self, count: usize) -> Self {
        let mut first = self.clone();
        first.leaves.truncate(count);
        first.places.truncate(count);
        first.steps.truncate(count);
        first
    }

    /// The leaves.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The number of leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// The paths of the leaves.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.leaves.iter().map(|leaf| leaf.path().to_owned()).collect()
    }

    /// Strings that were not chosen by default, and why not.
    #[must_use]
    pub fn left_out(&self) -> &[(String, Kind)] {
        &self.left_out
    }

    /// The columns to be read, by index.
    #[must_use]
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The place of each leaf's column among [`TextColumns::roots`].
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// The steps to a leaf in what is read of its column.
    pub(super) fn steps_of(&self, leaf: usize) -> &[Step] {
        &self.steps[leaf]
    }

    /// What is to be read of each of [`TextColumns::roots`].
    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The columns of a batch with all columns of the schema that the leaves lie in, and of these
    /// only what is to be read.
    ///
    /// # Errors
    /// [`Error::Invalid`] for damaged nested data.
    pub(crate) fn narrow(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.roots.iter().zip(&self.kept).map(|(&root, kept)| {
            let column = kept.array(batch.column(root)).map_err(Error::kernel)?;
            Ok((batch.schema_ref().field(root).name(), column, true))
        });
        RecordBatch::try_from_iter_with_nullable(columns.collect::<Result<Vec<_>>>()?)
            .map_err(Error::kernel)
    }

    /// The texts of a batch whose first columns are what is to be read of [`TextColumns::roots`].
    ///
    /// # Errors
    /// [`Error::Internal`] for a batch of another schema.
    pub fn of<'a>(&self, batch: &'a RecordBatch) -> Result<RowTexts<'a>> {
        RowTexts::new(batch, self.steps.iter().map(Vec::as_slice).zip(self.places.iter().copied()))
    }

    /// The column that each leaf lies in, of a batch as for [`TextColumns::of`].
    pub(crate) fn columns_in<'a>(
        &'a self,
        batch: &'a RecordBatch,
    ) -> impl Iterator<Item = &'a ArrayRef> {
        self.places.iter().map(|&place| batch.column(place))
    }

    /// The texts of a batch with all columns of the schema.
    ///
    /// # Errors
    /// As [`TextColumns::of`].
    pub fn of_whole<'a>(&self, batch: &'a RecordBatch) -> Result<RowTexts<'a>> {
        RowTexts::new(batch, self.leaves.iter().map(|leaf| (leaf.steps(), leaf.root())))
    }
}

/// The leaves of a schema before the default is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Candidates {
    all: Vec<Leaf>,
    known: Vec<Leaf>,
    open: Vec<Leaf>,
    left_out: Vec<(Leaf, Kind)>,
}

impl Candidates {
    /// Goes by names and shapes.
    pub(crate) fn new(schema: &Schema) -> Self {
        let all = leaves(schema);
        let (mut known, mut open, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for of_column in all.chunk_by(|a, b| a.root() == b.root()) {
            let field = schema.field(of_column[0].root());
            if names::role(field.name()).is_some() || Turn::of(field).is_some() {
                known.append(&mut names::texts_within(of_column));
                continue;
            }
            for leaf in of_column {
                let is_nested_label = leaf.is_nested() && names::is_label(leaf.name());
                if is_nested_label || names::is_never_text(field.name()) {
                    left_out.push((leaf.clone(), Kind::Named));
                } else {
                    open.push(leaf.clone());
                }
            }
        }
        // There is no choice where there is only one.
        if all.len() == 1 {
            open.clear();
        }
        Self { all, known, open, left_out }
    }

    /// Leaves that have to be judged by their strings.
    pub(crate) fn open(&self) -> &[Leaf] {
        &self.open
    }

    /// The default, where the open leaves are of these kinds.
    pub(crate) fn decide(mut self, kinds: Vec<Kind>) -> TextColumns {
        let judged: Vec<(Leaf, Kind)> = self.open.into_iter().zip(kinds).collect();
        let of = |kind: Kind| {
            judged.iter().filter(move |(_, found)| *found == kind).map(|(leaf, _)| leaf)
        };
        let is_flat = |leaf: &&Leaf| !leaf.is_nested();
        let mut chosen: Vec<Leaf> = self.known.iter().chain(of(Kind::Text)).cloned().collect();
        if chosen.is_empty() {
            chosen = of(Kind::Short).filter(is_flat).cloned().collect();
        }
        if chosen.is_empty() {
            chosen = self.all.iter().filter(is_flat).cloned().collect();
        }
        if chosen.is_empty() {
            chosen.clone_from(&self.all);
        }
        // As they are in the schema.
        let order = |a: &Leaf, b: &Leaf| (a.root(), a.steps()).cmp(&(b.root(), b.steps()));
        chosen.sort_by(order);
        let is_chosen: HashSet<&Leaf> = chosen.iter().collect();
        self.left_out.extend(judged);
        self.left_out.retain(|(leaf, _)| !is_chosen.contains(leaf));
        self.left_out.sort_by(|(a, _), (b, _)| order(a, b));
        let left_out = self.left_out.iter().map(|(leaf, kind)| (leaf.path().to_owned(), *kind));
        TextColumns::new(chosen, left_out.collect())
    }
}

/// The leaves that a name stands for; none if it leads to no text.
fn find(all: &[Leaf], schema: &Schema, name: &str) -> Vec<Leaf> {
    let within = |is_within: &dyn Fn(&Leaf) -> bool| -> Vec<Leaf> {
        all.iter().filter(|leaf| is_within(leaf)).cloned().collect()
    };
    if let Ok(root) = schema.index_of(name) {
        let found = within(&|leaf| leaf.root() == root);
        // A column of strings is what it is, whatever its name.
        return if found.iter().all(Leaf::is_nested) { names::texts_within(&found) } else { found };
    }
    let exact = within(&|leaf| leaf.path() == name);
    if !exact.is_empty() {
        return exact;
    }
    // `messages.content` means `messages[].content`; `messages[]` what is within.
    let bare = |path: &str| path.replace("[]", "");
    let name = bare(name);
    let exact = within(&|leaf| bare(leaf.path()) == name);
    if !exact.is_empty() {
        return exact;
    }
    names::texts_within(&within(&|leaf| {
        bare(leaf.path()).strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'))
    }))
}

fn not_found(schema: &Schema, all: &[Leaf], name: &str, exists: bool) -> Error {
    let mut what = match schema.field_with_name(name) {
        Ok(field) => format!("column {name:?} is {}, not text", field.data_type()),
        Err(_) if exists => {
            let kept: Vec<&str> =
                schema.fields().iter().map(|field| field.name().as_str()).collect();
            format!(
                "text column {name:?} is not among the columns kept ({}); add it to columns=",
                kept.join(", ")
            )
        }
        Err(_) => format!("there is no column {name:?}"),
    };
    let _ = write!(what, "; {}", described(schema, all));
    Error::Column(what)
}

/// The text columns that there are, or the columns if there is no text.
fn described(schema: &Schema, all: &[Leaf]) -> String {
    if all.is_empty() {
        let fields = schema.fields().iter();
        let fields: Vec<String> =
            fields.map(|field| format!("{} ({})", field.name(), field.data_type())).collect();
        return format!("no column holds text; the columns are {}", fields.join(", "));
    }
    let paths: Vec<&str> = all.iter().map(Leaf::path).collect();
    format!("the text columns are {}", paths.join(", "))
}

/// The error of a schema without text, for those who need some; `what` they need it for.
pub(crate) fn no_text(schema: &Schema, what: &str) -> Error {
    Error::Column(format!(
        "there is no text column to {what}; {}; cast one to text",
        described(schema, &[])
    ))
}
