//! Statistics of the rows that are written, taken as they pass: characters of the text, equal rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::exec::{Context, lock, memory};
use crate::hash::Repeated;
use crate::text::{RowTexts, TextColumns};

/// Where the texts of a batch are found.
pub(super) type Texts = for<'a> fn(&TextColumns, &'a RecordBatch) -> Result<RowTexts<'a>>;

/// Counts the characters of the text, and equal rows, as batches pass by.
pub(super) struct TextTotals {
    pub(super) text: TextColumns,
    chars: Vec<AtomicU64>,
    /// A hash of all texts of each row.
    hashes: Mutex<Vec<u64>>,
}

impl TextTotals {
    pub(super) fn new(text: TextColumns) -> Self {
        let chars = text.leaves().iter().map(|_| AtomicU64::new(0)).collect();
        Self { text, chars, hashes: Mutex::default() }
    }

    pub(super) fn observe(
        self: Arc<Self>,
        ctx: Context,
        batches: impl Iterator<Item = Result<RecordBatch>> + Send,
        texts: Texts,
    ) -> impl Iterator<Item = Result<RecordBatch>> + Send {
        batches.map(move |batch| {
            let batch = batch?;
            ctx.compute(|| self.see(&batch, texts))?;
            Ok(batch)
        })
    }

    /// Takes in a batch; they may come in any order.
    pub(super) fn see(&self, batch: &RecordBatch, texts: Texts) -> Result<()> {
        if self.text.is_empty() { Ok(()) } else { self.add(&texts(&self.text, batch)?) }
    }

    fn add(&self, texts: &RowTexts<'_>) -> Result<()> {
        for (leaf, total) in self.chars.iter().enumerate() {
            total.fetch_add(texts.chars_of_leaf(leaf) as u64, Ordering::Relaxed);
        }
        let found: Vec<u64> = (0..texts.rows()).map(|row| texts.hash(row)).collect();
        let mut hashes = lock(&self.hashes);
        memory::grow(&mut hashes, found.len(), "the hashes of the rows written")?;
        hashes.extend(found);
        Ok(())
    }

    pub(super) fn copies(&self) -> Result<u64> {
        let hashes = lock(&self.hashes);
        memory::require_rows::<u64>(hashes.len() as u64, "the sorted hashes")?;
        let mut repeated = Repeated::default();
        let found = repeated.find(hashes.iter().copied());
        Ok(found.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64)
    }

    pub(super) fn sums(&self) -> Vec<u64> {
        self.chars.iter().map(|total| total.load(Ordering::Relaxed)).collect()
    }
}
