//! Rows of a part by the last decision.

use arrow_schema::SchemaRef;

use super::decision::Decision;
use super::draw::{PartedDraw, SourceFiles};
use crate::error::Result;
use crate::exec::Context;
use crate::exec::envelope::State;
use crate::sample::Sample;
use crate::select::Selection;

impl PartedDraw {
    /// The decision of this draw that the bytes are.
    pub(super) fn read(&self, decision: &[u8]) -> Result<Decision> {
        let state = State::<Decision>::from_bytes(decision)?;
        state.check(self.job())?;
        state.finish()
    }

    /// The rows of a part that were drawn, and the ordinal of its first row.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a decision that is not the last one, and whatever opening fails with.
    pub fn sample(
        &self,
        ctx: &Context,
        part: &SourceFiles,
        decision: &[u8],
    ) -> Result<(Sample, u64)> {
        let decision = self.read(decision)?;
        let selection = decision.chosen()?;
        let (source, first) = decision.open(ctx, part)?;
        let mask = selection.mask(first..first + source.rows());
        let chosen = Selection::of_mask(mask);
        Ok((Sample::of_part(source, chosen, self.seed), first))
    }

    /// The ordinals of the rows of a part that were drawn, ascending. Its files are not read.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a decision that is not the last one, or a part that is not there.
    pub fn row_ids(&self, index: u64, decision: &[u8]) -> Result<Vec<u64>> {
        let decision = self.read(decision)?;
        let selection = decision.chosen()?;
        let mut ids = Vec::new();
        selection.extend_ids(decision.ordinals(index)?, &mut ids);
        Ok(ids)
    }

    /// The columns of the rows that are read. No file is read.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for the decision of another draw.
    pub fn schema(&self, decision: &[u8]) -> Result<SchemaRef> {
        Ok(self.read(decision)?.columns.schema)
    }

    /// The ordinal of the first row of each part, and behind them the number of all rows.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for the decision of another draw.
    pub fn firsts(&self, decision: &[u8]) -> Result<Vec<u64>> {
        let decision = self.read(decision)?;
        let mut firsts = vec![0];
        firsts.extend(decision.rows.iter().scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum)
        }));
        Ok(firsts)
    }
}
