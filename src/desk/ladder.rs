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
        sorted.sort_by_key(|row| {
            let level = row.closeout_level;
            (level.is_none(), level, row.account)
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::event::MarginState;
    use siaga_risk::units::{Money, Ratio};

    fn row(account: u32, level: Option<i64>, closeout_level: Option<i64>) -> LadderRow {
        LadderRow {
            account: AccountId(account),
            state: MarginState::Healthy,
            equity: Money(0),
            used: Money(0),
            level: level.map(Ratio::percent),
            closeout_level: closeout_level.map(Ratio::percent),
            to_stop_out: Money(0),
        }
    }

    /// A window may charge what is charged nothing without it, and does not bring its account nearer to a stop-out.
    #[test]
    fn accounts_that_nothing_can_stop_out_come_last() {
        let table = LadderTable::default();
        table.put(&[
            row(1, Some(40), None),
            row(2, Some(300), Some(300)),
            row(3, None, None),
            row(4, Some(50), Some(100)),
            row(5, Some(100), Some(100)),
        ]);
        let nearest = table.nearest(9);
        let accounts: Vec<u32> = nearest.iter().map(|row| row.account.0).collect();
        assert_eq!(accounts, [4, 5, 2, 1, 3]);
    }
}
