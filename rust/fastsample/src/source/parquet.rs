//! A Parquet file: its footer, its pages, and reading chosen rows of a row group.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy, RowSelector,
};
use parquet::basic::Compression;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::reader::{Length, SerializedPageReader};

use super::file::{OpenFile, SourceFile};
use super::footer::is_encrypted;
use crate::error::{Error, Result};
use crate::ordered::panic_message;
use crate::select::RowMask;

/// Rows decoded at once, at most: the decoder's own default of 1,024 is slow, and more than this
/// gains nothing.
const WINDOW_ROWS: usize = 32 * 1024;

/// Text decoded at once, about: a window holds the pages it touches in memory.
const WINDOW_BYTES: usize = 16 << 20;

/// Below one chosen row in this many, rows are skipped one by one instead of being decoded and
/// masked out, so that pages without a chosen row are never decompressed.
const SPARSE: usize = 64;

/// A Parquet file and its footer.
#[derive(Debug, Clone)]
pub(crate) struct ParquetFile {
    file: SourceFile,
    metadata: ArrowReaderMetadata,
    schema: SchemaRef,
}

impl ParquetFile {
    pub(crate) fn open(file: &SourceFile) -> Result<Self> {
        let path = file.path();
        let open = file.open()?;
        if is_encrypted(&footer_bytes(&open)?) {
            return Err(Error::unsupported(
                path,
                "columns of the file are encrypted, which is not supported; \
                 write a decrypted copy first",
            ));
        }
        let parse = |offset_index| {
            catch(path, || {
                ParquetMetaDataReader::new()
                    .with_column_index_policy(PageIndexPolicy::Skip)
                    .with_offset_index_policy(offset_index)
                    .parse_and_finish(&open)
            })
        };
        // The index only saves time; without a sound one, page headers tell the same.
        let metadata =
            parse(PageIndexPolicy::Optional).or_else(|_| parse(PageIndexPolicy::Skip))?;
        let metadata = Arc::new(metadata);
        check_footer(path, &metadata, file.len())?;
        let native = catch(path, || {
            let own = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new());
            // An Arrow schema stored in the file may be damaged or from the future; Parquet's own
            // schema always describes the data.
            own.or_else(|_| {
                let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
                ArrowReaderMetadata::try_new(metadata.clone(), options)
            })
        })?;
        let schema = native.schema().clone();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(with_views(&schema)));
        let metadata = ArrowReaderMetadata::try_new(metadata, options).unwrap_or(native);
        let opened = Self { file: file.clone(), metadata, schema };
        opened.check_rows(&Arc::new(open))?;
        Ok(opened)
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

    /// The compression codecs in use, each once.
    pub(crate) fn codecs(&self) -> Vec<String> {
        let chunks = self
            .metadata()
            .row_groups()
            .iter()
            .flat_map(parquet::file::metadata::RowGroupMetaData::columns);
        let mut codecs: Vec<String> = chunks
            .map(|chunk| {
                let codec = chunk.compression().to_string();
                codec.split('(').next().unwrap_or_default().to_lowercase()
            })
            .collect();
        codecs.sort();
        codecs.dedup();
        codecs
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// Rows of each row group.
    pub(crate) fn units(&self) -> impl Iterator<Item = u64> + '_ {
        self.metadata().row_groups().iter().map(|group| group.num_rows() as u64)
    }

    /// Uncompressed bytes of the columns `roots` in a row group.
    pub(crate) fn bytes(&self, group: usize, roots: &[usize]) -> usize {
        let columns = self.leaves(roots);
        let group = self.metadata().row_group(group);
        columns.into_iter().map(|leaf| group.column(leaf).uncompressed_size().max(0) as usize).sum()
    }

    /// The leaf columns below the top-level columns `roots`.
    fn leaves(&self, roots: &[usize]) -> Vec<usize> {
        let schema = self.metadata().file_metadata().schema_descr();
        (0..schema.num_columns())
            .filter(|&leaf| roots.binary_search(&schema.get_column_root_idx(leaf)).is_ok())
            .collect()
    }

    /// Rows of a group at which it may be split into spans of about `target` uncompressed bytes.
    ///
    /// Splits lie where a page of the heaviest column begins, since a page can only be
    /// decompressed whole. A page of a lighter column that straddles a split is read on both
    /// sides, so spans are made long enough for that not to matter. A group whose page limits are
    /// unknown (repeated values without an index) or that consists of few large pages stays whole.
    pub(crate) fn splits(&self, group: usize, roots: &[usize], target: usize) -> Vec<u64> {
        const STRADDLED_SHARE: usize = 8;
        if self.bytes(group, roots) < target + target / 2 {
            return Vec::new();
        }
        let Ok(open) = self.file.open() else { return Vec::new() };
        let open = Arc::new(open);
        let mut heaviest: (usize, Vec<u64>) = (0, Vec::new());
        let mut straddled = 0;
        for leaf in self.leaves(roots) {
            let bytes = self.metadata().row_group(group).column(leaf).uncompressed_size() as usize;
            let Ok(starts) = self.page_starts(&open, group, leaf) else { return Vec::new() };
            straddled += bytes / starts.len().max(1);
            if bytes > heaviest.0 {
                straddled -= bytes / starts.len().max(1);
                straddled += heaviest.0 / heaviest.1.len().max(1);
                heaviest = (bytes, starts);
            }
        }
        let rows = self.metadata().row_group(group).num_rows() as usize;
        let target = target.max(straddled * STRADDLED_SHARE);
        let span_rows = (rows as u128 * target as u128 / self.bytes(group, roots) as u128) as u64;
        let mut splits = Vec::new();
        let mut last = 0;
        for start in heaviest.1 {
            let too_short_a_rest = (rows as u64 - start) < span_rows / 2;
            if start >= last + span_rows && !too_short_a_rest {
                splits.push(start);
                last = start;
            }
        }
        splits
    }

    /// The first row of each data page of a column chunk, from the index or the page headers.
    fn page_starts(&self, open: &Arc<OpenFile>, group: usize, leaf: usize) -> Result<Vec<u64>> {
        let index = self.metadata().offset_index().and_then(|groups| groups.get(group)?.get(leaf));
        if let Some(index) = index {
            return Ok(index.page_locations().iter().map(|at| at.first_row_index as u64).collect());
        }
        catch(self.file.path(), || {
            let group = self.metadata().row_group(group);
            let rows = group.num_rows() as usize;
            let mut pages =
                SerializedPageReader::new(open.clone(), group.column(leaf), rows, None)?;
            let flat = group.column(leaf).column_descr().max_rep_level() == 0;
            let (mut starts, mut row) = (Vec::new(), 0);
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    starts.push(row as u64);
                    row += page
                        .num_rows
                        .or(page.num_levels.filter(|_| flat))
                        .ok_or_else(|| ParquetError::General("unknown page limits".into()))?;
                }
                pages.skip_next_page()?;
            }
            Ok(starts)
        })
    }

    /// Fails if a row group claims many rows for its bytes and its pages do not bear it out.
    ///
    /// A column of equal values needs next to no bytes, so the claim may be true; but a false count
    /// of 10^15 rows would keep a draw busy for days.
    fn check_rows(&self, open: &Arc<OpenFile>) -> Result<()> {
        const BELIEVED_ROWS_PER_BYTE: i64 = 8;
        for (index, group) in self.metadata().row_groups().iter().enumerate() {
            let bytes: i64 = group.columns().iter().map(ColumnChunkMetaData::compressed_size).sum();
            if group.num_rows() / BELIEVED_ROWS_PER_BYTE <= bytes {
                continue;
            }
            let rows = group.num_rows() as u64;
            let flat = |&leaf: &usize| group.column(leaf).column_descr().max_rep_level() == 0;
            // A row of a repeated column has one value or more; an empty list counts as one.
            let leaf = (0..group.columns().len()).find(flat);
            let found = self.count_values(open, index, leaf.unwrap_or(0))?;
            if found < rows || (leaf.is_some() && found > rows) {
                return Err(Error::corrupt(
                    self.file.path(),
                    format!(
                        "damaged footer: row group {index} claims {rows} rows in {bytes} bytes, but \
                         its pages have {found}; fetch or write the file again"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Values of a column chunk without repetition, by its page headers.
    fn count_values(&self, open: &Arc<OpenFile>, group: usize, leaf: usize) -> Result<u64> {
        catch(self.file.path(), || {
            let group = self.metadata().row_group(group);
            let rows = group.num_rows() as usize;
            let mut pages =
                SerializedPageReader::new(open.clone(), group.column(leaf), rows, None)?;
            let mut values = 0;
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    values += page.num_levels.or(page.num_rows).unwrap_or(0) as u64;
                }
                pages.skip_next_page()?;
            }
            Ok(values)
        })
    }

    /// Reads the rows of `range` in a row group that `mask` chooses, window by window.
    ///
    /// Columns come in the order of `roots`. Text and binary columns come as views, which refer to
    /// the decompressed pages instead of copying them.
    pub(crate) fn read(
        &self,
        group: usize,
        range: Range<u64>,
        mask: &RowMask,
        roots: &[usize],
    ) -> Result<ParquetBatches> {
        let open = self.file.open()?;
        let rows = self.metadata().row_group(group).num_rows() as usize;
        let row_bytes = (self.bytes(group, roots) / rows.max(1)).max(1);
        let window = (WINDOW_BYTES / row_bytes).clamp(1, WINDOW_ROWS);
        let sparse = mask.count() * SPARSE < mask.len();
        let batch_rows =
            (window as u128 * mask.count() as u128 / mask.len().max(1) as u128) as usize;
        let policy = if sparse { RowSelectionPolicy::Selectors } else { RowSelectionPolicy::Mask };
        let selection = row_selection(range.start as usize, mask);
        let reader = self
            .reader(open, group, roots, |builder| {
                builder
                    .with_batch_size(batch_rows.max(1))
                    .with_row_selection(selection)
                    .with_row_selection_policy(policy)
            })
            .map_err(|error| self.blame(group, &range, roots, error))?;
        Ok(ParquetBatches {
            reader: Some(reader),
            verify: self.file.open()?,
            origin: self.clone(),
            group,
            range,
            roots: roots.to_vec(),
            expected: mask.count(),
        })
    }

    fn reader(
        &self,
        open: OpenFile,
        group: usize,
        roots: &[usize],
        configure: impl FnOnce(
            ParquetRecordBatchReaderBuilder<OpenFile>,
        ) -> ParquetRecordBatchReaderBuilder<OpenFile>,
    ) -> Result<ParquetRecordBatchReader> {
        let schema = self.metadata().file_metadata().schema_descr();
        let projection = ProjectionMask::roots(schema, roots.iter().copied());
        catch(self.file.path(), || {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(open, self.metadata.clone());
            configure(builder.with_row_groups(vec![group]).with_projection(projection)).build()
        })
    }

    /// Finds out which column a failure comes from by reading each alone, and says so.
    fn blame(&self, group: usize, range: &Range<u64>, roots: &[usize], error: Error) -> Error {
        let (Error::Corrupt { path, what } | Error::Unsupported { path, what }) = &error else {
            return error;
        };
        let broken = |root: usize| -> Result<()> {
            let skip = RowSelector::skip(range.start as usize);
            let select = RowSelector::select((range.end - range.start) as usize);
            let reader = self.reader(self.file.open()?, group, &[root], |builder| {
                builder.with_batch_size(1024).with_row_selection(vec![skip, select].into())
            })?;
            catch(self.file.path(), || {
                for batch in reader {
                    batch.map_err(ParquetError::from)?;
                }
                Ok(())
            })
        };
        let Some(&root) = roots.iter().find(|&&root| broken(root).is_err()) else { return error };
        let name = self.schema.field(root).name();
        let what = format!("column {name:?}, row group {group}: {what}");
        match &error {
            Error::Corrupt { .. } => Error::Corrupt { path: path.clone(), what },
            _ => Error::Unsupported { path: path.clone(), what },
        }
    }
}

/// The chosen rows of a span, window by window.
pub(crate) struct ParquetBatches {
    reader: Option<ParquetRecordBatchReader>,
    verify: OpenFile,
    origin: ParquetFile,
    group: usize,
    range: Range<u64>,
    roots: Vec<usize>,
    expected: usize,
}

impl Iterator for ParquetBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let path = self.verify.path();
        let next = catch(path, || reader.next().transpose().map_err(ParquetError::from));
        let failure = match next {
            Ok(Some(batch)) => {
                self.expected = self.expected.saturating_sub(batch.num_rows());
                return Some(Ok(batch));
            }
            Ok(None) if self.expected > 0 => Some(Error::corrupt(
                path,
                format!(
                    "damaged: row group {} ends {} rows early; fetch or write the file again",
                    self.group, self.expected
                ),
            )),
            Ok(None) => self.verify.verify().err(),
            Err(error) => {
                let error = self.verify.explain(error);
                Some(self.origin.blame(self.group, &self.range, &self.roots, error))
            }
        };
        self.reader = None;
        failure.map(Err)
    }
}

/// The serialised `FileMetaData`; empty if the file has no sound trailer.
fn footer_bytes(open: &OpenFile) -> Result<Buffer> {
    const TRAILER: u64 = 8;
    let body_end = Length::len(open).saturating_sub(TRAILER);
    let trailer = open.read_buffer(body_end, TRAILER.min(Length::len(open)) as usize)?;
    let length =
        trailer.first_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    match body_end.checked_sub(length) {
        Some(start) => open.read_buffer(start, length as usize),
        None => Ok(Buffer::from_vec(Vec::<u8>::new())),
    }
}

/// Runs a decoder on data that may be hostile: its errors and its panics are the file's fault.
fn catch<T>(path: &Path, decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::parquet(path, &error)),
        Err(panic) => Err(Error::corrupt(
            path,
            format!(
                "damaged data (the decoder gave up: {}); fetch or write the file again",
                panic_message(&*panic)
            ),
        )),
    }
}

/// Numbers in a footer are only claims.
fn check_footer(path: &Path, metadata: &ParquetMetaData, size: u64) -> Result<()> {
    let damaged = |what: String| {
        Err(Error::corrupt(path, format!("damaged footer: {what}; fetch or write the file again")))
    };
    let mut rows = 0_i64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return damaged(format!("row group {index} claims {} rows", group.num_rows()));
        }
        rows = rows.saturating_add(group.num_rows());
        for column in group.columns() {
            let name = column.column_path().string();
            if let Compression::LZO = column.compression() {
                return Err(Error::unsupported(
                    path,
                    &format!(
                        "column {name:?} is compressed with LZO, which is not supported; rewrite it with zstd"
                    ),
                ));
            }
            if column.dictionary_page_offset() == Some(0) {
                return Err(Error::unsupported(
                    path,
                    &format!(
                        "column {name:?} says that its dictionary is at offset 0, which is not \
                         supported; rewrite the file with a current writer"
                    ),
                ));
            }
            let flat = column.column_descr().max_rep_level() == 0;
            if flat && column.num_values() != group.num_rows() {
                return damaged(format!(
                    "column {name:?} of row group {index} has {} values for {} rows",
                    column.num_values(),
                    group.num_rows()
                ));
            }
            let start =
                column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            if start < 0 || column.compressed_size() < 0 || end.is_none_or(|end| end as u64 > size)
            {
                return damaged(format!(
                    "column {name:?} of row group {index} should end at byte {} of {size}",
                    end.unwrap_or(i64::MAX)
                ));
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return Err(Error::unsupported(
            path,
            &format!(
                "the row groups hold {rows} rows but the footer claims {}, which is not supported; \
                 rewrite the file with a current writer",
                metadata.file_metadata().num_rows()
            ),
        ));
    }
    Ok(())
}

/// The schema with text and binary columns as views.
fn with_views(schema: &Schema) -> Schema {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
        }
        DataType::Binary | DataType::LargeBinary => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::BinaryView))
        }
        _ => field.clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(view).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// The rows of a row group to read: none before `start`, then those that `mask` chooses.
fn row_selection(start: usize, mask: &RowMask) -> RowSelection {
    match mask {
        RowMask::AllTrue(len) => vec![RowSelector::skip(start), RowSelector::select(*len)].into(),
        RowMask::AllFalse(len) => vec![RowSelector::skip(start + len)].into(),
        RowMask::Values(bits) if start == 0 => RowSelection::from_boolean_buffer(bits.clone()),
        RowMask::Values(bits) => {
            let mut all = BooleanBufferBuilder::new(start + bits.len());
            all.append_buffer(&BooleanBuffer::new_unset(start));
            all.append_buffer(bits);
            RowSelection::from_boolean_buffer(all.build())
        }
    }
}
