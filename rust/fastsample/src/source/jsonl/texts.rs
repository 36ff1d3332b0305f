//! Lines as columns of texts: what scans and the report of a draw read of lines.
//!
//! Only strings, lists and structs of them are built here, straight from the line; all other types
//! are left to arrow-json, which is the oracle. Keys that no column has are passed over. Lines were checked
//! when the file was opened: whatever is not as it was then means that the file has changed.

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_schema::Fields;

use super::columns::{JsonObjects, JsonValues};
use super::stops::Stops;
use crate::error::Result;

/// The columns of some lines.
#[derive(Debug)]
pub(super) struct TextLines {
    rows: JsonObjects,
}

impl TextLines {
    /// None if a column has another type than strings, lists and structs.
    pub(super) fn new(columns: &Fields) -> Option<Self> {
        Some(Self { rows: JsonObjects::new(columns)? })
    }

    /// Takes in a line; none if it is not what it was.
    pub(super) fn add(&mut self, line: &[u8]) -> Option<()> {
        let mut line = Line { bytes: line, at: 0, stops: Stops::default() };
        line.spaces();
        line.object(&mut self.rows)?;
        line.spaces();
        (line.at == line.bytes.len()).then_some(())
    }

    /// The columns of the lines taken in.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>> {
        self.rows.finish_columns()
    }
}

/// A line on the way through it.
struct Line<'a> {
    bytes: &'a [u8],
    at: usize,
    stops: Stops,
}

impl<'a> Line<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes a byte that has to be there, and spaces behind it.
    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)?;
        self.spaces();
        Some(())
    }

    /// Passes a comma; false at the end of a list or an object, which is passed too.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.spaces();
        let found = self.peek()?;
        self.pass(found)?;
        match found {
            b',' => Some(true),
            _ => (found == end).then_some(false),
        }
    }

    fn value(&mut self, values: &mut JsonValues) -> Option<()> {
        match (self.peek()?, values) {
            (b'n', values) => {
                (self.scalar() == b"null").then(|| values.append_null())?;
            }
            (b'"', JsonValues::Texts(texts)) => texts.append_value(self.text()?),
            // Of a column that is set to texts: as they are written.
            (b'-' | b'0'..=b'9' | b't' | b'f', JsonValues::Texts(texts)) => {
                texts.append_value(std::str::from_utf8(self.scalar()).ok()?);
            }
            (b'{', JsonValues::Objects(structs)) => {
                self.object(structs)?;
                structs.nulls.append_non_null();
            }
            (b'[', JsonValues::Lists(lists)) => {
                self.list(&mut lists.items)?;
                lists.offsets.push(i32::try_from(lists.items.len()).ok()?);
                lists.nulls.append_non_null();
            }
            _ => return None,
        }
        Some(())
    }

    fn object(&mut self, structs: &mut JsonObjects) -> Option<()> {
        self.pass(b'{')?;
        let mut guess = 0;
        let mut goes_on = self.peek()? != b'}';
        if !goes_on {
            self.at += 1;
        }
        while goes_on {
            let place = structs.place(self.text()?.as_bytes(), guess);
            self.spaces();
            self.pass(b':')?;
            match place {
                Some(place) => {
                    let values = &mut structs.columns[place];
                    // A key is there once.
                    (values.len() == structs.len).then_some(())?;
                    self.value(values)?;
                    guess = place + 1;
                }
                None => self.skip()?,
            }
            goes_on = self.goes_on(b'}')?;
        }
        structs.len += 1;
        for values in &mut structs.columns {
            if values.len() < structs.len {
                values.append_null();
            }
        }
        Some(())
    }

    fn list(&mut self, items: &mut JsonValues) -> Option<()> {
        self.pass(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.value(items)?;
            if !self.goes_on(b']')? {
                return Some(());
            }
        }
    }

    /// The bytes of a number, true, false or null.
    fn scalar(&mut self) -> &[u8] {
        let rest = &self.bytes[self.at..];
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let len = rest.iter().take_while(is_part).count();
        self.at += len;
        &rest[..len]
    }

    /// Passes a value of which nothing is wanted.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => _ = self.quoted()?,
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                }
                b'}' | b']' => {
                    self.at += 1;
                    depth = depth.checked_sub(1)?;
                }
                b',' | b':' | b' ' | b'\t' | b'\r' if depth > 0 => self.at += 1,
                _ => (!self.scalar().is_empty()).then_some(())?,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A text with its quotes, and whether it has escapes.
    fn quoted(&mut self) -> Option<(&'a [u8], bool)> {
        (self.peek()? == b'"').then_some(())?;
        let start = self.at;
        let (mut at, mut has_escapes) = (start + 1, false);
        loop {
            let stop = self.stops.next(self.bytes, at);
            match self.bytes.get(stop)? {
                b'"' => {
                    self.at = stop + 1;
                    return Some((&self.bytes[start..self.at], has_escapes));
                }
                b'\\' => {
                    has_escapes = true;
                    at = stop + 2;
                }
                _ => return None,
            }
        }
    }

    /// A text in quotes.
    fn text(&mut self) -> Option<Cow<'a, str>> {
        let (quoted, has_escapes) = self.quoted()?;
        if has_escapes {
            return serde_json::from_slice(quoted).ok().map(Cow::Owned);
        }
        simdutf8::basic::from_utf8(&quoted[1..quoted.len() - 1]).ok().map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, RecordBatch};
    use arrow_json::ReaderBuilder;
    use arrow_schema::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::super::surrogates::written_out;
    use super::*;

    /// A column `a` of texts, `m` of lists of objects with texts, `o` of objects with lists of texts.
    fn schema() -> Arc<Schema> {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
        let turn = DataType::Struct(vec![text("role"), text("content")].into());
        let other = vec![Field::new("l", list(DataType::Utf8), true), text("t")];
        Arc::new(Schema::new(vec![
            text("a"),
            Field::new("m", list(turn), true),
            Field::new("o", DataType::Struct(other.into()), true),
        ]))
    }

    /// What is made of lines, if they are what they were.
    fn made(lines: &[String]) -> Option<RecordBatch> {
        let mut texts = TextLines::new(schema().fields())?;
        lines.iter().try_for_each(|line| texts.add(line.as_bytes()))?;
        RecordBatch::try_new(schema(), texts.finish().ok()?).ok()
    }

    fn by_arrow_json(lines: &[String]) -> RecordBatch {
        let builder = ReaderBuilder::new(schema()).with_coerce_primitive(true);
        let mut decoder = builder.build_decoder().expect("a schema of JSON");
        for line in lines {
            decoder.decode(&written_out(line.as_bytes())).expect("a sound line");
        }
        decoder.flush().expect("sound lines").expect("some lines")
    }

    /// A value of JSON as it may be written, of which texts are wanted.
    fn text() -> impl Strategy<Value = String> {
        let quoted = "\"(\\\\[nrtbf/\"\\\\]|\\\\u00[4-6][0-9a-f]|\\\\ud83d\\\\ude0[0-9]|\\\\uD840\\\\udc0[0-9]|[a-z é你😀{},:]|\\[|\\]){0,90}\"";
        prop_oneof![8 => quoted, 1 => Just("null".to_owned()), 1 => "-?[1-9][0-9]?(\\.5)?|true|false"]
    }

    /// Values between two brackets.
    fn joined(begin: &str, end: &str, values: &[String]) -> String {
        format!("{begin} {} {end}", values.join(" ,\t"))
    }

    fn list(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let all = prop::collection::vec(item, 0..4).prop_map(|items| joined("[", "]", &items));
        prop_oneof![6 => all, 1 => Just("null".to_owned()), 1 => Just("[]".to_owned())]
    }

    /// An object with some of these keys, in any order, and others.
    fn object(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
        let other = "(1e5|null|\\[\\{\"a\":\"]}\"\\},\\[\\]\\]|\"\\\\\"}\"|\\{\"m\": \\{\\}\\})";
        let mut all: Vec<BoxedStrategy<String>> =
            vec![other.prop_map(|value| format!("\"other\":{value}")).boxed()];
        for (name, value) in fields {
            all.push(value.prop_map(move |value| format!("\"{name}\" : {value}")).boxed());
        }
        let count = all.len();
        let keys = (all, Just((0..count).collect::<Vec<_>>()).prop_shuffle(), 0..=count);
        keys.prop_map(|(all, order, kept)| {
            let fields: Vec<String> = order[..kept].iter().map(|&at| all[at].clone()).collect();
            joined("{", "}", &fields)
        })
        .boxed()
    }

    fn line() -> BoxedStrategy<String> {
        let turn = object(vec![("content", text().boxed()), ("role", text().boxed())]);
        let other = object(vec![("t", text().boxed()), ("l", list(text()).boxed())]);
        let other = prop_oneof![4 => other, 1 => Just("null".to_owned())];
        object(vec![("a", text().boxed()), ("m", list(turn).boxed()), ("o", other.boxed())])
    }

    proptest! {
        #[test]
        fn lines_are_read_as_by_arrow_json(lines in prop::collection::vec(line(), 1..6)) {
            let made = made(&lines);
            prop_assert_eq!(made.as_ref(), Some(&by_arrow_json(&lines)), "{:?}", lines);
            let columns = made.iter().flat_map(|batch| batch.columns().to_vec());
            for column in columns {
                prop_assert!(column.to_data().validate_full().is_ok());
            }
        }
    }

    #[test]
    fn batches_follow_each_other() {
        let lines = [r#"{"\u0061":"x","o":{"l":["y"]}}"#.to_owned(), r#"{"m":[{}]}"#.to_owned()];
        let mut texts = TextLines::new(schema().fields()).expect("texts");
        for line in &lines {
            texts.add(line.as_bytes()).expect("sound");
            let batch = RecordBatch::try_new(schema(), texts.finish().expect("sound"));
            assert_eq!(batch.expect("one line"), by_arrow_json(std::slice::from_ref(line)));
        }
    }

    #[test]
    fn lines_that_are_not_what_they_were_are_told() {
        let whole =
            r#"{"a":"x\u00e9\ud83d\ude00","m":[{"role":"r"},null],"k":[{"b":"]"}],"o":{"l":[]}}"#;
        assert!(made(&[whole.to_owned()]).is_some());
        for end in 0..whole.len() {
            let mut texts = TextLines::new(schema().fields()).expect("texts");
            assert_eq!(texts.add(&whole.as_bytes()[..end]), None, "{end}");
            for byte in 0..=255 {
                let mut damaged = whole.as_bytes().to_vec();
                damaged[end] = byte;
                let mut texts = TextLines::new(schema().fields()).expect("texts");
                if texts.add(&damaged).is_some() {
                    assert!(texts.finish().is_ok(), "{end} {byte}");
                }
            }
        }
        for line in [
            r#"{"a":1"#,
            r#"{"a":{}}"#,
            r#"{"a":"1","a":"2"}"#,
            r#"{"m":"x"}"#,
            "[]",
            "{}{}",
            "{\"a\":\"\t\"}",
        ] {
            assert_eq!(made(&[line.to_owned()]), None, "{line}");
        }
    }
}
