//! What the fuzz target of chat templates does.

use std::path::PathBuf;

use super::config::TemplateFile;
use super::jinja::JinjaValue;
use super::template::ChatTemplate;

/// The text that a template makes of a chat whose speakers take turns; none where the template or the
/// rendering is refused.
pub(crate) fn render(source: &str, contents: &[&str]) -> Option<String> {
    let tokens = vec![("bos_token", "<s>".to_owned()), ("eos_token", "</s>".to_owned())];
    let (source, path) = (source.to_owned(), PathBuf::from("chat_template.jinja"));
    let template = ChatTemplate::new(TemplateFile { source, path, tokens }).ok()?;
    let roles = ["system", "user", "assistant", "tool"].into_iter().cycle();
    let message = |(role, content): (&str, &&str)| {
        let pair = |key, value| (JinjaValue::text(key), JinjaValue::text(value));
        JinjaValue::dict(vec![pair("role", role), pair("content", *content)])
    };
    let messages = roles.zip(contents).map(message).collect::<Result<_, _>>().ok()?;
    template.render(JinjaValue::list(messages).ok()?, JinjaValue::None).ok()
}
