//! The ordinals of the rows of a sample, and a hash of them.

use xxhash_rust::xxh3::Xxh3;

use super::Sample;
use crate::error::Result;
use crate::exec::memory;

/// Ordinals that are hashed at once.
const AT_ONCE: usize = 1 << 12;

impl Sample {
    /// The ordinals of the chosen rows, ascending, as often as each was drawn; of a mixture in the
    /// order of its rows, its sources numbered through.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory).
    pub fn row_ids(&self) -> Result<Vec<u64>> {
        memory::require_rows::<u64>(self.len(), "the ordinals")?;
        let mut ids = Vec::new();
        memory::grow(&mut ids, self.len() as usize, "the ordinals")?;
        ids.extend(self.ids()?);
        Ok(ids)
    }

    /// A hash (XXH3, 128 bits) of the ordinals as 64-bit little-endian integers. No list of them is
    /// made.
    ///
    /// # Errors
    /// For a mixture of more rows than there is an order of.
    ///
    /// # Examples
    /// ```
    /// use fastsample::{Amount, Context, Sample, Source};
    /// # use std::sync::Arc;
    /// # use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
    /// # let ids: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..1000));
    /// # let batch = RecordBatch::try_from_iter([("id", ids)])?;
    /// # let source = Source::from_batches(batch.schema(), vec![batch], None)?;
    ///
    /// let ctx = Context::new(None);
    /// let of = |seed| {
    ///     let ten = Sample::uniform(&ctx, source.clone().into(), Amount::Rows(10), seed);
    ///     ten.and_then(|ten| ten.row_ids_digest())
    /// };
    /// assert_eq!(of(42)?, of(42)?);
    /// assert_ne!(of(42)?, of(43)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn row_ids_digest(&self) -> Result<String> {
        let (mut ids, mut hash) = (self.ids()?, Xxh3::new());
        loop {
            let bytes: Vec<u8> = ids.by_ref().take(AT_ONCE).flat_map(u64::to_le_bytes).collect();
            if bytes.is_empty() {
                return Ok(format!("{:032x}", hash.digest128()));
            }
            hash.update(&bytes);
        }
    }

    fn ids(&self) -> Result<Box<dyn Iterator<Item = u64> + '_>> {
        if let Some(mixed) = &self.mixed {
            return Ok(Box::new(mixed.ids()?));
        }
        if let Some(ids) = &self.row_ids {
            return Ok(Box::new(ids.iter().copied()));
        }
        let ids = self.selection.clone().into_ids();
        Ok(match &self.counts {
            None => Box::new(ids),
            Some(counts) => {
                let each = ids.zip(&**counts);
                Box::new(each.flat_map(|(id, &n)| std::iter::repeat_n(id, n as usize)))
            }
        })
    }
}
