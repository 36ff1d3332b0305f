//! An Arrow IPC file or stream: its schema, and reading its record batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::Block;
use arrow_ipc::reader::FileDecoder;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::claims;
use super::index::{self, Index};
use crate::error::{Error, Result};
use crate::exec::{cause, panic_message};
use crate::source::file::{OpenFile, SourceFile};
use crate::source::narrow::{KeptColumn, narrow, narrowed};
use crate::text::Kept;

const MAGIC: &[u8] = b"ARROW1";

/// An Arrow IPC file or stream on disk.
#[derive(Debug, Clone)]
pub(crate) struct IpcFile {
    file: SourceFile,
    index: Arc<Index>,
    narrowed: Option<Narrowed>,
}

/// What is kept of some columns, by index, and the schema of that.
#[derive(Debug, Clone)]
struct Narrowed {
    schema: SchemaRef,
    kept: Arc<[(usize, Kept)]>,
}

impl IpcFile {
    /// Reads the index of `file`, of which `open` is a handle.
    pub(crate) fn open(file: &SourceFile, open: &OpenFile) -> Result<Self> {
        let has_magic = file.len() >= 8 && open.read_buffer(0, 6)?.as_slice() == MAGIC;
        let index = catch(open, || {
            if has_magic { index::from_footer(open) } else { index::from_stream(open) }
        })?;
        Ok(Self { file: file.clone(), index: Arc::new(index), narrowed: None })
    }

    pub(crate) fn file(&self) -> &SourceFile {
        &self.file
    }

    pub(crate) fn len(&self) -> u64 {
        self.file.len()
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.narrowed.as_ref().map_or(&self.index.schema, |narrowed| &narrowed.schema)
    }

    /// The same file with only what is kept of some columns. They are read whole all the same.
    pub(crate) fn narrowed(&self, kept: &[KeptColumn<'_>]) -> Self {
        let schema = Arc::new(narrowed(&self.index.schema, kept));
        let kept = kept.iter().map(|&(column, kept)| (column, kept.clone())).collect();
        Self { narrowed: Some(Narrowed { schema, kept }), ..self.clone() }
    }

    /// Rows of each record batch.
    pub(crate) fn units(&self) -> impl Iterator<Item = u64> + '_ {
        self.index.batches.iter().map(|batch| batch.rows)
    }

    /// Reads the columns `roots` of a record batch.
    pub(crate) fn read(&self, index: usize, roots: &[usize]) -> Result<RecordBatch> {
        let batch = self.decode(index, roots).map_err(|error| {
            // Whose fault it is shows when each column is read alone. Dictionaries are read for
            // all columns; if one of them is broken, every column seems to be.
            let Error::Corrupt { path, what } = error else { return error };
            let fails = |root: &&usize| self.decode(index, &[**root]).is_err();
            let broken: Vec<&Field> =
                roots.iter().filter(fails).map(|&root| self.index.schema.field(root)).collect();
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
        })?;
        let kept = self.narrowed.iter().flat_map(|narrowed| narrowed.kept.iter());
        let kept: Vec<KeptColumn<'_>> = kept
            .filter_map(|(column, kept)| Some((roots.binary_search(column).ok()?, kept)))
            .collect();
        if kept.is_empty() { Ok(batch) } else { narrow(&batch, &kept) }
    }

    fn decode(&self, index: usize, roots: &[usize]) -> Result<RecordBatch> {
        let open = self.file.open()?;
        catch(&open, || {
            let wanted = &self.index.batches[index];
            let mut decoder = FileDecoder::new(self.index.schema.clone(), wanted.version);
            for block in &self.index.dictionaries[..wanted.dictionaries] {
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
    let end = index::block_end(open, block)?;
    let data = open.read_buffer(block.offset() as u64, (end - block.offset() as u64) as usize)?;
    let message = index::parse(open, &data)?;
    let batch = message.header_as_record_batch();
    let batch = batch.or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch else { return Ok(data) };
    let body = data.get(block.metaDataLength() as usize..).unwrap_or_default();
    let inflated = claims::check(&batch, body, open.size())
        .map_err(|refusal| refusal.of(open.path(), "damaged"))?;
    open.require(inflated as usize)?;
    Ok(data)
}

/// As for Parquet: a panic of the decoder is the file's fault.
fn catch<T>(open: &OpenFile, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let error = ArrowError::IpcError(panic_message(&*panic));
        Err(cause(&*panic).unwrap_or_else(|| open.explain(Error::arrow(open.path(), &error))))
    })
}

#[cfg(test)]
mod tests {
    use arrow_ipc::{Endianness, MessageBuilder, MessageHeader, MetadataVersion, SchemaBuilder};
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
        [&[0xff; 4][..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat()
    }

    #[test]
    fn other_byte_orders_are_refused() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("data.arrows");
        let opened = |endianness| {
            std::fs::write(&path, stream(endianness)).expect("written");
            SourceFile::new(&path).and_then(|file| IpcFile::open(&file, &file.open()?))
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
