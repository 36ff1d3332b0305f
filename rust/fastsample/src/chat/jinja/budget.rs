//! `Allowance`: what one row may take, in steps and in levels.

use super::Fail;

/// Steps a row: each expression is one, and so are 64 bytes. A chat of 1,000 turns needs about
/// 50,000 in the published templates.
pub(super) const FUEL: u64 = 1_000_000;

/// Levels of expressions, bodies and calls within each other: some kilobytes of stack each.
const MOST_LEVELS: usize = 3000;

/// What is left.
#[derive(Debug)]
pub(super) struct Allowance {
    fuel: u64,
    level: usize,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self { fuel: FUEL, level: 0 }
    }

    /// Pays for some steps.
    pub(super) fn pay(&mut self, steps: u64) -> Result<(), Fail> {
        let left = self.fuel.checked_sub(steps);
        self.fuel = left.ok_or_else(|| Fail::new(format!("it takes more than {FUEL} steps")))?;
        Ok(())
    }

    /// Pays for bytes that are read or written.
    pub(super) fn pay_bytes(&mut self, bytes: u64) -> Result<(), Fail> {
        self.pay(bytes / 64)
    }

    /// Goes a level down.
    pub(super) fn enter(&mut self) -> Result<(), Fail> {
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(Fail::new("too many levels of expressions, blocks and calls".into()));
        }
        self.pay(1)
    }

    /// Comes back from a level.
    pub(super) fn leave(&mut self) {
        self.level -= 1;
    }
}
