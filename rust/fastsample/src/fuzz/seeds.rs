//! Sound files of many layouts, made anew each time: the corpus holds only what was found.

use std::sync::{Arc, OnceLock};

use arrow_array::builder::{FixedSizeBinaryBuilder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringArray,
    StructArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

const ROWS: usize = 40;

/// Nullable texts, among them empty and long ones.
fn texts() -> StringArray {
    let text = |row: usize| ["的", "abc", "", "是 text", "哈哈哈"][row % 5].repeat(row % 11);
    (0..ROWS).map(|row| (row % 7 != 0).then(|| text(row))).collect()
}

fn lists() -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..ROWS {
        (0..row % 4).for_each(|i| lists.values().append_value(i.to_string()));
        lists.append(row % 5 != 0);
    }
    Arc::new(lists.finish())
}

fn fixed() -> ArrayRef {
    let mut fixed = FixedSizeBinaryBuilder::new(3);
    (0..ROWS).for_each(|row| fixed.append_value([row as u8, 1, 2]).expect("three bytes"));
    Arc::new(fixed.finish())
}

fn structs() -> ArrayRef {
    let inner: ArrayRef = Arc::new(texts());
    let flags: ArrayRef =
        Arc::new((0..ROWS).map(|row| Some(row % 3 == 0)).collect::<BooleanArray>());
    let fields = [("text", &inner), ("flag", &flags)]
        .map(|(name, column)| Arc::new(Field::new(name, column.data_type().clone(), true)));
    Arc::new(StructArray::new(fields.into_iter().collect(), vec![inner, flags], None))
}

/// A column of each kind.
fn table() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    RecordBatch::try_from_iter([
        ("id", ids),
        ("text", Arc::new(texts()) as ArrayRef),
        ("list", lists()),
        ("fixed", fixed()),
        ("struct", structs()),
    ])
    .expect("columns of one length")
}

/// Writes columns as Parquet.
pub(super) fn write(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = properties.set_write_batch_size(8).build();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    writer.write(batch).expect("written");
    writer.close().expect("closed");
    bytes
}

pub(super) fn codecs() -> [Compression; 6] {
    [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
    ]
}

pub(super) fn parquet() -> Vec<Vec<u8>> {
    let table = table();
    let mut files = Vec::new();
    for (number, codec) in codecs().into_iter().enumerate() {
        let version = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0][number % 2];
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_dictionary_enabled(number >= 3)
            .set_dictionary_page_size_limit(100)
            .set_writer_version(version)
            .set_offset_index_disabled(number % 3 == 0)
            .set_data_page_row_count_limit(16)
            .set_max_row_group_row_count(Some(if number == 1 { 16 } else { ROWS }));
        files.push(write(&table, properties));
    }
    files
}

/// Where the footer of a file begins.
fn footer_start(file: &[u8]) -> usize {
    let length: [u8; 4] = file[file.len() - 8..file.len() - 4].try_into().expect("four bytes");
    file.len() - 8 - u32::from_le_bytes(length) as usize
}

fn sound() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(parquet)
}

/// A sound file with another footer.
pub(super) fn with_footer(choice: u8, footer: &[u8]) -> Vec<u8> {
    let file = &sound()[choice as usize % sound().len()];
    let body = &file[..footer_start(file)];
    [body, footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

pub(super) fn footers() -> Vec<Vec<u8>> {
    let footer = |(choice, file): (u8, &Vec<u8>)| {
        [&[choice][..], &file[footer_start(file)..file.len() - 8]].concat()
    };
    (0..).zip(sound()).map(footer).collect()
}

pub(super) fn ipc() -> Vec<Vec<u8>> {
    let codes: DictionaryArray<arrow_array::types::Int32Type> =
        texts().iter().collect::<DictionaryArray<_>>();
    let mut columns: Vec<(String, ArrayRef)> = vec![("code".into(), Arc::new(codes))];
    let table = table();
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        columns.push((field.name().clone(), column.clone()));
    }
    let views = arrow_cast::cast(table.column(1), &DataType::Utf8View).expect("views of texts");
    columns.push(("view".into(), views));
    let mut numbers = Int32Builder::new();
    (0..ROWS).for_each(|row| numbers.append_option((row % 2 == 0).then_some(row as i32)));
    columns.push(("number".into(), Arc::new(numbers.finish())));
    let table = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut files = Vec::new();
    for codec in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = IpcWriteOptions::default().try_with_compression(codec).expect("a codec");
        let (mut file, mut stream) = (Vec::new(), Vec::new());
        let mut writer =
            FileWriter::try_new_with_options(&mut file, &table.schema(), options.clone())
                .expect("a writer");
        for slice in [table.slice(0, 25), table.slice(25, ROWS - 25)] {
            writer.write(&slice).expect("written");
        }
        writer.finish().expect("closed");
        let mut writer = StreamWriter::try_new_with_options(&mut stream, &table.schema(), options)
            .expect("a writer");
        writer.write(&table).expect("written");
        writer.finish().expect("closed");
        files.extend([file, stream]);
    }
    files
}
