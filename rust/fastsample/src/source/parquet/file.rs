//! A Parquet file: its footer, parsed and checked, and its schema.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::budget::Budget;
use super::catch::catch;
use super::check::{check_footer, check_rows};
use super::embedded;
use super::footer::Footer;
use super::pages::Directory;
use super::writer;
use crate::error::Result;
use crate::source::file::{OpenFile, SourceFile};
use crate::text::Kept;

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
    /// The first leaf of each top-level column, and behind them the number of leaves.
    first_leaves: Arc<[usize]>,
    /// Leaves that are left out, by index.
    left_out: Arc<[usize]>,
}

impl ParquetFile {
    /// Reads the footer of `file`, of which `open` is a handle.
    pub(crate) fn open(file: &SourceFile, open: &OpenFile) -> Result<Self> {
        let path = file.path();
        let metadata = Arc::new(Footer::read(open)?.decode(path)?);
        check_footer(path, &metadata, file.len())?;
        check_rows(open, &metadata)?;
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
        Ok(Self {
            file: file.clone(),
            schema,
            pages: Directory::default(),
            budget: Budget::new(file.len()),
            all_compressed: writer::compresses_all(created_by),
            left_out: Arc::default(),
            first_leaves: first_leaves(metadata.metadata()),
            metadata,
        })
    }

    /// The same file with only some leaves of some columns, by index.
    pub(crate) fn narrowed(&self, kept: &[(usize, &Kept)]) -> Self {
        let (mut fields, mut left_out) = (self.schema.fields().to_vec(), Vec::new());
        for &(root, kept) in kept {
            let field = fields[root].as_ref().clone();
            let (leaves, marks) = (self.leaves(&[root]), kept.leaves(field.data_type()));
            // Arrow and Parquet nearly always agree on what the leaves are.
            if leaves.len() == marks.len() {
                let dropped = leaves.into_iter().zip(marks).filter(|(_, kept)| !kept);
                left_out.extend(dropped.map(|(leaf, _)| leaf));
                let kind = kept.data_type(field.data_type());
                fields[root] = Arc::new(field.with_data_type(kind));
            }
        }
        left_out.sort_unstable();
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        Self { schema: Arc::new(schema), left_out: left_out.into(), ..self.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn file(&self) -> &SourceFile {
        &self.file
    }

    pub(crate) fn len(&self) -> u64 {
        self.file.len()
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The compression codecs in use, each once.
    pub(crate) fn codecs(&self) -> Vec<String> {
        let chunks = self.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
        let mut found: Vec<Compression> = Vec::new();
        for codec in chunks.map(ColumnChunkMetaData::compression) {
            if !found.contains(&codec) {
                found.push(codec);
            }
        }
        let name = |codec: &Compression| {
            codec.to_string().split('(').next().unwrap_or_default().to_lowercase()
        };
        let mut codecs: Vec<String> = found.iter().map(name).collect();
        codecs.sort();
        codecs.dedup();
        codecs
    }

    /// Opens the file again, if it is still the same.
    pub(super) fn open_again(&self) -> Result<OpenFile> {
        self.file.open()
    }

    /// The footer as the decoder of `parquet` takes it, with text and binary columns as views.
    pub(super) fn parsed(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether pages of version 2 are compressed even where their headers deny it.
    pub(super) fn all_compressed(&self) -> bool {
        self.all_compressed
    }

    /// Where the data pages of a column chunk are, in order, if that is known.
    pub(super) fn locations(
        &self,
        open: &OpenFile,
        group: usize,
        leaf: usize,
    ) -> Option<Vec<PageLocation>> {
        self.pages.locations(open, self.metadata(), group, leaf)
    }

    pub(super) fn metadata(&self) -> &ParquetMetaData {
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

    /// The leaf columns below the top-level columns `roots` that are read.
    pub(super) fn leaves(&self, roots: &[usize]) -> Vec<usize> {
        let of_root = |&root: &usize| match self.first_leaves.get(root..root + 2) {
            Some(&[first, next]) => first..next,
            _ => 0..0,
        };
        let leaves = roots.iter().flat_map(of_root);
        leaves.filter(|leaf| self.left_out.binary_search(leaf).is_err()).collect()
    }
}

/// The first leaf of each top-level column, and behind them the number of leaves: a file may have so
/// many columns that looking through all for each takes long.
fn first_leaves(metadata: &ParquetMetaData) -> Arc<[usize]> {
    let schema = metadata.file_metadata().schema_descr();
    let mut firsts = Vec::new();
    for leaf in 0..schema.num_columns() {
        // A group without leaves begins where the next column does.
        firsts.resize(firsts.len().max(schema.get_column_root_idx(leaf) + 1), leaf);
    }
    firsts.push(schema.num_columns());
    firsts.into()
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
