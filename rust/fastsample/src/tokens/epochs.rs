//! `TokenEpochs`: draws by tokens that follow each other in one order of rows.

use super::draw::{Order, TokenDraw, TokenLimits, too_few};
use super::prefix::TokenPrefix;
use crate::error::Result;
use crate::exec::Context;

/// The draws of an order of rows: each goes on where the one before ends. No row is counted twice.
///
/// Invariant: `ends` are the places behind the first epochs, ascending.
#[derive(Debug)]
pub struct TokenEpochs<O> {
    rows: TokenPrefix<O>,
    limits: TokenLimits,
    ends: Vec<usize>,
}

impl<O: Order> TokenEpochs<O> {
    /// Epochs of rows up to the same limits each.
    #[must_use]
    pub fn new(rows: TokenPrefix<O>, limits: TokenLimits) -> Self {
        Self { rows, limits, ends: Vec::new() }
    }

    /// The rows in the order of the draw.
    #[must_use]
    pub fn rows(&self) -> &TokenPrefix<O> {
        &self.rows
    }

    /// The rows of an epoch, from 0; none behind the last row. The first is what [`super::draw()`] draws.
    ///
    /// # Errors
    /// As [`super::draw()`].
    pub fn epoch(&mut self, ctx: &Context, epoch: usize) -> Result<Option<TokenDraw>> {
        while self.ends.len() < epoch {
            if self.next(ctx)?.is_none() {
                return Ok(None);
            }
        }
        if self.ends.len() == epoch {
            return self.next(ctx);
        }
        let start = epoch.checked_sub(1).map_or(0, |before| self.ends[before]);
        Ok(self.rows.window(ctx, self.limits, start)?.map(|(drawn, _)| drawn))
    }

    /// How many there are. All rows are counted for that.
    ///
    /// # Errors
    /// As [`TokenEpochs::epoch`].
    pub fn count(&mut self, ctx: &Context) -> Result<usize> {
        while self.next(ctx)?.is_some() {}
        Ok(self.ends.len())
    }

    /// The first epoch that was not drawn yet; none behind the last.
    fn next(&mut self, ctx: &Context) -> Result<Option<TokenDraw>> {
        let start = self.ends.last().copied().unwrap_or_default();
        match self.rows.window(ctx, self.limits, start)? {
            Some((drawn, end)) => {
                self.ends.push(end);
                Ok(Some(drawn))
            }
            None if self.ends.is_empty() => {
                let max_tokens = self.limits.max_tokens.unwrap_or(u32::MAX);
                let short = self.rows.short_rows(max_tokens);
                Err(too_few(short, self.rows.order().rows(), max_tokens))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use proptest::prelude::*;

    use super::*;
    use crate::hash::RowHash;
    use crate::select::Selection;
    use crate::source::Source;
    use crate::tokens::{Goal, Measure, Tokenizer, UniformOrder};

    /// A tokenizer that has a token for each word.
    fn words() -> Tokenizer {
        let json = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
            "normalizer":null,"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,
            "decoder":null,"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), json).unwrap();
        Tokenizer::open(file.path(), false).unwrap()
    }

    fn naive(lengths: &[(u64, u32)], limits: TokenLimits) -> Vec<Vec<u64>> {
        let (mut epochs, mut rows) = (Vec::new(), lengths.iter().copied().peekable());
        let max = limits.max_tokens.unwrap_or(u32::MAX);
        loop {
            let (mut ids, mut tokens, mut is_full) = (Vec::new(), 0, false);
            while let Some(&(id, length)) = rows.peek() {
                if length <= max {
                    if matches!(limits.goal, Goal::Tokens(budget) if tokens + u64::from(length) > budget)
                    {
                        is_full = true;
                        break;
                    }
                    ids.push(id);
                    tokens += u64::from(length);
                }
                rows.next();
                if limits.goal == Goal::Rows(ids.len() as u64) {
                    is_full = true;
                    break;
                }
            }
            let is_budget = match limits.goal {
                Goal::Tokens(budget) => tokens == budget || epochs.is_empty(),
                Goal::Rows(_) => false,
            };
            if ids.is_empty() || !(is_full || is_budget) {
                return epochs;
            }
            epochs.push(ids);
        }
    }

    proptest! {
        #[test]
        fn epochs_are_the_naive_ones(
            words_of in prop::collection::vec(0_usize..9, 1..300),
            max_tokens in prop::option::of(3_u32..9), by_rows: bool, size in 8_u64..200, seed: u64
        ) {
            let texts: Vec<String> = words_of.iter().map(|&words| "a ".repeat(words)).collect();
            let column: ArrayRef = Arc::new(StringArray::from(texts));
            let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
            let source = Source::from_batches(batch.schema(), vec![batch], None).unwrap();
            let ctx = Context::new(Some(2));
            let rows = Measure::new(&ctx, source, Some(&["text".into()]), words()).unwrap();
            let among = Selection::All { rows: words_of.len() as u64 };
            let goal = if by_rows { Goal::Rows(size / 8) } else { Goal::Tokens(size) };
            let limits = TokenLimits { goal, max_tokens };
            let order = UniformOrder { among, seed };
            let mut epochs = TokenEpochs::new(TokenPrefix::new(rows, order), limits);
            let hash = RowHash::new(seed);
            let mut sorted: Vec<(u64, u32)> =
                (0..).zip(words_of.iter().map(|&words| words as u32)).collect();
            sorted.sort_by_key(|(id, _)| hash.of(*id));
            let expected = naive(&sorted, limits);
            for (epoch, ids) in expected.iter().enumerate().rev() {
                prop_assert_eq!(&epochs.epoch(&ctx, epoch).unwrap().unwrap().ids, ids);
            }
            if expected.is_empty() {
                prop_assert!(epochs.epoch(&ctx, 0).is_err());
            } else {
                prop_assert!(epochs.epoch(&ctx, expected.len()).unwrap().is_none());
                prop_assert_eq!(epochs.count(&ctx).unwrap(), expected.len());
            }
        }
    }
}
