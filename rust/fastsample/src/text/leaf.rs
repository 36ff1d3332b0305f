//! Paths to the strings of a schema: columns, and what lies in structs, lists and maps.
//!
//! ```text
//!  prompt                      a column of strings
//!  dialog[]                    a list of strings
//!  messages[].content          a list of structs
//!  messages[].content[].text   ... whose content is a list of parts
//!  meta.title                  a struct
//!  tags[].value                the values of a map
//! ```

use arrow_schema::{DataType, Field, Schema};

use super::column::is_text;

/// Steps that a path may have: more are damage, or no text that anybody trains on.
const MOST_STEPS: usize = 32;

/// One step from an array to what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    /// The items of a list.
    Items,
    /// The entries of a map.
    Entries,
    /// A field of a struct, by index.
    Field(usize),
}

/// A string column, or strings within a nested column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaf {
    path: String,
    /// The last name in the path.
    name: String,
    /// The index of the column in the schema.
    root: usize,
    steps: Vec<Step>,
}

impl Leaf {
    /// The path, as it is written.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last name in the path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The index of the column that the leaf lies in.
    #[must_use]
    pub fn root(&self) -> usize {
        self.root
    }

    /// Whether the leaf lies within a nested column.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Whether a row may have several texts of the leaf: those of a list or a map.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Items | Step::Entries))
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Every leaf of a schema, in its order.
#[must_use]
pub fn leaves(schema: &Schema) -> Vec<Leaf> {
    let mut found = Vec::new();
    for (root, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        let leaf = Leaf { path: name.clone(), name: name.clone(), root, steps: Vec::new() };
        collect(field.data_type(), leaf, &mut found);
    }
    found
}

fn collect(kind: &DataType, leaf: Leaf, found: &mut Vec<Leaf>) {
    if is_text(kind) {
        found.push(leaf);
    } else if leaf.steps.len() == MOST_STEPS {
        // Deeper ones are left out.
    } else if let Some(item) = items(kind) {
        let mut leaf = leaf;
        leaf.path.push_str("[]");
        leaf.steps.push(if matches!(kind, DataType::Map(..)) {
            Step::Entries
        } else {
            Step::Items
        });
        collect(item.data_type(), leaf, found);
    } else if let DataType::Struct(fields) = kind {
        for (index, field) in fields.iter().enumerate() {
            let mut leaf = leaf.clone();
            leaf.path.push('.');
            leaf.path.push_str(field.name());
            leaf.name.clone_from(field.name());
            leaf.steps.push(Step::Field(index));
            collect(field.data_type(), leaf, found);
        }
    }
}

/// What a list or a map holds.
pub(super) fn items(kind: &DataType) -> Option<&Field> {
    match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => Some(item),
        _ => None,
    }
}
