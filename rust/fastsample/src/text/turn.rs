//! Turns of a chat: which field of a list of structs says who speaks, and which what is said.

use arrow_schema::{DataType, Field};

use super::leaf::items;
use super::names;

/// The two fields of a turn, by index; by name as chat templates expect them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    speaker: usize,
    text: usize,
    /// Whether the speaker is called `role`, as templates expect.
    has_role: bool,
}

impl Turn {
    /// The turn of a list of structs that say who speaks, and what; none for another type.
    #[must_use]
    pub fn of(field: &Field) -> Option<Self> {
        let Some(DataType::Struct(turn)) = items(field.data_type()).map(Field::data_type) else {
            return None;
        };
        let named = |name: &str| turn.iter().position(|field| field.name() == name);
        let first = |is: fn(&str) -> bool| turn.iter().position(|field| is(field.name()));
        let (role, speaker) = (named("role"), first(names::is_speaker)?);
        let text = named("content").or_else(|| first(names::is_field_of_text));
        Some(Self { speaker: role.unwrap_or(speaker), text: text?, has_role: role.is_some() })
    }

    /// The index of the field that says who speaks.
    pub(super) fn speaker(self) -> usize {
        self.speaker
    }

    /// What a template calls a field, if it is not by its own name.
    #[must_use]
    pub fn renamed(&self, field: usize) -> Option<&'static str> {
        match field {
            _ if self.has_role => None,
            field if field == self.speaker => Some("role"),
            field if field == self.text => Some("content"),
            _ => None,
        }
    }

    /// The names of the speaker and the text of such a list, where they are renamed.
    #[must_use]
    pub fn renames<'a>(&self, field: &'a Field) -> Option<(&'a str, &'a str)> {
        let Some(DataType::Struct(turn)) = items(field.data_type()).map(Field::data_type) else {
            return None;
        };
        let name = |index: usize| turn.get(index).map(|field| field.name().as_str());
        Some((name(self.speaker)?, name(self.text)?)).filter(|_| !self.has_role)
    }
}
