//! Row group of an open file, as the decoder of `parquet` asks for it: a reader of pages a column.

use std::sync::Arc;

use parquet::arrow::array_reader::RowGroups;
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::file::ParquetFile;
use super::page_reader::Pages;
use crate::source::file::OpenFile;

/// A row group of an open file.
#[derive(Clone)]
pub(super) struct RowGroup {
    open: Arc<OpenFile>,
    file: ParquetFile,
    group: usize,
}

impl RowGroup {
    pub(super) fn new(open: &Arc<OpenFile>, file: &ParquetFile, group: usize) -> Self {
        Self { open: open.clone(), file: file.clone(), group }
    }

    fn metadata(&self) -> &RowGroupMetaData {
        self.file.metadata().row_group(self.group)
    }
}

impl RowGroups for RowGroup {
    fn num_rows(&self) -> usize {
        self.metadata().num_rows() as usize
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Chunk(Some(Pages::new(&self.open, &self.file, self.group, leaf)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata()))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.file.metadata()
    }
}

/// The one chunk of a column in a row group.
struct Chunk(Option<Pages>);

impl Iterator for Chunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for Chunk {}
