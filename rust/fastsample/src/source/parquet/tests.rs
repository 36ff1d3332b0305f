//! Chunks held against the reader of `parquet`, streams and lanes against its decoder.

use std::fs::File;
use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::{ArrayRef, BinaryArray, Int32Array, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use tempfile::TempDir;

use super::ParquetFile;
use super::index;
use super::lanes::in_lanes;
use super::pages::by_headers;
use super::splits::splits;
use super::wanted::Wanted;
use super::whole::{columns, decoded, streamed};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::select::RowMask;
use crate::source::buffers::Buffers;
use crate::source::file::SourceFile;

/// How a file is written, and what is read of it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "every switch of a writer is on or off")]
struct Case {
    texts: Vec<Option<String>>,
    binary: bool,
    nullable: bool,
    dictionary: bool,
    v2: bool,
    indexed: bool,
    codec: Compression,
    page_rows: usize,
    chosen: Vec<bool>,
    range: (usize, usize),
    batch_rows: usize,
}

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(vec![
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
    ])
}

fn text() -> impl Strategy<Value = String> {
    let long = (0_usize..3, 100_usize..3000)
        .prop_map(|(which, count)| ["哈", "long ", "𠮷"][which].repeat(count));
    prop_oneof![8 => "[a-z你好，。]{0,12}", 1 => long, 1 => Just(String::new())]
}

fn case() -> impl Strategy<Value = Case> {
    let texts = prop::collection::vec(prop::option::weighted(0.8, text()), 1..200);
    let dictionary = prop::bool::weighted(0.2);
    let flags = (any::<bool>(), any::<bool>(), dictionary, any::<bool>(), any::<bool>());
    (texts, flags, codec(), 1_usize..250, 1_usize..80).prop_flat_map(
        |(texts, (binary, nullable, dictionary, v2, indexed), codec, page_rows, batch_rows)| {
            let rows = texts.len();
            let chosen = prop_oneof![
                Just(vec![true; rows]),
                prop::collection::vec(prop::bool::weighted(0.3), rows),
                prop::collection::vec(prop::bool::weighted(0.01), rows),
            ];
            (chosen, 0..rows, 0..rows).prop_map(move |(chosen, a, b)| Case {
                texts: texts.clone(),
                binary,
                nullable,
                dictionary,
                v2,
                indexed,
                codec,
                page_rows,
                chosen,
                range: (a.min(b), a.max(b) + 1),
                batch_rows,
            })
        },
    )
}

/// Writes a number and two texts a row.
fn write(case: &Case, folder: &TempDir) -> std::path::PathBuf {
    let texts: Vec<Option<&str>> = case
        .texts
        .iter()
        .map(|text| text.as_deref().or((!case.nullable).then_some("none")))
        .collect();
    let column: ArrayRef = if case.binary {
        Arc::new(texts.iter().map(|text| text.map(str::as_bytes)).collect::<BinaryArray>())
    } else {
        Arc::new(StringArray::from(texts.clone()))
    };
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..texts.len() as i32));
    let reversed: ArrayRef = Arc::new(texts.iter().rev().copied().collect::<StringArray>());
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("number", numbers, false),
        ("text", column, case.nullable),
        ("reversed", reversed, case.nullable),
    ])
    .expect("columns of one length");
    // Without an index there is no place for statistics of pages.
    let statistics = if case.indexed { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    let version = if case.v2 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let properties = WriterProperties::builder()
        .set_compression(case.codec)
        .set_dictionary_enabled(case.dictionary)
        // Pages behind the first ones are plain.
        .set_dictionary_page_size_limit(100)
        .set_writer_version(version)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!case.indexed)
        .set_data_page_row_count_limit(case.page_rows)
        .set_write_batch_size(case.page_rows.min(16))
        .build();
    let path = folder.path().join("case.parquet");
    let file = File::create(&path).expect("a file in a fresh folder");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
    path
}

fn open(path: &std::path::Path) -> Result<ParquetFile> {
    let file = SourceFile::new(path)?;
    ParquetFile::open(&file, &file.open()?)
}

fn wanted(case: &Case) -> Wanted {
    let (from, to) = case.range;
    let mut bits = BooleanBufferBuilder::new(to - from);
    bits.append_slice(&case.chosen[from..to]);
    Wanted {
        group: 0,
        range: from as u64..to as u64,
        mask: RowMask::new(bits.finish()),
        batch_rows: case.batch_rows,
        buffers: Buffers::default(),
    }
}

/// What the reader of `parquet` makes of a column, pages and all.
fn oracle(file: &ParquetFile, wanted: &Wanted, root: usize) -> Result<Vec<ArrayRef>> {
    super::catch::catch(file.path(), || {
        let handle = File::open(file.path())?;
        let metadata = file.parsed().clone();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata);
        let projection = ProjectionMask::roots(builder.parquet_schema(), [root]);
        let selection = super::decoder::row_selection(wanted.range.start as usize, &wanted.mask);
        let builder = builder.with_batch_size(wanted.batch_rows);
        let reader = builder.with_projection(projection).with_row_selection(selection).build()?;
        Ok(columns(reader.map(|batch| batch.map_err(|error| Error::Internal(error.to_string())))))
    })?
}

/// A byte of a column.
#[derive(Debug, Clone)]
enum Place {
    /// In the header of the first page, more or less.
    Header(u64),
    Anywhere(f64),
    /// In the index of its pages, if it has one.
    Index(f64),
}

impl Place {
    fn index(&self, len: u64) -> u64 {
        match self {
            Self::Header(byte) => byte % len,
            Self::Anywhere(share) | Self::Index(share) => (len as f64 * share) as u64,
        }
    }
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (0_u64..48).prop_map(Place::Header),
        (0.0..1.0).prop_map(Place::Anywhere),
        (0.0..1.0).prop_map(Place::Index)
    ]
}

/// Flips bits of the text column.
fn damage(path: &std::path::Path, sound: &ParquetFile, place: &Place, flip: u8) {
    let column = sound.metadata().row_group(0).column(1);
    let index = index::range(column).filter(|_| matches!(place, Place::Index(_)));
    let (from, len) =
        index.map_or(column.byte_range(), |index| (index.start, index.end - index.start));
    let mut bytes = std::fs::read(path).expect("just written");
    bytes[(from + place.index(len)) as usize] ^= flip;
    std::fs::write(path, bytes).expect("write");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn chunks_read_what_parquet_reads(case in case()) {
        let folder = TempDir::new().expect("a folder");
        let file = open(&write(&case, &folder)).expect("a sound file");
        let wanted = wanted(&case);
        for root in [0, 1, 2] {
            let found = columns(decoded(&file, &wanted, &[root]).expect("opens")).expect("sound");
            prop_assert_eq!(found, oracle(&file, &wanted, root).expect("sound"));
        }
    }

    #[test]
    fn headers_tell_what_an_index_tells(case in case()) {
        let folder = TempDir::new().expect("a folder");
        let file = open(&write(&Case { indexed: true, ..case }, &folder)).expect("a sound file");
        let handle = file.open_again().expect("the file is there");
        for leaf in 0..3 {
            let found = by_headers(&handle, file.metadata().row_group(0), leaf).expect("sound, and no lists");
            let index = index::read(&handle, file.metadata().row_group(0), leaf);
            prop_assert_eq!(found, index.expect("it was written"));
        }
    }

    #[test]
    fn splits_leave_no_span_without_rows(case in case(), target in 1_usize..400) {
        let folder = TempDir::new().expect("a folder");
        let file = open(&write(&case, &folder)).expect("a sound file");
        let cuts = splits(&file, 0, &[0, 1, 2], target);
        let ends = [&[0][..], &cuts, &[case.texts.len() as u64]].concat();
        prop_assert!(ends.is_sorted_by(|a, b| a < b), "{:?}", ends);
    }

    /// Damage that `parquet` finds is found, unless no value depends on it: it is in a size that a
    /// page repeats, or in a dictionary that no page needs.
    #[test]
    fn damaged_chunks_fail_or_tell_the_truth(case in case(), place in place(), flip in 1_u8..) {
        let folder = TempDir::new().expect("a folder");
        let path = write(&case, &folder);
        let wanted = wanted(&case);
        let sound = open(&path).expect("a sound file");
        let truth = oracle(&sound, &wanted, 1).expect("sound");
        damage(&path, &sound, &place, flip);
        let Ok(file) = open(&path) else { return Ok(()) };
        match (decoded(&file, &wanted, &[1]).and_then(columns), oracle(&file, &wanted, 1)) {
            (Ok(found), Ok(same)) => prop_assert_eq!(found, same),
            (Ok(found), Err(_)) => prop_assert_eq!(found, truth),
            (Err(Error::Corrupt { .. } | Error::Unsupported { .. }), _) => {}
            (Err(other), _) => prop_assert!(false, "not damage, but {other}"),
        }
    }

    #[test]
    fn streams_read_what_the_decoder_reads(case in case()) {
        let folder = TempDir::new().expect("a folder");
        let file = open(&write(&case, &folder)).expect("a sound file");
        let wanted = wanted(&case);
        let known = matches!(
            case.codec,
            Compression::UNCOMPRESSED | Compression::GZIP(_) | Compression::ZSTD(_)
        );
        for root in [1, 2] {
            let plain = columns(decoded(&file, &wanted, &[root]).expect("opens")).expect("sound");
            let stream = streamed(&file, &wanted, root).expect("the file is there");
            prop_assert_eq!(stream.is_some(), known && !case.dictionary);
            if let Some(stream) = stream {
                prop_assert_eq!(columns(stream).expect("sound"), plain);
            }
        }
    }

    #[test]
    fn lanes_read_what_one_thread_reads(case in case(), threads in 1_usize..4, lanes in 1_usize..4) {
        let folder = TempDir::new().expect("a folder");
        let file = open(&write(&case, &folder)).expect("a sound file");
        let wanted = wanted(&case);
        let ctx = Context::new(Some(threads));
        for roots in [&[0, 1, 2][..], &[1, 2], &[2]] {
            let plain = columns(decoded(&file, &wanted, roots).expect("opens")).expect("sound");
            let lanes = in_lanes(&ctx, &file, &wanted, roots, lanes).expect("threads");
            prop_assert_eq!(columns(lanes).expect("sound"), plain);
        }
    }

    /// No damage is overlooked that the decoder finds. A stream may find more: it refuses levels
    /// that can't be, and pages that are shorter or longer than they say.
    #[test]
    fn damage_is_not_overlooked(case in case(), place in place(), flip in 1_u8..) {
        let folder = TempDir::new().expect("a folder");
        let path = write(&case, &folder);
        damage(&path, &open(&path).expect("a sound file"), &place, flip);
        let Ok(file) = open(&path) else { return Ok(()) };
        let rows = case.texts.len();
        let mask = RowMask::AllTrue(rows);
        let wanted = Wanted { range: 0..rows as u64, mask, ..wanted(&case) };
        if let Some(stream) = streamed(&file, &wanted, 1).expect("the file is there") {
            let plain = decoded(&file, &wanted, &[1]).and_then(columns);
            match (columns(stream), plain) {
                (Ok(found), Ok(plain)) => prop_assert_eq!(found, plain),
                (Err(found), Err(plain)) => prop_assert_eq!(found.to_string(), plain.to_string()),
                (Err(found), Ok(_)) => {
                    let corrupt = matches!(found, Error::Corrupt { .. });
                    prop_assert!(corrupt, "not damage, but {}", found);
                }
                (Ok(_), Err(plain)) => {
                    prop_assert!(false, "overlooked: {plain}");
                }
            }
        }
    }
}

/// An index that leads to no page is an error, whichever way a column is read.
#[test]
fn a_damaged_index_is_not_overlooked() {
    let texts: Vec<_> = (0..40).map(|row| Some(format!("text {row}"))).collect();
    let rows = texts.len();
    let case = Case {
        chosen: vec![true; rows],
        texts,
        binary: false,
        nullable: true,
        dictionary: false,
        v2: true,
        indexed: true,
        codec: Compression::UNCOMPRESSED,
        page_rows: 16,
        range: (0, rows),
        batch_rows: rows,
    };
    let folder = TempDir::new().expect("a folder");
    let path = write(&case, &folder);
    let sound = open(&path).expect("a sound file");
    let index = index::range(sound.metadata().row_group(0).column(1)).expect("an index");
    let bytes = std::fs::read(&path).expect("just written");
    let mut refused = 0;
    for byte in index {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[byte as usize] ^= 1 << bit;
            std::fs::write(&path, damaged).expect("write");
            let Ok(file) = open(&path) else { continue };
            let wanted = wanted(&case);
            let plain = decoded(&file, &wanted, &[1]).and_then(columns);
            refused += usize::from(plain.is_err());
            let Some(stream) = streamed(&file, &wanted, 1).expect("the file is there") else {
                continue;
            };
            let found = columns(stream).expect("no stream of a column that is refused");
            assert_eq!(Some(found), plain.ok(), "byte {byte}, bit {bit}");
        }
    }
    assert!(refused > 10, "{refused}");
}

/// A character in two values makes UTF-8 of the page, and of none of them.
#[test]
fn torn_characters_are_damage() {
    for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY]
    {
        for values in [["a\u{597d}", "b"].map(str::as_bytes), [b"a\xe5", b"\xa5\xbdb"]] {
            let is_sound = values.iter().all(|value| std::str::from_utf8(value).is_ok());
            let folder = TempDir::new().expect("a folder");
            let path = folder.path().join("torn.parquet");
            let schema = parse_message_type("message m { required binary text (UTF8); }");
            let schema = Arc::new(schema.expect("a schema"));
            let properties = WriterProperties::builder()
                .set_dictionary_enabled(false)
                .set_encoding(encoding)
                .set_statistics_enabled(EnabledStatistics::None)
                .build();
            let file = File::create(&path).expect("a file in a fresh folder");
            let mut writer =
                SerializedFileWriter::new(file, schema, Arc::new(properties)).expect("writer");
            let mut group = writer.next_row_group().expect("a row group");
            let mut column = group.next_column().expect("sound").expect("a column");
            let values = values.map(ByteArray::from);
            column.typed::<ByteArrayType>().write_batch(&values, None, None).expect("write");
            column.close().expect("close");
            group.close().expect("close");
            writer.close().expect("close");
            let file = open(&path).expect("a sound footer");
            let mask = RowMask::AllTrue(2);
            let wanted =
                Wanted { group: 0, range: 0..2, mask, batch_rows: 2, buffers: Buffers::default() };
            let found = decoded(&file, &wanted, &[0]).and_then(columns);
            assert_eq!(found.is_ok(), is_sound, "{encoding}: {found:?}");
            assert!(is_sound || matches!(found, Err(Error::Corrupt { .. })), "{encoding}");
        }
    }
}
