//! The messages of a chat, as chat templates expect them.
//!
//! - A field with a null is no field.
//! - Where the speaker is not called `role`, as in `ShareGPT`, the fields are renamed, and `human`
//!   is `user`, `gpt` is `assistant`; other speakers keep their names.
//! - What a model thought has several names; templates find it by `reasoning_content` and
//!   `thinking`, as in `transformers`.

use arrow_array::cast::AsArray;
use arrow_array::{Array, StructArray};

use super::jinja::{Fail, JinjaValue};
use super::values::{items, value};
use crate::text::Turn;

const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// The messages of a row of a chat column; none where the chat is null or has no message.
///
/// # Errors
/// What is wrong with the chat.
pub(crate) fn messages(
    column: &dyn Array,
    turn: &Turn,
    row: usize,
) -> Result<Option<JinjaValue>, Fail> {
    // A part of the data may have nothing but nulls, of no type.
    if column.is_null(row) {
        return Ok(None);
    }
    let Some((turns, range)) = items(column, row) else { return Ok(None) };
    if range.is_empty() {
        return Ok(None);
    }
    let first = range.start;
    let message = |place| {
        let turns = turns.as_struct_opt().filter(|turns| turns.is_valid(place));
        let null = || Fail::new(format!("message {} of the chat is null", place - first + 1));
        message(turns.ok_or_else(null)?, turn, place)
    };
    JinjaValue::list(range.map(message).collect::<Result<_, Fail>>()?).map(Some)
}

fn message(turns: &StructArray, turn: &Turn, place: usize) -> Result<JinjaValue, Fail> {
    let mut pairs = Vec::with_capacity(turns.num_columns() + 2);
    for (index, (field, column)) in turns.fields().iter().zip(turns.columns()).enumerate() {
        let value = match (value(column, place)?, turn.renamed(index)) {
            (JinjaValue::None, _) => continue,
            (value, Some("role")) => speaker(value),
            (value, _) => value,
        };
        pairs.push((turn.renamed(index).unwrap_or(field.name()), value));
    }
    with_reasoning(&mut pairs);
    JinjaValue::dict(
        pairs.into_iter().map(|(name, value)| (JinjaValue::text(name), value)).collect(),
    )
}

/// The role of a speaker of `ShareGPT`.
fn speaker(value: JinjaValue) -> JinjaValue {
    match value.as_text() {
        Some("human") => JinjaValue::text("user"),
        Some("gpt") => JinjaValue::text("assistant"),
        _ => value,
    }
}

/// Puts what was thought under all names that templates look for.
fn with_reasoning(pairs: &mut Vec<(&str, JinjaValue)>) {
    let [standard, older, _] = REASONING;
    let find =
        |pairs: &[(&str, JinjaValue)], name: &str| pairs.iter().position(|(key, _)| *key == name);
    let Some(place) = REASONING.iter().find_map(|name| find(pairs, name)) else { return };
    let thought = pairs[place].1.clone();
    let first = match find(pairs, older) {
        Some(place) => pairs.remove(place),
        None => (older, thought.clone()),
    };
    pairs.insert(0, first);
    match find(pairs, standard) {
        Some(place) => pairs[place].1 = thought,
        None => pairs.push((standard, thought)),
    }
}
