//! Memory budget of the pages of one file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that pages with an unusual ratio may have at a time, in a small file.
const LEAST_BUDGET: u64 = 192 << 20;

/// And for each byte of a larger file.
const BUDGET_A_BYTE: u64 = 64;

/// Memory that the pages of a file may have, however little there is in it. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Budget {
    /// The budget of a file of so many bytes.
    pub(super) fn new(size: u64) -> Self {
        let limit = LEAST_BUDGET.max(size.saturating_mul(BUDGET_A_BYTE));
        Self { limit, used: Arc::default() }
    }

    /// What may be used at once.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets memory aside until the charge is dropped, if there is as much.
    pub(super) fn charge(&self, bytes: u64) -> Option<Charge> {
        let charge = Charge { bytes, used: self.used.clone() };
        (self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.limit).then_some(charge)
    }
}

/// Memory that is in use.
pub(super) struct Charge {
    bytes: u64,
    used: Arc<AtomicU64>,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_given_back() {
        let budget = Budget::new(10);
        let all = budget.charge(budget.limit());
        assert!(all.is_some() && budget.charge(1).is_none());
        drop(all);
        assert!(budget.charge(budget.limit()).is_some());
        assert_eq!(Budget::new(1 << 40).limit(), 64 << 40);
    }
}
