//! Roles of texts: system, prompt, response or tool, by the names of columns and by who speaks.
//!
//! ```text
//!  prompt                      by its name
//!  messages[].content          by messages[].role, turn by turn
//!  messages[].calls[].arguments  by its name: what calls a tool is no response
//! ```
//!
//! Speakers lie beside the texts, so reading roles reads a leaf more of each chat.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::Schema;

use super::choice::TextColumns;
use super::leaf::{Leaf, Step, leaves};
use super::names::{self, Role};
use super::places::{Places, follow};
use super::rows::{LeafTexts, RowTexts};
use super::turn::Turn;
use crate::error::{Error, Result};

/// All roles, in the order of reports.
const ROLES: [Role; 5] = [Role::System, Role::Prompt, Role::Response, Role::Tool, Role::Document];

/// Characters of a row by role, in the order of [`TextRoles::NAMES`].
pub(crate) type RoleChars = [usize; ROLES.len()];

/// What tells the role of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A name: the same for all texts.
    ByName(Role),
    /// The speaker of each turn: the place of its leaf among those that are read.
    BySpeaker(usize),
}

/// The text columns of a source, and what tells the roles of their texts.
///
/// Invariants: `read` has the leaves of `text` first, then those of speakers; one of `told` for each
/// leaf of `text`.
#[derive(Debug, Clone)]
pub(crate) struct TextRoles {
    text: TextColumns,
    read: TextColumns,
    told: Vec<Told>,
}

impl TextRoles {
    /// What the roles are called in reports. Texts of the last one are those of no role.
    pub(crate) const NAMES: [&'static str; ROLES.len()] =
        ["system", "prompt", "response", "tool", "other"];

    /// The roles of the texts `text` of a schema.
    pub(crate) fn new(schema: &Schema, text: &TextColumns) -> Self {
        let all = leaves(schema);
        let mut read: Vec<Leaf> = text.leaves().to_vec();
        let told = text.leaves().iter().map(|leaf| {
            let by_name = role_of(leaf);
            let Some(speaker) = speaker(schema, &all, leaf).filter(|_| by_name != Role::Tool)
            else {
                return Told::ByName(by_name);
            };
            Told::BySpeaker(read.iter().position(|leaf| *leaf == speaker).unwrap_or_else(|| {
                read.push(speaker);
                read.len() - 1
            }))
        });
        let told = told.collect();
        let read = TextColumns::new(read, Vec::new());
        Self { text: read.first(text.len()), read, told }
    }

    /// The texts and the speakers: what is to be read.
    pub(crate) fn read(&self) -> &TextColumns {
        &self.read
    }

    /// The texts, in batches of what is to be read.
    pub(crate) fn text(&self) -> &TextColumns {
        &self.text
    }

    /// Whether a name or a speaker can tell the role of some text.
    pub(crate) fn is_known(&self) -> bool {
        self.told.iter().any(|told| *told != Told::ByName(Role::Document))
    }

    /// Characters of each row of a batch by role; `texts` are those of [`TextRoles::text`].
    ///
    /// # Errors
    /// [`Error::Internal`] for a batch of another schema.
    pub(crate) fn chars(
        &self,
        batch: &RecordBatch,
        texts: &RowTexts<'_>,
    ) -> Result<Vec<RoleChars>> {
        let mut found = vec![RoleChars::default(); texts.rows()];
        for (leaf, told) in self.told.iter().enumerate() {
            match *told {
                Told::ByName(role) => {
                    for (row, chars) in found.iter_mut().enumerate() {
                        chars[place_of(role)] += texts.chars_in_row(leaf, row);
                    }
                }
                Told::BySpeaker(speaker) => self
                    .of_turns(batch, leaf, speaker, &mut found)
                    .ok_or_else(|| Error::Internal("a chat has no turns".into()))?,
            }
        }
        Ok(found)
    }

    /// Adds the characters of a leaf within turns, each to the role of its speaker.
    fn of_turns(
        &self,
        batch: &RecordBatch,
        leaf: usize,
        speaker: usize,
        found: &mut [RoleChars],
    ) -> Option<()> {
        let column: &dyn Array = batch.column(self.read.places()[leaf]);
        let steps = |leaf: usize| self.read.steps_of(leaf).split_first();
        let (first, text_steps) = steps(leaf)?;
        let (_, speaker_steps) = steps(speaker)?;
        let (turns, places, lists) = follow(column, std::slice::from_ref(first))?;
        let lists = lists?;
        // Only the turns of these rows: the array may be that of a whole file.
        let (start, end) = match &places {
            Places::Run(run) => (run.start, run.end),
            Places::Any(places) => {
                let known = || places.iter().flatten().copied();
                (known().min().unwrap_or(0), known().max().map_or(0, |last| last + 1))
            }
        };
        // A part of the data may have nothing but nulls, of no type: it has no turns.
        if start == end {
            return Some(());
        }
        let turns: ArrayRef = turns.slice(start, end - start);
        let texts = LeafTexts::new(&turns, text_steps)?;
        let speakers = LeafTexts::new(&turns, speaker_steps)?;
        for (row, chars) in found.iter_mut().enumerate() {
            for turn in lists.of(row).filter_map(|index| places.at(index)) {
                let turn = turn - start;
                let role = names::role_of_speaker(speakers.of(turn).next().unwrap_or_default());
                chars[place_of(role)] += texts.chars_of_row(turn);
            }
        }
        Some(())
    }
}

impl TextColumns {
    /// The places of the prompt and of the response, if these two are all the text there is, by name.
    #[must_use]
    pub fn prompt_and_response(&self) -> Option<[usize; 2]> {
        match self.leaves().iter().map(role_of).collect::<Vec<_>>()[..] {
            [Role::Prompt, Role::Response] => Some([0, 1]),
            [Role::Response, Role::Prompt] => Some([1, 0]),
            _ => None,
        }
    }
}

fn place_of(role: Role) -> usize {
    ROLES.iter().position(|other| *other == role).unwrap_or(ROLES.len() - 1)
}

/// The role that the names on the way to a leaf tell, the last one first.
fn role_of(leaf: &Leaf) -> Role {
    let names = leaf.path().rsplit('.').map(|name| name.trim_end_matches("[]"));
    let known = names.filter_map(names::role).find(|role| *role != Role::Document);
    known.unwrap_or(Role::Document)
}

/// The leaf that says who speaks a text of a chat.
fn speaker(schema: &Schema, all: &[Leaf], text: &Leaf) -> Option<Leaf> {
    let turn = Turn::of(schema.field(text.root()))?;
    let steps = [Step::Items, Step::Field(turn.speaker())];
    let is_speaker = |leaf: &&Leaf| leaf.root() == text.root() && leaf.steps() == steps;
    all.iter().find(is_speaker).cloned()
}
