//! `TokensDrawn`: the tokens of a draw.

/// The tokens of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokensDrawn {
    /// Tokens of all rows drawn.
    pub tokens: u64,
    /// Rows that were passed over, since they have too many; of whole groups, those that keep their
    /// groups from being drawn.
    pub too_long: u64,
}
