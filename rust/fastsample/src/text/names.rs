//! Which columns hold text by their name, and which leaves of a nested column by its shape.
//!
//! The names are those that published fine-tuning and pretraining data use (Alpaca, `ShareGPT`,
//! `OpenAI` chats, Dolly, preference pairs, FLAN, C4, the Pile, ...). Case does not matter, and `-`
//! and a space are as good as `_`. `docs/text.md` shows the table.

use super::leaf::Leaf;

/// What a text is to a model that is trained on it, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Said before the prompt.
    System,
    /// What is asked.
    Prompt,
    /// What is answered.
    Response,
    /// Descriptions and calls of tools.
    Tool,
    /// Several turns, or a document.
    Document,
}

/// Names of columns that are text, and of leaves that are the text of a nested column.
const TEXT: [(Role, &[&str]); 5] = [
    (Role::System, &["system", "system_prompt"]),
    (
        Role::Prompt,
        &[
            "prompt",
            "prompts",
            "instruction",
            "instructions",
            "input",
            "inputs",
            "question",
            "questions",
            "query",
            "context",
            "contexts",
            "history",
            "choices",
            "options",
            "problem",
            "premise",
            "passage",
            "passages",
            "passage_text",
            "提示",
            "指令",
            "输入",
            "问题",
        ],
    ),
    (
        Role::Response,
        &[
            "response",
            "responses",
            "output",
            "outputs",
            "answer",
            "answers",
            "completion",
            "completions",
            "target",
            "targets",
            "chosen",
            "rejected",
            "solution",
            "solutions",
            "canonical_solution",
            "generation",
            "generations",
            "hypothesis",
            "reply",
            "explanation",
            "rationale",
            "reasoning",
            "reasoning_content",
            "thinking",
            "chain_of_thought",
            "summary",
            "highlights",
            "回复",
            "回答",
            "答案",
            "输出",
        ],
    ),
    (Role::Tool, &["tools", "functions", "arguments"]),
    (
        Role::Document,
        &[
            "text",
            "texts",
            "content",
            "contents",
            "document",
            "documents",
            "doc",
            "body",
            "article",
            "articles",
            "title",
            "abstract",
            "paragraph",
            "paragraphs",
            "sentence",
            "sentences",
            "sentence1",
            "sentence2",
            "utterance",
            "utterances",
            "dialog",
            "dialogs",
            "dialogue",
            "dialogues",
            "conversation",
            "conversations",
            "messages",
            "translation",
            "translations",
            "story",
            "caption",
            "code",
            "raw_content",
            "markdown",
            "review",
            "review_body",
            "文本",
            "内容",
            "正文",
            "标题",
            "摘要",
            "对话",
        ],
    ),
];

/// Names of a turn's text that say nothing of a column at the top.
const TURN: [&str; 3] = ["value", "message", "string"];

/// Names of fields that say who speaks. A list of structs with one of them and a text is a chat.
const SPEAKER: [&str; 5] = ["role", "from", "speaker", "author", "sender"];

/// Who speaks in which role. A call of a tool belongs to the tool.
const SPEAKERS: [(Role, &[&str]); 4] = [
    (Role::System, &["system", "developer", "系统"]),
    (Role::Prompt, &["user", "human", "prompter", "用户", "人类"]),
    (Role::Response, &["assistant", "gpt", "chatgpt", "model", "bot", "ai", "助手", "模型"]),
    (
        Role::Tool,
        &[
            "tool",
            "tool_call",
            "tool_response",
            "function",
            "function_call",
            "function_response",
            "observation",
            "ipython",
            "工具",
        ],
    ),
];

/// Names that are never text unless asked for, and endings of such names.
const NEVER: [&str; 20] = [
    "id",
    "uuid",
    "guid",
    "hash",
    "sha",
    "md5",
    "hexsha",
    "url",
    "urls",
    "uri",
    "link",
    "path",
    "filename",
    "date",
    "timestamp",
    "created_at",
    "updated_at",
    "lang",
    "language",
    "license",
];
const NEVER_ENDINGS: [&str; 6] = ["_id", "_ids", "_url", "_uri", "_path", "_hash"];

/// Names of fields that are not text in a nested column whose other strings are.
const LABELS: [&str; 4] = ["type", "name", "label", "key"];

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' '], "_")
}

/// The role of a column of this name; none if the name tells nothing.
pub(super) fn role(name: &str) -> Option<Role> {
    let name = plain(name);
    TEXT.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(role, _)| *role)
}

/// The role of what a speaker of this name says; that of a document for others.
pub(super) fn role_of_speaker(name: &str) -> Role {
    let of = |name: &str| {
        let found = SPEAKERS.iter().find(|(_, names)| names.contains(&name));
        found.map(|(role, _)| *role)
    };
    // As it is written first: most are, and there is one for every turn.
    of(name).or_else(|| of(&plain(name))).unwrap_or(Role::Document)
}

/// Whether a column of this name is never text by default.
pub(super) fn is_never_text(name: &str) -> bool {
    let name = plain(name);
    NEVER.contains(&name.as_str()) || NEVER_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a field of this name says something about a text, in a struct that has one.
pub(super) fn is_label(name: &str) -> bool {
    is_never_text(name) || is_speaker(name) || LABELS.contains(&plain(name).as_str())
}

/// Whether a field of this name is the text of a struct.
pub(super) fn is_field_of_text(name: &str) -> bool {
    role(name).is_some() || TURN.contains(&plain(name).as_str())
}

/// Whether a field of this name says who speaks.
pub(super) fn is_speaker(name: &str) -> bool {
    SPEAKER.contains(&plain(name).as_str())
}

/// The text among the leaves of one nested column: those that are called text; if none is, all that
/// are not labels.
pub(super) fn texts_within(leaves: &[Leaf]) -> Vec<Leaf> {
    let called = |is: fn(&str) -> bool| -> Vec<Leaf> {
        leaves.iter().filter(|leaf| is(leaf.name())).cloned().collect()
    };
    let texts = called(is_field_of_text);
    if texts.is_empty() { called(|name| !is_label(name)) } else { texts }
}
