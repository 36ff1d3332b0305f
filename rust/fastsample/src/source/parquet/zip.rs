//! Zip: batches of columns that were read separately become batches of rows again.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};

use crate::error::{Error, Result};
use crate::source::batches::Batches;

/// Some of the columns.
pub(super) struct Columns {
    /// Where they belong among all columns.
    places: Vec<usize>,
    batches: Batches<'static>,
    /// What is left of the last batch.
    head: Option<RecordBatch>,
}

impl Columns {
    pub(super) fn new(places: Vec<usize>, batches: Batches<'static>) -> Self {
        Self { places, batches, head: None }
    }

    /// Makes sure that there is a row in `head`, unless the part has ended.
    fn advance(&mut self) -> Result<()> {
        while self.head.as_ref().is_none_or(|head| head.num_rows() == 0) {
            self.head = self.batches.next().transpose()?;
            if self.head.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// All columns. The parts have the same rows, but may cut them into batches differently.
pub(super) struct Zip {
    parts: Vec<Columns>,
}

impl Zip {
    pub(super) fn new(parts: Vec<Columns>) -> Self {
        Self { parts }
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        for part in &mut self.parts {
            part.advance()?;
        }
        let heads = self.parts.iter().map(|part| part.head.as_ref().map(RecordBatch::num_rows));
        let rows = heads.clone().min().flatten();
        let Some(rows) = rows else {
            // Each part knows how many rows it owes, and fails when it can't deliver them.
            return if heads.flatten().next().is_none() {
                Ok(None)
            } else {
                Err(Error::Internal("columns of one span differ in their rows".into()))
            };
        };
        let mut columns: Vec<(usize, Arc<Field>, ArrayRef)> = Vec::new();
        for part in &mut self.parts {
            if let Some(head) = &part.head {
                let batch = head.slice(0, rows);
                let fields = head.schema_ref().fields().iter().cloned();
                columns.extend(
                    std::iter::zip(&part.places, std::iter::zip(fields, batch.columns()))
                        .map(|(&place, (field, column))| (place, field, column.clone())),
                );
                part.head = Some(head.slice(rows, head.num_rows() - rows));
            }
        }
        columns.sort_by_key(|(place, ..)| *place);
        let (fields, columns): (Vec<_>, Vec<_>) =
            columns.into_iter().map(|(_, field, column)| (field, column)).unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map(Some)
            .map_err(Error::kernel)
    }
}

impl Iterator for Zip {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batch().transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.parts.clear();
        }
        batch
    }
}
