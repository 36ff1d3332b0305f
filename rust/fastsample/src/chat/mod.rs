//! Chat templates: a chat as the text that a model is trained on, equal to what
//! `apply_chat_template` of `transformers` makes of it.
//!
//! ```text
//!  row of a chat column ─▶ messages ─▶ template ─▶ text
//!                          (values)    (jinja)
//! ```
//!
//! - `config`: what the folder of a tokenizer says of it and of its template;
//! - `template`: [`ChatTemplate`], a template that renders chats;
//! - `answers`: `RenderedChat`, a chat and where its answers lie;
//! - `jinja`: the language of templates, within bounds;
//! - `messages`: the messages of a chat of any shape; `tools`: functions that it may call;
//! - `values`: Arrow data as values.

mod answers;
mod config;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod jinja;
mod messages;
mod template;
#[cfg(test)]
mod tests;
mod tools;
mod values;

pub(crate) use answers::RenderedChat;
pub(crate) use config::{settings, special_token};
pub(crate) use jinja::JinjaValue;
pub(crate) use messages::messages;
pub use template::ChatTemplate;
pub(crate) use tools::{TOOLS, may_hold_tools, tools};

/// Stack of a thread that renders: levels of a template are bounded, and some kilobytes each. Pages
/// that are not used cost nothing.
pub(crate) const STACK_BYTES: usize = 32 << 20;
