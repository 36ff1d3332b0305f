//! Streaming decoder of huge pages: texts are copied out of a page while it is inflated.
//!
//! ```text
//!  page  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒    inflated bit by bit, see `inflate`
//!        len text len text len text ...
//!  mask   0        1        0      only chosen texts are copied, all are checked
//! ```
//!
//! The decoder of `parquet` needs a page in memory as a whole. Some writers put a column of a whole
//! row group into one page of up to 500 MB; this reads them in constant memory. It knows plain
//! values only, see [`super::plain_pages`].

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::vec;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::basic::Compression;

use super::decoder::Decoded;
use super::file::ParquetFile;
use super::inflate::Inflater;
use super::levels;
use super::plain_pages::{Layout, PlainPage};
use super::wanted::Wanted;
use crate::error::{Error, Result};
use crate::exec::memory;
use crate::select::RowMask;
use crate::source::file::OpenFile;

/// A batch is handed on at this size, however few rows it has.
const BATCH_BYTES: usize = 32 << 20;

/// Memory for values that is asked for at first.
const LEAST_ROOM: usize = 1 << 20;

/// What 32-bit offsets reach.
const OFFSET_LIMIT: usize = i32::MAX as usize;

/// The chosen values of one column of a row group.
pub(super) struct Stream {
    origin: ParquetFile,
    open: OpenFile,
    wanted: Wanted,
    root: usize,
    codec: Compression,
    optional: bool,
    schema: SchemaRef,
    /// The pages to come, each with its first row.
    pages: vec::IntoIter<(usize, PlainPage)>,
    page: Option<Inside>,
    done: bool,
}

/// A page that is being read.
struct Inside {
    values: Inflater,
    /// Which rows have a value; all if there are no levels.
    present: Option<BooleanBuffer>,
    /// Rows of the row group.
    rows: Range<usize>,
    /// The next row.
    row: usize,
}

impl Stream {
    pub(super) fn new(
        origin: &ParquetFile,
        open: OpenFile,
        wanted: &Wanted,
        root: usize,
        pages: Vec<PlainPage>,
    ) -> Self {
        let group = origin.metadata().row_group(wanted.group);
        let column = group.column(origin.leaves(&[root])[0]);
        let field = origin.schema().field(root);
        let kind = match field.data_type() {
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
            _ => DataType::Utf8,
        };
        let optional = column.column_descr().max_def_level() == 1;
        let schema = Arc::new(Schema::new(vec![Field::new(field.name(), kind, true)]));
        let mut end = 0;
        let starts = pages.into_iter().map(|page| {
            end += page.rows;
            (end - page.rows, page)
        });
        Self {
            pages: starts.collect::<Vec<_>>().into_iter(),
            page: None,
            done: false,
            origin: origin.clone(),
            open,
            wanted: wanted.clone(),
            root,
            codec: column.compression(),
            optional,
            schema,
        }
    }

    /// The next chosen values, or none at the end of the range.
    fn batch(&mut self) -> io::Result<Option<ArrayRef>> {
        let (first, last) = (self.wanted.range.start as usize, self.wanted.range.end as usize);
        let mut column = ColumnBuilder::new(self.schema.field(0).data_type());
        while column.rows < self.wanted.batch_rows && column.bytes < BATCH_BYTES {
            let Some(page) = &mut self.page else {
                self.page = self.next_page()?;
                if self.page.is_none() {
                    break;
                }
                continue;
            };
            let end = page.rows.end.min(last);
            while page.row < end
                && column.rows < self.wanted.batch_rows
                && column.bytes < BATCH_BYTES
            {
                let row = page.row;
                let chosen = row >= first && self.wanted.mask.has(row - first);
                let present =
                    page.present.as_ref().is_none_or(|bits| bits.value(row - page.rows.start));
                if present {
                    let length = page.values.length()?;
                    if chosen && column.bytes + length > OFFSET_LIMIT && column.rows > 0 {
                        return Ok(Some(column.finish()));
                    }
                    column.push(page.values.value(length)?, chosen)?;
                } else if chosen {
                    column.push_null();
                }
                page.row += 1;
            }
            // A range that ends within a page leaves the rest of it to the next read.
            if page.row == end
                && let Some(page) = self.page.take()
                && page.row == page.rows.end
            {
                page.values.finish()?;
            }
        }
        Ok((column.rows > 0).then(|| column.finish()))
    }

    /// Opens the next page of the range with a chosen row.
    fn next_page(&mut self) -> io::Result<Option<Inside>> {
        let (first, last) = (self.wanted.range.start as usize, self.wanted.range.end as usize);
        for (start, page) in self.pages.by_ref() {
            let rows = start..start + page.rows;
            let (from, to) = (rows.start.max(first), rows.end.min(last));
            if from >= to || self.wanted.mask.slice(from - first..to - first).count() == 0 {
                continue;
            }
            let (mut values, levels) = Inflater::new(&self.open, &page, self.codec)?;
            let present = match (self.optional, levels) {
                (false, _) => None,
                (true, Some(bytes)) => Some(levels::decode(&bytes, page.rows)),
                (true, None) => {
                    let length = values.length()?;
                    Some(levels::decode(values.value(length)?, page.rows))
                }
            };
            let damaged = || io::Error::other("damaged definition levels");
            let present = present.map(|levels| levels.ok_or_else(damaged)).transpose()?;
            if let Layout::V2 { nulls, .. } = page.layout
                && nulls != present.as_ref().map_or(0, |bits| page.rows - bits.count_set_bits())
            {
                return Err(damaged());
            }
            return Ok(Some(Inside { values, present, row: rows.start, rows }));
        }
        Ok(None)
    }

    /// The reason of a failure: that of the decoder of `parquet`, if it fails as well.
    fn explain(&self, error: io::Error) -> Error {
        let error = match error.downcast::<Error>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        let damage = Error::corrupt(
            self.origin.path(),
            format!(
                "column {:?}, row group {}: damaged data ({error}); fetch or write the file again",
                self.schema.field(0).name(),
                self.wanted.group
            ),
        );
        let damage = self.open.explain(damage);
        if !matches!(damage, Error::Corrupt { .. }) {
            return damage;
        }
        let mask = RowMask::AllTrue((self.wanted.range.end - self.wanted.range.start) as usize);
        let whole = Wanted { mask, ..self.wanted.clone() };
        let decoded = Decoded::open(&self.origin, self.open.again(), &whole, &[self.root]);
        if let Err(same) = decoded.and_then(|mut batches| batches.try_for_each(|b| b.map(drop))) {
            return same;
        }
        damage
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = match self.batch() {
            Ok(Some(values)) => {
                return Some(
                    RecordBatch::try_new(self.schema.clone(), vec![values]).map_err(Error::kernel),
                );
            }
            Ok(None) => self.open.verify().err(),
            Err(error) => Some(self.explain(error)),
        };
        self.done = true;
        batch.map(Err)
    }
}

/// The values of a batch.
struct ColumnBuilder {
    values: Values,
    rows: usize,
    bytes: usize,
    /// Bytes of values for which there is memory.
    room: usize,
}

enum Values {
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl ColumnBuilder {
    fn new(kind: &DataType) -> Self {
        let values = match kind {
            DataType::Binary => Values::Bytes(BinaryBuilder::new()),
            _ => Values::Text(StringBuilder::new()),
        };
        Self { values, rows: 0, bytes: 0, room: 0 }
    }

    /// Checks a value, and keeps it if it was chosen.
    #[inline]
    fn push(&mut self, value: &[u8], chosen: bool) -> io::Result<()> {
        if chosen {
            self.rows += 1;
            self.bytes += value.len();
            if self.bytes > self.room {
                // The room for values doubles when they have filled it.
                self.room = 2 * self.bytes.max(LEAST_ROOM);
                let what = || "the values of a huge page".to_owned();
                memory::require(self.room, what).map_err(io::Error::other)?;
            }
        }
        match &mut self.values {
            Values::Text(values) => {
                let text = simdutf8::basic::from_utf8(value)
                    .map_err(|_| io::Error::other("encountered non UTF-8 data"))?;
                if chosen {
                    values.append_value(text);
                }
            }
            Values::Bytes(values) if chosen => values.append_value(value),
            Values::Bytes(_) => {}
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::Text(values) => values.append_null(),
            Values::Bytes(values) => values.append_null(),
        }
        self.rows += 1;
    }

    fn finish(mut self) -> ArrayRef {
        match &mut self.values {
            Values::Text(values) => Arc::new(values.finish()),
            Values::Bytes(values) => Arc::new(values.finish()),
        }
    }
}
