//! The margin ladder: a table of all accounts that a slow sweep keeps, so nobody scans the book.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use siaga_risk::ids::AccountId;
use siaga_risk::view::LadderRow;

/// The newest row of each account.
#[derive(Debug, Default)]
pub struct LadderTable {
    rows: RwLock<BTreeMap<AccountId, LadderRow>>,
}

impl LadderTable {
    /// Takes a slice of the sweep.
    pub fn put(&self, slice: &[LadderRow]) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for row in slice {
            rows.insert(row.account, row.clone());
        }
    }

    /// The rows nearest to a stop-out, nearest first; accounts without used margin come last. The level that is shown would
    /// put accounts first whose margin only a halt or a window raises, which stops nobody out.
    pub fn nearest(&self, limit: usize) -> Vec<LadderRow> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<LadderRow> = rows.values().cloned().collect();
        sorted.sort_by_key(|row| (row.level.is_none(), row.closeout_level, row.account));
        sorted.truncate(limit);
        sorted
    }

    /// Accounts in the table.
    pub fn len(&self) -> usize {
        self.rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether the sweep has found nobody yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
