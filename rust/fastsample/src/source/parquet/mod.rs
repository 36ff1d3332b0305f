//! A Parquet file: its footer, its pages, and reading chosen rows of a row group.
//!
//! - [`footer`]: a footer, walked before it is parsed, with [`tree`] (its schema) and [`shapes`];
//! - [`check`]: whether a footer's numbers are plausible; [`embedded`]: so is its Arrow schema;
//! - [`pages`]: where pages begin, by their [`index`] or their [`header`]s, and splitting large row
//!   groups there;
//! - [`read`]: chosen rows, window by window, from the pages of [`chunk`], through [`codec`] (their
//!   bytes) and [`bounds`] (their claims, with [`delta`]);
//! - [`stream`]: texts of huge pages, through [`inflate`] (their bytes) and [`levels`] (their nulls);
//! - [`zip`]: columns that were read apart, put together; [`lanes`]: on several cores;
//! - [`thrift`]: the encoding of footers and page headers; [`writer`]: what writers got wrong.

mod bounds;
mod check;
mod chunk;
pub(super) mod codec;
mod delta;
mod embedded;
mod footer;
mod header;
mod index;
mod inflate;
mod lanes;
mod levels;
mod pages;
mod read;
mod shapes;
mod stream;
#[cfg(test)]
mod tests;
mod thrift;
mod tree;
mod writer;
mod zip;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use self::check::check_footer;
use self::codec::Budget;
use self::footer::Footer;
use self::pages::Directory;
pub(super) use self::read::Wanted;
pub(crate) use self::zip::Batches;
use super::file::SourceFile;
use crate::error::{Error, Result};
use crate::exec::panic_message;

/// A Parquet file and its footer.
#[derive(Debug, Clone)]
pub(crate) struct ParquetFile {
    file: SourceFile,
    metadata: ArrowReaderMetadata,
    schema: SchemaRef,
    pages: Directory,
    /// Memory for pages that claim to be far longer than they are.
    budget: Budget,
    /// Whether pages of version 2 are compressed even where their headers deny it.
    all_compressed: bool,
}

impl ParquetFile {
    pub(crate) fn open(file: &SourceFile) -> Result<Self> {
        let path = file.path();
        let open = file.open()?;
        let metadata = Arc::new(Footer::read(&open)?.decode(path)?);
        check_footer(path, &metadata, file.len())?;
        // An Arrow schema stored in the file may be damaged or from the future; Parquet's own
        // schema always describes the data.
        let parse = |skip| {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(skip);
            catch(path, || ArrowReaderMetadata::try_new(metadata.clone(), options.clone()))
        };
        let native = if embedded::is_sound(&metadata) {
            parse(false).or_else(|_| parse(true))?
        } else {
            parse(true)?
        };
        let schema = native.schema().clone();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(with_views(&schema)));
        let metadata = ArrowReaderMetadata::try_new(metadata, options).unwrap_or(native);
        let created_by = metadata.metadata().file_metadata().created_by().unwrap_or_default();
        let opened = Self {
            file: file.clone(),
            schema,
            pages: Directory::default(),
            budget: Budget::new(file.len()),
            all_compressed: writer::compresses_all(created_by),
            metadata,
        };
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
