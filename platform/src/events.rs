//! The one event table: what the core did and what the platform does stand side by side in it.

mod core;

use serde_json::Value;
use siaga_risk::event::OutputKey;
use siaga_risk::units::Ts;

pub use core::event_of;

use crate::consumer::Projection;
use crate::db::{DbError, Tx};
use crate::source::Entry;
use crate::values::{bound, count};

/// A row of `events`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// The core output it stands for; `None` for an event of the platform.
    pub source: Option<OutputKey>,
    /// `area.what_happened`, e.g. `risk.margin_restricted`.
    pub kind: String,
    /// When.
    pub ts: Ts,
    /// Account, if it is about one.
    pub account: Option<u32>,
    /// Instrument, if it is about one.
    pub instrument: Option<u32>,
    /// The facts.
    pub payload: Value,
}

/// Appends events; a core output that stands there already is left alone. Returns the rows added.
///
/// # Errors
/// PostgreSQL's refusal: only the system writes events.
pub fn append(tx: &mut Tx<'_>, events: &[NewEvent]) -> Result<u64, DbError> {
    if events.is_empty() {
        return Ok(0);
    }
    let column =
        |f: fn(&NewEvent) -> Option<i64>| -> Vec<Option<i64>> { events.iter().map(f).collect() };
    tx.execute(
        sqlx::query(
            "INSERT INTO events (source_seq, source_index, type, time, account, instrument, payload)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::jsonb[])
             ON CONFLICT (source_seq, source_index) DO NOTHING",
        )
        .bind(column(|event| event.source.map(|key| count(key.seq))))
        .bind(column(|event| event.source.map(|key| i64::from(key.index))))
        .bind(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| bound(event.ts)).collect::<Vec<_>>())
        .bind(column(|event| event.account.map(i64::from)))
        .bind(column(|event| event.instrument.map(i64::from)))
        .bind(events.iter().map(|event| event.payload.clone()).collect::<Vec<_>>()),
    )
}

/// Copies the core's outputs into the event table.
pub struct CoreEvents;

impl Projection for CoreEvents {
    fn name(&self) -> &'static str {
        "platform"
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        let events: Vec<NewEvent> = entries.iter().filter_map(event_of).collect();
        append(tx, &events).map(drop)
    }
}
