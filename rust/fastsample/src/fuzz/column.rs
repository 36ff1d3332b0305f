//! Pages of one column under a footer that is sound.
//!
//! ```text
//!  type  codec  rows  values  pages ...
//!  one byte each, then all bytes of a column chunk
//! ```

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use parquet::basic::Encoding;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

use super::seeds::{codecs, write};

/// Types of a column. The first two are those of [`seeds`].
const TYPES: [&str; 10] = [
    "optional binary v (UTF8)",
    "optional int32 v",
    "required binary v (UTF8)",
    "required binary v",
    "optional int64 v",
    "required boolean v",
    "optional double v",
    "optional int96 v",
    "optional fixed_len_byte_array(3) v",
    "optional fixed_len_byte_array(9) v (DECIMAL(20,2))",
];

/// The file that the bytes stand for.
pub(super) fn file(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&[kind, codec, rows, values], pages) = bytes.split_first_chunk()?;
    let message = format!("message m {{ {}; }}", TYPES[kind as usize % TYPES.len()]);
    let schema = Arc::new(parse_message_type(&message).expect("a sound schema"));
    let schema = Arc::new(SchemaDescriptor::new(schema));
    let size = pages.len() as i64;
    let column = ColumnChunkMetaData::builder(schema.column(0))
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
        .set_compression(codecs()[codec as usize % codecs().len()])
        .set_num_values(i64::from(values))
        .set_total_compressed_size(size)
        .set_total_uncompressed_size(size.saturating_mul(4))
        .set_data_page_offset(4)
        .build()
        .expect("a sound column");
    let group = RowGroupMetaData::builder(schema.clone())
        .set_num_rows(i64::from(rows))
        .set_total_byte_size(size)
        .set_column_metadata(vec![column])
        .build()
        .expect("a sound row group");
    let file = FileMetaData::new(2, i64::from(rows), None, None, schema, None);
    let metadata = ParquetMetaData::new(file, vec![group]);
    let mut bytes = [b"PAR1", pages].concat();
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().expect("a footer");
    Some(bytes)
}

/// Columns of texts and of numbers, in all codecs, with and without dictionaries.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let rows = 60_u8;
    let texts: StringArray =
        (0..rows).map(|row| (row % 5 != 0).then(|| "你好 abc ".repeat(row as usize % 6))).collect();
    let numbers: Int32Array =
        (0..rows).map(|row| (row % 3 != 0).then_some(i32::from(row) << 7)).collect();
    let columns: [ArrayRef; 2] = [Arc::new(texts), Arc::new(numbers)];
    let mut seeds = Vec::new();
    for (kind, column) in columns.into_iter().enumerate() {
        let batch =
            RecordBatch::try_from_iter_with_nullable([("v", column, true)]).expect("a column");
        for (number, codec) in codecs().into_iter().enumerate() {
            for dictionary in [false, true] {
                let version = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
                let properties = WriterProperties::builder()
                    .set_compression(codec)
                    .set_dictionary_enabled(dictionary)
                    .set_writer_version(version[(number + kind) % 2])
                    .set_data_page_row_count_limit(16);
                let file = write(&batch, properties);
                let metadata = ParquetMetaDataReader::new()
                    .parse_and_finish(&bytes::Bytes::from(file.clone()))
                    .expect("a sound file");
                let (from, length) = metadata.row_group(0).column(0).byte_range();
                let pages = &file[from as usize..(from + length) as usize];
                seeds.push([&[kind as u8, number as u8, rows, rows][..], pages].concat());
            }
        }
    }
    seeds
}
