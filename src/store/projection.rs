//! What the store makes of the core's outputs: the read model, written in batches.

mod alert_engine;
mod alert_history;
mod alerts;
mod audit;
mod holders;
mod market;
mod trading;

use siaga_platform::consumer::Projection;
use siaga_platform::db::{DbError, Tx};
use siaga_platform::source::Entry;

pub use alert_engine::{Held, Kept, read_engine};
pub use alert_history::{AlertHistory, alert_rows, known_rows};
pub use alerts::{AlertEventRow, AlertRow, apply_alert_changes, apply_alert_events};
pub use holders::{Holders, Holding, Holdings, Pieces, SLICE_ACCOUNTS, begin};

/// Bars, instruments, orders, deals, closed positions, cash movements and the audit log.
/// Alerts are not here: their engine folds the same log in [`AlertHistory`].
pub struct ReadModel;

impl ReadModel {
    /// Name of its cursor.
    pub const NAME: &'static str = "store";
}

impl Projection for ReadModel {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        market::apply(tx, entries)?;
        trading::apply(tx, entries)?;
        audit::apply(tx, entries)
    }
}

/// One column of a batch.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The last row of each key: a statement may not change one row twice.
fn newest<R, K: Ord>(rows: impl IntoIterator<Item = R>, key: impl Fn(&R) -> K) -> Vec<R> {
    let rows = rows.into_iter().map(|row| (key(&row), row));
    rows.collect::<std::collections::BTreeMap<K, R>>()
        .into_values()
        .collect()
}
