//! Records and fields against a state machine that looks at one byte after the other.

use proptest::prelude::*;

use super::fields::CsvFields;
use super::kind::ColumnSeen;
use crate::source::lines::QuotedRecords;

/// Fields of rows, and whether they have quotes.
type Rows = Vec<Vec<(Vec<u8>, bool)>>;

/// The fields of all records, as bytes and whether they have quotes; none if there is a fault.
fn naive(bytes: &[u8]) -> Option<Rows> {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let begins_row = row.is_empty();
        let blank = [&b"\r\n"[..], b"\n"].into_iter().find(|end| bytes[at..].starts_with(end));
        if let Some(blank) = blank.filter(|_| begins_row) {
            at += blank.len();
            continue;
        }
        if begins_row && &bytes[at..] == b"\r" {
            break;
        }
        let (mut field, is_quoted) = (Vec::new(), bytes[at] == b'"');
        if is_quoted {
            at += 1;
            loop {
                match (bytes.get(at)?, bytes.get(at + 1)) {
                    (b'"', Some(b'"')) => {
                        field.push(b'"');
                        at += 2;
                    }
                    (b'"', _) => break at += 1,
                    (&byte, _) => {
                        field.push(byte);
                        at += 1;
                    }
                }
            }
        } else {
            while let Some(&byte) = bytes.get(at).filter(|byte| !b",\n\r".contains(byte)) {
                field.push(byte);
                at += 1;
            }
        }
        row.push((field, is_quoted));
        match &bytes[at..] {
            [b',', rest @ ..] => {
                at += 1;
                // Behind the last comma there is one more field.
                if matches!(rest, [] | [b'\n', ..] | [b'\r', b'\n', ..] | [b'\r']) {
                    row.push((Vec::new(), false));
                    at += rest.len().min(1 + usize::from(rest.starts_with(b"\r\n")));
                    rows.push(std::mem::take(&mut row));
                }
            }
            [] | [b'\r'] => {
                at = bytes.len();
                rows.push(std::mem::take(&mut row));
            }
            [b'\n', ..] => {
                at += 1;
                rows.push(std::mem::take(&mut row));
            }
            [b'\r', b'\n', ..] => {
                at += 2;
                rows.push(std::mem::take(&mut row));
            }
            _ => return None,
        }
    }
    Some(rows)
}

fn found(bytes: &[u8]) -> Option<Rows> {
    let row = |record: std::ops::Range<usize>| {
        CsvFields::new(&bytes[record], b',')
            .map(|field| field.ok().map(|field| (field.text().into_owned(), field.is_quoted)))
            .collect()
    };
    QuotedRecords::new(bytes, b',', 0).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn records_are_those_of_a_state_machine(text in "[a,\"\n\r]{0,24}") {
        prop_assert_eq!(found(text.as_bytes()), naive(text.as_bytes()));
    }

    #[test]
    fn sound_records_come_back(
        rows in prop::collection::vec(prop::collection::vec("[a,\"\n\ré]{0,4}", 1..4), 1..6),
    ) {
        let mut text = String::new();
        for row in &rows {
            let fields: Vec<_> =
                row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            text += &fields.join(",");
            text += "\r\n";
        }
        let expected: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|field| (field.clone().into_bytes(), true)).collect())
            .collect();
        prop_assert_eq!(found(text.as_bytes()), Some(expected));
    }
}

#[test]
fn types_are_those_of_all_fields() {
    use arrow_schema::DataType::{Boolean, Float64, Int64, Null, UInt64, Utf8};
    let kind = |fields: &[&str]| {
        let mut seen = ColumnSeen::default();
        for field in fields {
            CsvFields::new(field.as_bytes(), b',')
                .flatten()
                .for_each(|field| seen.merge(ColumnSeen::of(&field)));
        }
        seen.data_type()
    };
    for (fields, expected) in [
        (&[""][..], Null),
        (&["", "\"\""], Utf8),
        (&["1", "-0", "", "\"3\"", "-9223372036854775808"], Int64),
        (&["1", "\"\""], Int64),
        (&["0", "18446744073709551615"], UInt64),
        (&["-1", "18446744073709551615"], Utf8),
        (&["18446744073709551616"], Utf8),
        (&["1", "0.5"], Float64),
        (&["1e5", "-.5", "5.", "1E-3", "NaN", "-inf"], Float64),
        (&["1e999"], Utf8),
        (&["true", "False", "TRUE", ""], Boolean),
        (&["true", "1"], Utf8),
        (&["1", "x"], Utf8),
        (&["007"], Utf8),
        (&["00.5"], Utf8),
        (&["+5"], Utf8),
        (&[" 5"], Utf8),
        (&["1_000"], Utf8),
        (&["-"], Utf8),
        (&["."], Utf8),
        (&["1e"], Utf8),
        (&["infinity"], Utf8),
        (&["2026-11-29"], Utf8),
        (&["tRue"], Utf8),
    ] {
        assert_eq!(kind(fields), expected, "{fields:?}");
    }
}
