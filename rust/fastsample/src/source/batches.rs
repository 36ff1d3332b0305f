//! Iterator of record batches, or of failures to read them.

use arrow_array::RecordBatch;

use crate::error::Result;

/// Batches of rows, in order.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + Send + 'a>;
