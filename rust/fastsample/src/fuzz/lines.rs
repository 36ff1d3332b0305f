//! Files of lines: refused by name, or read the same in every way, with as many rows as there are.

use std::io::Write;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use flate2::write::GzEncoder;
use xxhash_rust::xxh3::xxh3_64;

use super::{accepted, in_file};
use crate::error::Result;
use crate::exec::Context;
use crate::select::RowMask;
use crate::source::{OpenOptions, Projected, Source};

/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn jsonl(bytes: &[u8]) -> bool {
    check(bytes, ".jsonl", |text| {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let blank = |line: &&[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
        text.split(|&byte| byte == b'\n').filter(|line| !blank(line)).count()
    })
}

/// The first byte tells whether tabs stand between fields.
pub(super) fn csv(bytes: &[u8]) -> bool {
    let Some((&choice, text)) = bytes.split_first() else { return false };
    let (ending, delimiter) = if choice % 2 == 0 { (".csv", b',') } else { (".tsv", b'\t') };
    // A file that begins with a brace is one of objects, whatever its name.
    let is_json = |text: &[u8]| {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        text.trim_ascii_start().first() == Some(&b'{')
    };
    check(text, ending, |text| {
        if is_json(text) { usize::MAX } else { records(text, delimiter).saturating_sub(1) }
    })
}

/// Records of a sound text, counted byte by byte.
fn records(text: &[u8], delimiter: u8) -> usize {
    enum Place {
        Start,
        Plain,
        Within,
        Behind,
    }
    let text = text.strip_prefix(MARK).unwrap_or(text);
    let is_record = |record: &[u8]| !matches!(record, b"" | b"\r");
    let (mut count, mut begin, mut place) = (0, 0, Place::Start);
    for (at, &byte) in text.iter().enumerate() {
        place = match (place, byte) {
            (Place::Within, b'"') => Place::Behind,
            (Place::Within, _) | (Place::Start | Place::Behind, b'"') => Place::Within,
            (_, b'\n') => {
                count += usize::from(is_record(&text[begin..at]));
                begin = at + 1;
                Place::Start
            }
            (_, byte) if byte == delimiter => Place::Start,
            _ => Place::Plain,
        };
    }
    count + usize::from(is_record(&text[begin..]))
}

/// Reads bytes as a file. `count` counts the rows of those that are accepted, if they are not
/// compressed.
fn check(bytes: &[u8], ending: &str, count: impl Fn(&[u8]) -> usize) -> bool {
    in_file(bytes, ending, |path| {
        let read = agree(path);
        if let Err(error) = &read {
            let words = error.to_string();
            let name = path.display().to_string();
            assert!(words.contains(&name) || words.contains("column"), "no file in: {words}");
        }
        let is_plain = !matches!(
            bytes,
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [_, 0x2a, 0x4d, 0x18, ..]
        );
        if let (Ok(rows), true) = (&read, is_plain) {
            let counted = count(bytes);
            assert!(counted == usize::MAX || counted == *rows, "{rows} rows, not {counted}");
        }
        accepted(read.map(drop))
    })
}

/// The rows of a file, which one thread and three, all columns and each alone, all rows and some of
/// them read alike.
fn agree(path: &Path) -> Result<usize> {
    let open = |threads| {
        let ctx = Context::new(Some(threads));
        Source::open(&ctx, &[path.to_path_buf()], &OpenOptions::default())
    };
    let (first, second) = (open(1), open(3));
    if let (Err(first), Err(second)) = (&first, &second) {
        assert_eq!(first.to_string(), second.to_string(), "threads change the error");
    }
    let (source, other) = (first?, second?);
    let whole = all(&Projected::from(&source), |_| true)?;
    assert_eq!(whole.num_rows() as u64, source.rows(), "rows of the whole");
    assert_eq!(all(&Projected::from(&other), |_| true)?, whole, "threads change the rows");
    let is_chosen = |row: u64| xxh3_64(&row.to_le_bytes()).is_multiple_of(3);
    let some = all(&Projected::from(&source), is_chosen)?;
    let mask = (0..source.rows()).map(|row| Some(is_chosen(row))).collect();
    let expected = arrow_select::filter::filter_record_batch(&whole, &mask);
    assert_eq!(some, expected.expect("a mask of its rows"), "some rows");
    for column in 0..whole.num_columns().min(8) {
        let alone = all(&source.project(&[column])?, |_| true)?;
        assert_eq!(alone.column(0), whole.column(column), "column {column} alone");
    }
    Ok(whole.num_rows())
}

/// The rows that are chosen by their ordinals.
fn all(rows: &Projected, is_chosen: impl Fn(u64) -> bool) -> Result<RecordBatch> {
    let mut batches = Vec::new();
    for span in rows.spans() {
        let bits: Vec<bool> = span.ordinals.clone().map(&is_chosen).collect();
        let mask = RowMask::Values(bits.into());
        for batch in rows.read(&span, &mask)? {
            batches.push(batch?);
        }
    }
    let schema = batches.first().map_or_else(|| rows.schema().clone(), RecordBatch::schema);
    Ok(concat_batches(&schema, &batches).expect("batches of one schema"))
}

/// The text, and compressed as two members or frames.
fn compressed(texts: &[&str]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for text in texts {
        let (start, end) = text.as_bytes().split_at(text.len() / 2);
        let member = |bytes: &[u8]| {
            let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(bytes).expect("in memory");
            member.finish().expect("in memory")
        };
        let frame = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).expect("in memory");
        seeds.push(text.as_bytes().to_vec());
        seeds.push([member(start), member(end)].concat());
        seeds.push([frame(start), frame(end)].concat());
    }
    seeds
}

pub(super) fn jsonl_seeds() -> Vec<Vec<u8>> {
    compressed(&[
        "{\"a\":1,\"t\":\"x\"}\n{\"a\":-2.5e3,\"t\":\"\\u00e9\\ud83d\\ude00\"}\r\n\n{\"a\":null}",
        "\u{feff}{\"m\":[{\"role\":\"user\",\"content\":\"你好\"},{}]}\n \t\n{\"m\":[],\"k\":{\"b\":true}}\n",
        "{\"i\":18446744073709551615,\"e\":[]}\n{\"i\":0,\"e\":[[1,2],[]]}\n",
    ])
}

pub(super) fn csv_seeds() -> Vec<Vec<u8>> {
    let choice = |choice: u8, texts: &[&str]| {
        compressed(texts).into_iter().map(move |text| [vec![choice], text].concat()).collect()
    };
    let commas: Vec<Vec<u8>> = choice(
        0,
        &[
            "id,text,ok\n1,\"a, \"\"b\"\"\nc\",true\n-2,,False\r\n\n3,5\" disk,\n",
            "\u{feff}\"a\",b\r\n0.5,18446744073709551615\r\nNaN,\"\"",
            "text\n你好\n\"\"\n",
        ],
    );
    let tabs: Vec<Vec<u8>> = choice(1, &["a\tb\n007\t\"x\ty\"\n\t\n"]);
    [commas, tabs].concat()
}
