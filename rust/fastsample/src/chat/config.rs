//! What the folder of a tokenizer says of it, and of its chat template, as `transformers` reads it.
//!
//! | file | what of it |
//! |---|---|
//! | `chat_template.jinja` | the template; goes before that of `tokenizer_config.json` |
//! | `tokenizer_config.json` | `chat_template`: a template, or a list of named ones; `bos_token` and the like; `padding_side`, `truncation_side` |
//! | `special_tokens_map.json` | goes before `tokenizer_config.json` where that has no `added_tokens_decoder` |

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Result};

const TEMPLATE: &str = "chat_template.jinja";
const CONFIG: &str = "tokenizer_config.json";
const SPECIAL: &str = "special_tokens_map.json";

/// Larger files are something else: published ones have some megabytes at most.
const MOST_BYTES: u64 = 64 << 20;

/// Special tokens that a template sees, by these names.
const TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A template as it is written, where, and the special tokens it may use.
pub(super) struct TemplateFile {
    pub(super) source: String,
    pub(super) path: PathBuf,
    pub(super) tokens: Vec<(&'static str, String)>,
}

/// The chat template of the tokenizer in `folder`; none if it has none.
///
/// # Errors
/// [`Error::Read`], or [`Error::Corrupt`] for files that are not what their names say.
pub(super) fn read(folder: &Path) -> Result<Option<TemplateFile>> {
    let path = folder.join(CONFIG);
    let config = settings(folder)?;
    let (source, path) = if let Some(source) = text(&folder.join(TEMPLATE))? {
        (source, folder.join(TEMPLATE))
    } else if let Some(source) = of_config(&path, config.get("chat_template"))? {
        (source, path)
    } else {
        return Ok(None);
    };
    let token = |name: &'static str| Some((name, special_token(&config, name)?.to_owned()));
    Ok(Some(TemplateFile { source, path, tokens: TOKENS.into_iter().filter_map(token).collect() }))
}

/// The settings of the tokenizer in `folder`, special tokens among them; none if it has no such file.
///
/// # Errors
/// As [`read`].
pub(crate) fn settings(folder: &Path) -> Result<Map<String, Value>> {
    let mut config = json(&folder.join(CONFIG))?.unwrap_or_default();
    if !config.contains_key("added_tokens_decoder") {
        config.extend(json(&folder.join(SPECIAL))?.unwrap_or_default());
    }
    Ok(config)
}

/// The special token that settings call `name`: a text, or an object with one.
pub(crate) fn special_token<'a>(settings: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let found = settings.get(name)?;
    found.as_str().or_else(|| found.get("content")?.as_str())
}

/// Whether there seems to be a template; files that can't be read have none.
pub(super) fn exists(folder: &Path) -> bool {
    read(folder).is_ok_and(|found| found.is_some())
}

fn of_config(path: &Path, template: Option<&Value>) -> Result<Option<String>> {
    let corrupt = |what: &str| {
        Error::corrupt(path, format!("{what}; write it with tokenizer.save_pretrained(folder)"))
    };
    match template {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(source)) => Ok(Some(source.clone())),
        Some(Value::Array(named)) => {
            let name = |template: &Value| template.get("name")?.as_str().map(str::to_owned);
            let default = named.iter().rfind(|found| name(found).as_deref() == Some("default"));
            let Some(default) = default else {
                let all: Vec<String> = named.iter().filter_map(name).collect();
                let what = format!(
                    "chat_template has the templates {}, and no default; set \
                     tokenizer.chat_template to the one you train with, and save the tokenizer",
                    all.join(", ")
                );
                return Err(Error::corrupt(path, what));
            };
            let source = default.get("template").and_then(Value::as_str);
            let source = source.ok_or_else(|| corrupt("the template \"default\" is not text"))?;
            Ok(Some(source.to_owned()))
        }
        Some(_) => Err(corrupt("chat_template is neither text nor a list of named templates")),
    }
}

/// The object in a file; none if there is no such file.
fn json(path: &Path) -> Result<Option<Map<String, Value>>> {
    let Some(text) = text(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        let what = format!("not a JSON object ({error}); write it with tokenizer.save_pretrained");
        Error::corrupt(path, what)
    })
}

/// The text of a file; none if there is no such file.
fn text(path: &Path) -> Result<Option<String>> {
    use std::io::Read;

    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::read(path, error)),
        Ok(_) if bytes.len() as u64 > MOST_BYTES => {
            return Err(Error::corrupt(path, "more than 64 MB: not a file of a tokenizer"));
        }
        Ok(_) => {}
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| Error::corrupt(path, "not UTF-8: not a file of a tokenizer"))
}
