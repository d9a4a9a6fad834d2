//! The slow sweep behind the margin ladder: a slice of the accounts every 100 ms.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use siaga_risk::view::{Query, View};

use super::handle::{DeskHandle, Handle};
use crate::gateway::core::Core;

/// Time between two slices.
const EVERY: Duration = Duration::from_millis(100);
/// A full round takes at least this many slices: one percent each.
const SLICES: u32 = 100;
/// Fewest accounts of a slice.
const SLICE_MIN: u32 = 32;

/// Sweeps until the desk stops.
pub async fn run(handle: Arc<Handle>) {
    let desk = DeskHandle(handle.clone());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut after = None;
    while !handle.stopping.load(Ordering::Acquire) {
        ticks.tick().await;
        let accounts = u32::try_from(handle.ladder.len()).unwrap_or(u32::MAX);
        let count = (accounts / SLICES).max(SLICE_MIN);
        let Ok(reply) = desk.ask(Query::Ladder { after, count }).await else {
            continue;
        };
        if let View::Ladder(rows) = reply.view {
            handle.ladder.put(&rows);
            after = rows.last().map(|row| row.account);
        }
    }
}
