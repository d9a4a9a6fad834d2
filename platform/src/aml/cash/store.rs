//! Movements of money in an export and an erasure.

use serde_json::{Value, json};
use uuid::Uuid;

use super::state::Status;
use crate::aml::seal::{self, open};
use crate::aml::store::LAW;
use crate::crypto::Sealed;
use crate::db::Tx;
use crate::erasure::{Erased, Keys, Store};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Movements in an export: more than any person has.
const ROWS_MAX: i64 = 10_000;

/// What a client asked to be moved. Whether compliance looks at a movement, and by whom it was decided, is not exported.
pub struct Movements;

impl Store for Movements {
    fn name(&self) -> &'static str {
        "cash"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let kept: i64 = unit.tx().scalar(
            sqlx::query_scalar("SELECT count(*) FROM cash_requests WHERE user_id = $1")
                .bind(subject),
        )?;
        Ok(Erased::kept(kept.unsigned_abs(), LAW))
    }

    fn export(&self, tx: &mut Tx<'_>, keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        type Row = (
            Value,
            String,
            Option<Vec<u8>>,
            String,
            Option<i64>,
            Option<String>,
            Option<i64>,
        );
        let rows: Vec<Row> = tx.all(
            sqlx::query_as(
                "SELECT jsonb_build_object('id', id, 'account', account, 'kind', kind, 'currency', currency, 'amount', amount,
                     'usd_cents', usd_cents, 'method', method, 'asked_by_the_person', requested_by = $2, 'booked_seq', core_seq,
                     'created_us', (extract(epoch FROM created_at) * 1000000)::bigint,
                     'confirmed_us', (extract(epoch FROM confirmed_at) * 1000000)::bigint),
                     status, payer_sealed, note, (extract(epoch FROM decided_at) * 1000000)::bigint,
                     held_from, (extract(epoch FROM held_decided_at) * 1000000)::bigint
                 FROM cash_requests WHERE user_id = $1 ORDER BY created_at, id LIMIT $3",
            )
            .bind(subject)
            .bind(subject.to_string())
            .bind(ROWS_MAX),
        )?;
        let key = keys.statutory.as_ref();
        let mut all = Vec::with_capacity(rows.len());
        for (mut row, status, payer, note, decided, held_from, decided_before) in rows {
            let note = match Sealed::from_text(&note) {
                Some(sealed) => open(key, seal::CASH_NOTE, Some(sealed.as_bytes().to_vec()))?,
                None => note,
            };
            let held_from = held_from.as_deref().and_then(Status::parse);
            let stands = Status::parse(&status);
            let is_kept = stands.is_some_and(|stands| stands.keeps_approval(held_from));
            let decided = if is_kept { decided_before } else { decided };
            let status = stands.map(|stands| stands.told(held_from));
            let is_decided = status.is_some_and(Status::is_decided);
            row["status"] = json!(status.map(Status::name));
            row["payer"] = json!(open(key, seal::PAYER, payer)?);
            row["note"] = json!(note);
            // A hold writes the moment of a decision too.
            row["decided_us"] = json!(decided.filter(|_| is_decided));
            all.push(row);
        }
        Ok(match all.is_empty() {
            true => Value::Null,
            false => Value::Array(all),
        })
    }
}
