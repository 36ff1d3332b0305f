//! Tokens of a predicate, with their places.

use super::condition::Operator;
use super::fault::Fault;
use super::number::Decimal;

/// A word, a value or a sign.
#[derive(Debug, Clone)]
pub(super) enum Lexeme {
    /// A name without quotes; keywords are told by the parser.
    Word(String),
    /// A name in double quotes: a column, whatever it is called.
    Name(String),
    /// A text in single quotes.
    Text(String),
    Number(Decimal),
    Compare(Operator),
    Open,
    Close,
    Comma,
    End,
}

impl Lexeme {
    /// The token as an error shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("{word:?}"),
            Self::Name(name) => format!("the column {name:?}"),
            Self::Text(text) => format!("the text '{text}'"),
            Self::Number(number) => format!("the number {number}"),
            Self::Compare(_) => "a comparison".into(),
            Self::Open => "\"(\"".into(),
            Self::Close => "\")\"".into(),
            Self::Comma => "\",\"".into(),
            Self::End => "the end".into(),
        }
    }
}

/// The tokens of `text`, each with the byte at which it begins; the last is [`Lexeme::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Lexeme)>, Fault> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '(' => (Lexeme::Open, 1),
            ')' => (Lexeme::Close, 1),
            ',' => (Lexeme::Comma, 1),
            '\'' => quoted(rest, at, '\'').map(|(text, len)| (Lexeme::Text(text), len))?,
            '"' => quoted(rest, at, '"').map(|(name, len)| (Lexeme::Name(name), len))?,
            '=' | '<' | '>' | '!' => comparison(rest, at)?,
            '0'..='9' | '.' | '+' | '-' => {
                let (number, len) = Decimal::parse(rest).map_err(|what| Fault::new(at, what))?;
                (Lexeme::Number(number), len)
            }
            _ if first.is_alphabetic() || first == '_' => {
                let inside = |c: char| c.is_alphanumeric() || c == '_';
                let len = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                (Lexeme::Word(rest[..len].to_owned()), len)
            }
            other => {
                let what = format!(
                    "{other:?} has no meaning here; put texts in single quotes, and names of \
                     columns with such characters in double quotes"
                );
                return Err(Fault::new(at, what));
            }
        };
        found.push((at, token));
        at += len;
    }
    found.push((text.len(), Lexeme::End));
    Ok(found)
}

/// What stands between quotes, of which two mean one, and the bytes that it takes with them.
fn quoted(rest: &str, at: usize, quote: char) -> Result<(String, usize), Fault> {
    let (mut inside, mut chars) = (String::new(), rest.char_indices().skip(1).peekable());
    while let Some((place, c)) = chars.next() {
        if c != quote {
            inside.push(c);
        } else if chars.next_if(|&(_, next)| next == quote).is_some() {
            inside.push(quote);
        } else {
            return Ok((inside, place + 1));
        }
    }
    Err(Fault::new(at, format!("the quote {quote} is not closed; write another at its end")))
}

fn comparison(rest: &str, at: usize) -> Result<(Lexeme, usize), Fault> {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    const SIGNS: [(&str, Operator); 8] = [
        ("==", Equal),
        ("!=", NotEqual),
        ("<>", NotEqual),
        ("<=", LessOrEqual),
        (">=", GreaterOrEqual),
        ("=", Equal),
        ("<", Less),
        (">", Greater),
    ];
    let found = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
    found
        .map(|&(sign, comparison)| (Lexeme::Compare(comparison), sign.len()))
        .ok_or_else(|| Fault::new(at, "\"!\" has no meaning here; write != or NOT"))
}
