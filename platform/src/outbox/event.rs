use serde_json::Value;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::ids::new_id;
use crate::people::Principal;
use crate::values::bound;

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

/// Writes events as pending, due at once.
pub(crate) fn put(tx: &mut Tx<'_>, by: &Principal, events: &[Event], now: Ts) -> Result<(), DbError> {
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
