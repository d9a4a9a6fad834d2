use serde_json::Value;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::ids::new_id;
use crate::people::Principal;
use crate::values::{bound, from_micros};

/// Something that happened. The payload holds keys, states and numbers; never a person's data, which
/// stay under their key and are read by whoever may.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `domain.what_happened`: `lead.stage_moved`, `kyc.approved`.
    pub kind: &'static str,
    /// `lead`, `kyc_case`, `user`.
    pub aggregate: &'static str,
    /// Its key; events of one aggregate are handed on in order.
    pub id: Uuid,
    /// The person it is about.
    pub subject: Option<Uuid>,
    /// The account of the core it is about.
    pub account: Option<u32>,
    /// The facts.
    pub payload: Value,
}

impl Event {
    /// An event without a person or account.
    pub fn new(kind: &'static str, aggregate: &'static str, id: Uuid, payload: Value) -> Self {
        Self {
            kind,
            aggregate,
            id,
            subject: None,
            account: None,
            payload,
        }
    }

    /// The person it is about.
    pub fn about(mut self, subject: Uuid) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The account it is about.
    pub fn account(mut self, account: u32) -> Self {
        self.account = Some(account);
        self
    }
}

/// An event as it stands in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its place in the event table.
    pub number: i64,
    /// What consumers are idempotent by.
    pub id: Uuid,
    /// `domain.what_happened`.
    pub kind: String,
    /// When it happened.
    pub time: Ts,
    /// In which organisation.
    pub org: Uuid,
    /// What it happened to.
    pub aggregate: String,
    /// Its key.
    pub aggregate_id: Uuid,
    /// The person it is about.
    pub subject: Option<Uuid>,
    /// The account of the core it is about.
    pub account: Option<u32>,
    /// The facts.
    pub payload: Value,
    /// Attempts made before.
    pub attempts: u32,
}

impl Stored {
    /// A key in the payload: `user_id`, `lead_id`.
    pub fn key(&self, name: &str) -> Option<Uuid> {
        Uuid::try_parse(self.payload.get(name)?.as_str()?).ok()
    }
}

/// The columns of [`Row`], in order.
macro_rules! columns {
    () => {
        "id, event_id, type, (extract(epoch FROM time) * 1000000)::bigint, org_id, aggregate_type, aggregate_id, subject_id, account, payload, attempts"
    };
}
pub(super) use columns;

/// What [`columns`] bring.
pub(super) type Row = (
    i64,
    Uuid,
    String,
    i64,
    Uuid,
    String,
    Uuid,
    Option<Uuid>,
    Option<i64>,
    Value,
    i32,
);

pub(super) fn stored(row: Row) -> Stored {
    let (
        number,
        id,
        kind,
        micros,
        org,
        aggregate,
        aggregate_id,
        subject,
        account,
        payload,
        attempts,
    ) = row;
    Stored {
        number,
        id,
        kind,
        time: from_micros(micros),
        org,
        aggregate,
        aggregate_id,
        subject,
        account: account.and_then(|account| u32::try_from(account).ok()),
        payload,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    }
}

/// Writes events as pending, due at once.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    by: &Principal,
    events: &[Event],
    now: Ts,
) -> Result<(), DbError> {
    for event in events {
        tx.execute(
            sqlx::query(
                "INSERT INTO events (type, time, account, payload, event_id, org_id, aggregate_type, aggregate_id, subject_id, status, next_attempt_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $2)",
            )
            .bind(event.kind)
            .bind(bound(now))
            .bind(event.account.map(i64::from))
            .bind(&event.payload)
            .bind(new_id(now))
            .bind(by.org)
            .bind(event.aggregate)
            .bind(event.id)
            .bind(event.subject),
        )?;
    }
    Ok(())
}
