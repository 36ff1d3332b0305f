//! Arrow IPC: the file format (`.arrow`, Feather 2) and the stream format, compressed or not.
//!
//! Both are a sequence of messages. The file format lists them in a footer; a stream is walked
//! once, headers only. After that there is no difference: every record batch can be read alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, MessageHeader, MetadataVersion};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::claims;
use super::file::{OpenFile, SourceFile};
use super::message;
use crate::error::{Error, Result};
use crate::exec::panic_message;

const MAGIC: &[u8] = b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A record batch in a file.
#[derive(Debug, Clone)]
struct BatchBlock {
    block: Block,
    rows: u64,
    /// Dictionaries that come before it, and so apply to it.
    dictionaries: usize,
    /// That of its message: some writers note another one in the footer.
    version: MetadataVersion,
}

/// An Arrow IPC file or stream on disk.
#[derive(Debug, Clone)]
pub(crate) struct IpcFile {
    file: SourceFile,
    schema: SchemaRef,
    batches: Arc<[BatchBlock]>,
    dictionaries: Arc<[Block]>,
}

impl IpcFile {
    pub(crate) fn open(file: &SourceFile) -> Result<Self> {
        let open = file.open()?;
        let has_magic = file.len() >= 8 && open.read_buffer(0, 6)?.as_slice() == MAGIC;
        catch(&open, || {
            if has_magic { Self::from_footer(file, &open) } else { Self::from_stream(file, &open) }
        })
    }

    fn from_footer(file: &SourceFile, open: &OpenFile) -> Result<Self> {
        let truncated = || {
            Error::corrupt(
                open.path(),
                "the Arrow file is truncated (its footer is missing); fetch or write it again",
            )
        };
        let size = file.len();
        if size < 18 {
            return Err(truncated());
        }
        let tail = open.read_buffer(size - 10, 10)?;
        let mut trailer = [0; 10];
        trailer.copy_from_slice(&tail);
        let len = arrow_ipc::reader::read_footer_length(trailer).map_err(|_| truncated())?;
        let start = (size - 10).checked_sub(len as u64).ok_or_else(truncated)?;
        let footer = open.read_buffer(start, len)?;
        let footer = message::footer(&footer).map_err(|_| truncated())?;
        let schema = convert(open, footer.schema().ok_or_else(truncated)?)?;
        let dictionaries: Vec<Block> = footer.dictionaries().iter().flatten().copied().collect();
        // Blocks that lie on top of each other would be read over and over.
        let blocks = footer.recordBatches().into_iter().flatten().chain(&dictionaries);
        let mut bytes = 0_u64;
        for block in blocks {
            bytes = bytes.saturating_add(block_end(open, block)? - block.offset() as u64);
        }
        if bytes > size {
            return Err(damaged(open, &format!("its messages claim {bytes} bytes of {size}")));
        }
        let mut batches = Vec::new();
        for &block in footer.recordBatches().iter().flatten() {
            let header =
                open.read_buffer(block.offset() as u64, block.metaDataLength() as usize)?;
            let message = parse(open, &header)?;
            let rows = claimed_rows(open, &message)?;
            let (dictionaries, version) = (dictionaries.len(), message.version());
            batches.push(BatchBlock { block, rows, dictionaries, version });
        }
        Ok(Self {
            file: file.clone(),
            schema,
            batches: batches.into(),
            dictionaries: dictionaries.into(),
        })
    }

    fn from_stream(file: &SourceFile, open: &OpenFile) -> Result<Self> {
        let mut schema = None;
        let (mut batches, mut dictionaries) = (Vec::new(), Vec::new());
        let mut offset = 0;
        while offset < file.len() {
            // Streams of a version before 0.15 end with a length of nothing, without a marker.
            let is_end = |last: Buffer| last.iter().all(|&byte| byte == 0);
            if offset + 4 == file.len() && is_end(open.read_buffer(offset, 4)?) {
                break;
            }
            if offset + 8 > file.len() {
                return Err(Error::corrupt(
                    open.path(),
                    "the Arrow stream is truncated; fetch or write the file again",
                ));
            }
            let prefix = open.read_buffer(offset, 8)?;
            // Streams written before Arrow 0.15 lack the continuation marker.
            let marked = prefix[..4] == CONTINUATION;
            let length = if marked { &prefix[4..8] } else { &prefix[..4] };
            let length = i32::from_le_bytes([length[0], length[1], length[2], length[3]]);
            if length == 0 {
                break;
            }
            let meta_len = length
                .checked_add(if marked { 8 } else { 4 })
                .filter(|_| length > 0)
                .ok_or_else(|| not_a_stream(open))?;
            let header = open.read_buffer(offset, meta_len as usize)?;
            let message = parse(open, &header)?;
            let block = Block::new(offset as i64, meta_len, message.bodyLength());
            match message.header_type() {
                MessageHeader::Schema => {
                    let found = message.header_as_schema().ok_or_else(|| not_a_stream(open))?;
                    schema = Some(convert(open, found)?);
                }
                MessageHeader::DictionaryBatch => dictionaries.push(block),
                MessageHeader::RecordBatch => {
                    let rows = claimed_rows(open, &message)?;
                    let (dictionaries, version) = (dictionaries.len(), message.version());
                    batches.push(BatchBlock { block, rows, dictionaries, version });
                }
                _ => {}
            }
            offset = block_end(open, &block)?;
        }
        let Some(schema) = schema else {
            return Err(not_a_stream(open));
        };
        Ok(Self {
            file: file.clone(),
            schema,
            batches: batches.into(),
            dictionaries: dictionaries.into(),
        })
    }

    /// Whether a file begins like a stream of a version before 0.15: with the length of a schema
    /// message, without a marker in front.
    pub(crate) fn is_old_stream(open: &OpenFile) -> bool {
        let length = || {
            let prefix = open.read_buffer(0, 4).ok()?;
            let prefix = prefix.first_chunk::<4>()?;
            usize::try_from(i32::from_le_bytes(*prefix)).ok()?.checked_add(4)
        };
        let Some(length) = length() else { return false };
        length as u64 <= open.size()
            && open.read_buffer(0, length).is_ok_and(|header| {
                message::parse(&header)
                    .is_ok_and(|message| message.header_type() == MessageHeader::Schema)
            })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn len(&self) -> u64 {
        self.file.len()
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows of each record batch.
    pub(crate) fn units(&self) -> impl Iterator<Item = u64> + '_ {
        self.batches.iter().map(|batch| batch.rows)
    }

    /// Reads the columns `roots` of a record batch.
    pub(crate) fn read(&self, index: usize, roots: &[usize]) -> Result<RecordBatch> {
        self.decode(index, roots).map_err(|error| {
            // Whose fault it is shows when each column is read alone. Dictionaries are read for
            // all columns; if one of them is broken, every column seems to be.
            let Error::Corrupt { path, what } = error else { return error };
            let fails = |root: &&usize| self.decode(index, &[**root]).is_err();
            let broken: Vec<&Field> =
                roots.iter().filter(fails).map(|&root| self.schema.field(root)).collect();
            let has_dictionary =
                |field: &&&Field| matches!(field.data_type(), DataType::Dictionary(..));
            let all = broken.len() == roots.len();
            let culprit = broken.iter().find(|field| all && has_dictionary(field));
            let culprit = culprit.or(broken.first());
            let what = match culprit {
                Some(field) => format!("column {:?}: {what}", field.name()),
                None => what,
            };
            Error::Corrupt { path, what }
        })
    }

    fn decode(&self, index: usize, roots: &[usize]) -> Result<RecordBatch> {
        let open = self.file.open()?;
        catch(&open, || {
            let wanted = &self.batches[index];
            let mut decoder = FileDecoder::new(self.schema.clone(), wanted.version);
            for block in &self.dictionaries[..wanted.dictionaries] {
                let data = read_block(&open, block)?;
                decoder
                    .read_dictionary(block, &data)
                    .map_err(|error| Error::arrow(open.path(), &error))?;
            }
            let decoder = decoder.with_projection(roots.to_vec());
            let data = read_block(&open, &wanted.block)?;
            let batch = decoder
                .read_record_batch(&wanted.block, &data)
                .map_err(|error| open.explain(Error::arrow(open.path(), &error)))?
                .filter(|batch| batch.num_rows() as u64 == wanted.rows);
            open.verify()?;
            batch.ok_or_else(|| {
                Error::corrupt(
                    open.path(),
                    format!("record batch {index} is damaged; write the file again"),
                )
            })
        })
    }
}

/// Reads a message and checks what its decoder would take on trust.
fn read_block(open: &OpenFile, block: &Block) -> Result<Buffer> {
    let end = block_end(open, block)?;
    let data = open.read_buffer(block.offset() as u64, (end - block.offset() as u64) as usize)?;
    let message = parse(open, &data)?;
    let batch = message.header_as_record_batch();
    let batch = batch.or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch else { return Ok(data) };
    let body = data.get(block.metaDataLength() as usize..).unwrap_or_default();
    claims::check(&batch, body, open.size())
        .map_err(|refusal| refusal.of(open.path(), "damaged"))?;
    Ok(data)
}

fn damaged(open: &OpenFile, what: &str) -> Error {
    Error::corrupt(open.path(), format!("damaged: {what}; fetch or write the file again"))
}

/// The Arrow schema, if its data can be read as it lies in the file.
fn convert(open: &OpenFile, schema: arrow_ipc::Schema<'_>) -> Result<SchemaRef> {
    if message::is_native(schema) {
        return Ok(Arc::new(fb_to_schema(schema)));
    }
    Err(Error::unsupported(
        open.path(),
        "the numbers in the file have the byte order of another kind of machine (big-endian), \
         which is not supported; write the file again on a little-endian machine",
    ))
}

/// The rows that a record batch claims, if they can be.
fn claimed_rows(open: &OpenFile, message: &arrow_ipc::Message<'_>) -> Result<u64> {
    let Some(batch) = message.header_as_record_batch() else { return Ok(0) };
    let first = batch.nodes().iter().flatten().next();
    let columns_agree = first.is_none_or(|column| column.length() == batch.length());
    match u64::try_from(batch.length()) {
        Ok(rows) if i32::try_from(rows).is_ok() && columns_agree => Ok(rows),
        _ => Err(Error::corrupt(
            open.path(),
            format!("damaged: a record batch claims {} rows; write the file again", batch.length()),
        )),
    }
}

fn not_a_stream(open: &OpenFile) -> Error {
    Error::corrupt(
        open.path(),
        "neither an Arrow file nor an Arrow stream; give a Parquet or Arrow file",
    )
}

/// The offset after a block, if it lies inside the file.
fn block_end(open: &OpenFile, block: &Block) -> Result<u64> {
    let end = || {
        let start = u64::try_from(block.offset()).ok()?;
        let header = u64::try_from(block.metaDataLength()).ok()?;
        start.checked_add(header)?.checked_add(u64::try_from(block.bodyLength()).ok()?)
    };
    end().filter(|&end| end <= open.size()).ok_or_else(|| {
        Error::corrupt(open.path(), "the Arrow data is truncated; fetch or write the file again")
    })
}

fn parse<'a>(open: &OpenFile, header: &'a [u8]) -> Result<arrow_ipc::Message<'a>> {
    message::parse(header).map_err(|error| {
        Error::corrupt(
            open.path(),
            format!("damaged Arrow message ({error}); write the file again"),
        )
    })
}

/// As for Parquet: a panic of the decoder is the file's fault.
fn catch<T>(open: &OpenFile, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let error = ArrowError::IpcError(panic_message(&*panic));
        Err(open.explain(Error::arrow(open.path(), &error)))
    })
}

#[cfg(test)]
mod tests {
    use arrow_ipc::{Endianness, MessageBuilder, SchemaBuilder};
    use flatbuffers::FlatBufferBuilder;

    use super::*;

    /// A stream without batches, whose schema says how its numbers are laid out.
    fn stream(endianness: Endianness) -> Vec<u8> {
        let mut flat = FlatBufferBuilder::new();
        let fields = flat.create_vector::<flatbuffers::WIPOffset<arrow_ipc::Field<'_>>>(&[]);
        let mut schema = SchemaBuilder::new(&mut flat);
        schema.add_endianness(endianness);
        schema.add_fields(fields);
        let schema = schema.finish();
        let mut message = MessageBuilder::new(&mut flat);
        message.add_version(MetadataVersion::V5);
        message.add_header_type(MessageHeader::Schema);
        message.add_header(schema.as_union_value());
        let message = message.finish();
        flat.finish(message, None);
        let mut bytes = flat.finished_data().to_vec();
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        [&CONTINUATION[..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat()
    }

    #[test]
    fn other_byte_orders_are_refused() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("data.arrows");
        let opened = |endianness| {
            std::fs::write(&path, stream(endianness)).expect("written");
            SourceFile::new(&path).and_then(|file| IpcFile::open(&file))
        };
        let (own, other) = if cfg!(target_endian = "little") {
            (Endianness::Little, Endianness::Big)
        } else {
            (Endianness::Big, Endianness::Little)
        };
        assert_eq!(opened(own).expect("sound").units().count(), 0);
        let error = opened(other).expect_err("another byte order");
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
}
