//! Answers: the part of a rendered chat that the model is to write, and learns from.
//!
//! ```text
//!  template with generation blocks     what they wrote
//!  template without                    <u>hi<a>            the messages before, and the generation prompt
//!                                      <u>hi<a>hello</a>   with the answer: it is what was added
//! ```
//!
//! Without such blocks the text of a chat has to begin with that of its first messages. Where it does
//! not, as in templates that leave out earlier thoughts, it is an error, never a wrong answer.

use std::ops::Range;

use super::jinja::{Fail, JinjaValue};
use super::template::ChatTemplate;

/// Answers of a chat for a template without `generation` blocks, which is rendered twice for each.
const MOST_ANSWERS: usize = 1000;

/// A chat as text.
#[derive(Debug, Default)]
pub(crate) struct RenderedChat {
    pub(crate) text: String,
    /// The characters of its answers, in order, if they were asked for.
    pub(crate) answers: Vec<Range<usize>>,
}

impl ChatTemplate {
    /// The text of a chat, and where its answers lie in it: as `apply_chat_template` with
    /// `return_assistant_tokens_mask=True` finds them, if the template has `generation` blocks.
    ///
    /// # Errors
    /// As [`ChatTemplate::render`]; or it can't be told which of the text is an answer.
    pub(crate) fn render_answers(
        &self,
        messages: &JinjaValue,
        tools: &JinjaValue,
    ) -> Result<RenderedChat, Fail> {
        let found = self.rendered(messages.clone(), tools.clone(), false)?;
        let bytes = if self.has_generation() {
            found.generated.ok_or_else(|| {
                Fail::new(
                    "{% generation %} is in a macro, a set or filter block or another \
                     {% generation %}, so it is not known where the answer lies in the text; put it \
                     around the answer in the template itself, or leave out assistant_only_loss"
                        .into(),
                )
            })?
        } else {
            self.added(messages, tools, &found.text)?
        };
        let answers = in_characters(&found.text, &bytes);
        Ok(RenderedChat { text: found.text, answers })
    }

    /// The bytes that each answer adds to the messages before it and the generation prompt.
    fn added(
        &self,
        messages: &JinjaValue,
        tools: &JinjaValue,
        text: &str,
    ) -> Result<Vec<Range<usize>>, Fail> {
        let messages = messages.as_list().unwrap_or_default();
        let first = |place: usize, count: usize, is_prompt: bool| {
            let first = JinjaValue::list(messages[..count].to_vec());
            let found = first.and_then(|first| self.rendered(first, tools.clone(), is_prompt));
            found.map(|found| found.text).map_err(|fail| {
                unknown(place, &format!("the template fails on the first {count} messages: {fail}"))
            })
        };
        let places = (0..messages.len()).filter(|&place| is_answer(&messages[place]));
        if let Some(place) = places.clone().nth(MOST_ANSWERS) {
            return Err(unknown(place, &format!("the chat has more than {MOST_ANSWERS}")));
        }
        let mut answers: Vec<Range<usize>> = Vec::new();
        for place in places {
            let before = first(place, place, true)?;
            let is_last = place + 1 == messages.len();
            let until = if is_last { text.to_owned() } else { first(place, place + 1, false)? };
            let last = answers.last().map_or(0, |answer| answer.end);
            if before.len() < last || !until.starts_with(&before) || !text.starts_with(&until) {
                let why = "the text of earlier messages changes with it, or with those behind it";
                return Err(unknown(place, why));
            }
            answers.push(before.len()..until.len());
        }
        Ok(answers)
    }
}

fn unknown(place: usize, why: &str) -> Fail {
    Fail::new(format!(
        "it can't be told which of the text is the answer in message {}: {why}; put \
         {{% generation %}} and {{% endgeneration %}} around answers in the template, or leave out \
         assistant_only_loss",
        place + 1
    ))
}

fn is_answer(message: &JinjaValue) -> bool {
    message.field("role").and_then(JinjaValue::as_text) == Some("assistant")
}

/// Ranges of bytes, in order and apart, as ranges of characters.
fn in_characters(text: &str, bytes: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut byte, mut character) = (0, 0);
    let mut reach = |end: usize| {
        character += text[byte..end].chars().count();
        byte = end;
        character
    };
    bytes.iter().map(|range| reach(range.start)..reach(range.end)).collect()
}
