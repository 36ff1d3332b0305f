//! Surrogate pairs written out before arrow-json sees them.
//!
//! arrow-json 59 joins the halves of a pair with "or" in place of "plus", so that `\ud840\udc00`, the
//! escape of U+20000, becomes U+10000. Every pair is affected whose first half has the bit 0x40: the
//! rare Chinese characters of plane 2 among them.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// The line, without escaped pairs that would be decoded wrongly. The line is sound JSON.
pub(super) fn written_out(line: &[u8]) -> Cow<'_, [u8]> {
    // Few lines have escaped pairs at all.
    if memmem::find(line, b"\\ud").or_else(|| memmem::find(line, b"\\uD")).is_none() {
        return line.into();
    }
    let mut out = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = memchr(b'\\', &line[at..]) {
        let start = at + found;
        match pair(&line[start..]) {
            Some(character) => {
                out.extend_from_slice(&line[copied..start]);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at = start + 12;
                copied = at;
            }
            // The escape of a backslash is none of what follows it.
            None => at = start + 2,
        }
    }
    if copied == 0 {
        return line.into();
    }
    out.extend_from_slice(&line[copied..]);
    out.into()
}

/// The character of an escaped pair at the beginning of `bytes`, if its first half has the bit 0x40.
fn pair(bytes: &[u8]) -> Option<char> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let high = unit(0).filter(|high| (0xd800..0xdc00).contains(high) && high & 0x40 != 0)?;
    let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low))?;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_read_as_it_was_written() {
        for code in (0x1_0000..=0x10_ffff).step_by(97) {
            let character = char::from_u32(code).expect("a character");
            let mut units = [0; 2];
            let escaped = character
                .encode_utf16(&mut units)
                .iter()
                .fold(String::new(), |escaped, unit| escaped + &format!("\\u{unit:04x}"));
            let line = format!(r#"{{"a":"\\{escaped}\\ud840\"{escaped}é"}}"#);
            let read = |line: &[u8]| -> String {
                let value: serde_json::Value = serde_json::from_slice(line).expect("sound");
                value["a"].as_str().expect("a text").to_owned()
            };
            let found = written_out(line.as_bytes());
            assert_eq!(read(&found), format!("\\{character}\\ud840\"{character}é"));
            assert_eq!(read(&found), read(line.as_bytes()));
            let is_affected = (code - 0x1_0000) >> 10 & 0x40 != 0;
            assert_eq!(matches!(found, Cow::Owned(_)), is_affected, "{code:x}");
        }
    }
}
