//! The index of an Arrow IPC file or stream: where its messages are, by its footer or by a walk.

use std::sync::Arc;

use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::{Block, MessageHeader, MetadataVersion};
use arrow_schema::SchemaRef;

use super::message::{self, CONTINUATION};
use crate::error::{Error, Result};
use crate::source::file::OpenFile;
use crate::source::refusal::Refusal;

/// A record batch in a file.
#[derive(Debug, Clone)]
pub(super) struct BatchBlock {
    pub(super) block: Block,
    pub(super) rows: u64,
    /// Dictionaries that come before it, and so apply to it.
    pub(super) dictionaries: usize,
    /// That of its message: some writers note another one in the footer.
    pub(super) version: MetadataVersion,
}

/// The schema of a file, and where its messages are.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<BatchBlock>,
    pub(super) dictionaries: Vec<Block>,
}

/// Reads the footer of a file.
pub(super) fn from_footer(open: &OpenFile) -> Result<Index> {
    let truncated = || {
        Error::corrupt(
            open.path(),
            "the Arrow file is truncated (its footer is missing); fetch or write it again",
        )
    };
    let size = open.size();
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
        return Err(damaged(open, format!("its messages claim {bytes} bytes of {size}")));
    }
    let header = |block: &Block| {
        let start = block.offset() as u64;
        start..start + block.metaDataLength() as u64
    };
    open.plan(vec![footer.recordBatches().into_iter().flatten().map(header).collect()]);
    let mut batches = Vec::new();
    for &block in footer.recordBatches().iter().flatten() {
        let header = open.read_buffer(block.offset() as u64, block.metaDataLength() as usize)?;
        let message = parse(open, &header)?;
        let rows = claimed_rows(open, &message)?;
        let (dictionaries, version) = (dictionaries.len(), message.version());
        batches.push(BatchBlock { block, rows, dictionaries, version });
    }
    Ok(Index { schema, batches, dictionaries })
}

/// Walks the messages of a stream, headers only.
pub(super) fn from_stream(open: &OpenFile) -> Result<Index> {
    let mut schema = None;
    let (mut batches, mut dictionaries) = (Vec::new(), Vec::new());
    let mut offset = 0;
    while offset < open.size() {
        // Streams of a version before 0.15 end with a length of nothing, without a marker.
        let is_end = |last: Buffer| last.iter().all(|&byte| byte == 0);
        if offset + 4 == open.size() && is_end(open.read_buffer(offset, 4)?) {
            break;
        }
        if offset + 8 > open.size() {
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
    Ok(Index { schema, batches, dictionaries })
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

fn damaged(open: &OpenFile, what: String) -> Error {
    Refusal::Damaged(what).of(open.path(), "damaged")
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
pub(super) fn block_end(open: &OpenFile, block: &Block) -> Result<u64> {
    let end = || {
        let start = u64::try_from(block.offset()).ok()?;
        let header = u64::try_from(block.metaDataLength()).ok()?;
        start.checked_add(header)?.checked_add(u64::try_from(block.bodyLength()).ok()?)
    };
    end().filter(|&end| end <= open.size()).ok_or_else(|| {
        Error::corrupt(open.path(), "the Arrow data is truncated; fetch or write the file again")
    })
}

pub(super) fn parse<'a>(open: &OpenFile, header: &'a [u8]) -> Result<arrow_ipc::Message<'a>> {
    message::parse(header).map_err(|error| {
        Error::corrupt(
            open.path(),
            format!("damaged Arrow message ({error}); write the file again"),
        )
    })
}
