//! The walk against `serde_json`, and shapes of parts against those of the whole.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::index::look;
use super::shape::{JsonKind, JsonShape, NOWHERE};
use super::walk::{LineWalk, Walked};
use crate::source::lines::{ChunkSeen, LineFault};

/// Walks through a line, the `number`-th of its chunk.
pub(super) fn walk(line: &[u8], number: u64, shape: &mut JsonShape) -> Walked {
    let mut walk = LineWalk::new(line, 0);
    walk.line = number - 1;
    let blank = || Err(LineFault { at: 0, what: "the line is blank".into() });
    walk.next(shape).unwrap_or_else(blank)
}

/// Whether the walk accepts a line.
fn accepts(line: &str) -> bool {
    walk(line.as_bytes(), 1, &mut JsonShape::default()).is_ok()
}

fn refusal(line: &str) -> String {
    walk(line.as_bytes(), 1, &mut JsonShape::default()).expect_err(line).what.into_owned()
}

#[test]
fn what_json_is_and_is_not() {
    for line in [
        "{}",
        " {\"a\" :\t1 }\r",
        r#"{"a": -0, "b": 1e5, "c": 1.5E-3, "d": 12345678901234567890}"#,
        r#"{"a": [1, [], {}, null, true, false, "é\u00e9\ud83d\ude00\n\/"]}"#,
        r#"{"": {"": 0}, "a": {"": 1}}"#,
    ] {
        assert!(accepts(line), "{line}");
    }
    for line in [
        "",
        "[]",
        "1",
        "null",
        "{",
        "}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "{,}",
        r#"{"a":1 "b":2}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":NaN}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u12"#,
        r#"{"a":"x"#,
        "{\"a\":\"\t\"}",
        "{'a':1}",
        "{a:1}",
        "{} {}",
        "{}x",
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
    ] {
        assert!(!accepts(line), "{line}");
    }
}

#[test]
fn faults_say_what_was_found() {
    assert_eq!(refusal("[1]"), "each line must be a JSON object, but this is a list");
    assert_eq!(refusal(r#"{"a": nope}"#), "a value is missing: there is \"nope\"");
    assert_eq!(refusal(r#"{"k":1,"k":2}"#), "the key \"k\" is there twice in one object");
    assert_eq!(
        refusal(r#"{"a":1"#),
        "a comma or a closing brace is missing: there is the end of the line"
    );
    assert!(refusal(&format!("{{\"a\":{}", "[".repeat(70))).contains("60 levels"));
    assert!(accepts(&format!("{{\"a\":{}{}}}", "[".repeat(59), "]".repeat(59))));
}

#[test]
fn a_line_in_any_state_of_damage_is_no_panic() {
    let line =
        r#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",null,true,{"b":"\\"}],"c":false}"#.as_bytes();
    for end in 0..line.len() {
        assert!(walk(&line[..end], 1, &mut JsonShape::default()).is_err(), "{end}");
        for byte in 0..=255 {
            let mut damaged = line.to_vec();
            damaged[end] = byte;
            let _ = walk(&damaged, 1, &mut JsonShape::default());
        }
    }
}

/// A value of JSON, with whatever characters.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-dé\"\\\\]{0,2}", inner, 0..5)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// The kinds of all values at each path.
fn kinds(value: &Value, path: &str, found: &mut BTreeSet<(String, u8)>) {
    let kind = match value {
        Value::Null => return,
        Value::Bool(_) => JsonKind::Bool,
        Value::Number(_) => JsonKind::Number,
        Value::String(_) => JsonKind::Text,
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| kinds(value, &format!("{path}.{key}"), found));
            JsonKind::Object
        }
        Value::Array(items) => {
            items.iter().for_each(|item| kinds(item, &format!("{path}[]"), found));
            JsonKind::List
        }
    };
    found.insert((path.to_owned(), kind as u8));
}

fn shape_kinds(shape: &JsonShape, path: &str, found: &mut BTreeSet<(String, u8)>) {
    for kind in super::shape::KINDS {
        if shape.first(kind) != NOWHERE {
            found.insert((path.to_owned(), kind as u8));
        }
    }
    for field in shape.fields.iter() {
        shape_kinds(&field.shape, &format!("{path}.{}", field.name), found);
    }
    if let Some(items) = &shape.items {
        shape_kinds(items, &format!("{path}[]"), found);
    }
}

/// Lines, whole, blank and damaged, and what they are made of.
const PIECES: &[&[u8]] = &[
    b"{\"a\":1}\n",
    b"{ \"a\" : \"a text that is longer than a block of sixty-four bytes, escapes \\u00e9\\n among it\" }\r\n",
    b"\n",
    b"\n",
    b" \t\r\n",
    b"\xef\xbb\xbf",
    b"{\"b\":[",
    b"{\"c\":\"",
    b"\"x\\\"",
    b"\\",
    b"\t",
    b"\x01",
    b"]",
    b"}",
    b"2.5",
    b",",
    b"\xe4\xbd\xa0",
    b"\xe4\xbd",
    b"\xff",
];

/// What is seen of a chunk, each line of which is cut off, and checked for UTF-8, before it is looked at.
fn one_by_one(bytes: &[u8], is_first: bool) -> ChunkSeen<JsonShape> {
    let mut seen = ChunkSeen { rows: 0, lines: 0, found: JsonShape::default(), fault: None };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| is_first).unwrap_or(bytes);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        seen.lines += 1;
        if line.iter().all(|byte| b" \t\r".contains(byte)) {
            continue;
        }
        let walked = match std::str::from_utf8(line) {
            Ok(_) => walk(line, seen.lines, &mut seen.found),
            Err(error) => {
                let at = error.valid_up_to();
                Err(LineFault { at, what: "the text is not valid UTF-8".into() })
            }
        };
        if let Err(fault) = walked {
            seen.fault = Some((seen.lines, fault));
            break;
        }
        seen.rows += 1;
    }
    seen
}

proptest! {
    #[test]
    fn shapes_are_those_of_the_values(
        rows in prop::collection::vec(prop::collection::btree_map("[a-c]", value(), 0..4), 1..8),
        cut in 0_usize..8,
    ) {
        let rows: Vec<Value> =
            rows.into_iter().map(|row| row.into_iter().collect::<serde_json::Map<_, _>>().into()).collect();
        let cut = cut.min(rows.len());
        let (mut whole, mut first, mut second) = Default::default();
        let mut expected = BTreeSet::new();
        for (row, value) in rows.iter().enumerate() {
            kinds(value, "", &mut expected);
            let line = value.to_string();
            walk(line.as_bytes(), row as u64 + 1, &mut whole).expect("a line of serde_json");
            let (part, number) = if row < cut { (&mut first, row) } else { (&mut second, row - cut) };
            walk(line.as_bytes(), number as u64 + 1, part).expect("a line of serde_json");
        }
        let mut found = BTreeSet::new();
        shape_kinds(&whole, "", &mut found);
        prop_assert_eq!(found, expected);
        // Two parts, put together.
        whole.place(7, 0);
        let mut joined = JsonShape::default();
        first.place(7, 0);
        second.place(7, cut as u64);
        joined.merge(first);
        joined.merge(second);
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn lines_of_a_chunk_are_looked_at_as_each_alone(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40), is_first: bool,
    ) {
        let bytes = pieces.concat();
        let seen = look(&bytes, is_first);
        let expected = one_by_one(&bytes, is_first);
        prop_assert_eq!((seen.rows, seen.fault), (expected.rows, expected.fault));
        prop_assert_eq!((seen.lines, seen.found), (expected.lines, expected.found));
    }

    #[test]
    fn lines_are_judged_as_by_serde_json(
        line in "\\{(\"[ab]\" ?: ?(-?0?[0-9]{1,2}(\\.[0-9])?(e[+-]?[0-9])?|\"[a\\\\n]{0,3}\"|null|true|\\[[1,]{0,3}\\]|\\{\\}),?){0,3}\\}?"
    ) {
        let expected = serde_json::from_str::<Value>(&line).is_ok();
        let found = walk(line.as_bytes(), 1, &mut JsonShape::default());
        let is_twice = found.as_ref().is_err_and(|fault| fault.what.contains("twice"));
        prop_assert!(is_twice || found.is_ok() == expected, "{line}: {found:?}");
    }
}
