//! A person's credentials in an export, their end in an erasure, and the sweeping of what has ended.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::ends;
use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::refusal::Refusal;
use crate::retention::Category;
use crate::unit::Unit;
use crate::values::bound;

/// Rows of one kind in an export; nobody has as many.
const ROWS_MAX: i64 = 1_000;

/// How somebody signs in: all of it goes with them. An API key stays as a row that opens nothing, since its name is never given anew.
pub(super) struct Credentials;

impl Store for Credentials {
    fn name(&self) -> &'static str {
        "sign_in"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let open: Vec<(Uuid,)> = unit.tx().all(
            sqlx::query_as(
                "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL
                 UNION ALL SELECT id FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL LIMIT $2",
            )
            .bind(subject)
            .bind(ROWS_MAX),
        )?;
        let open: Vec<Uuid> = open.into_iter().map(|(id,)| id).collect();
        ends::emit(unit, subject, &open);
        let mut rows = 0;
        for sql in [
            "DELETE FROM credentials WHERE user_id = $1",
            "DELETE FROM sign_in_challenges WHERE user_id = $1",
            // With their tokens, and what waits in them.
            "DELETE FROM sessions WHERE user_id = $1",
            "DELETE FROM totp_secrets WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
            "DELETE FROM sent_codes WHERE user_id = $1",
            "DELETE FROM passkeys WHERE user_id = $1",
            "DELETE FROM confirmed_contacts WHERE user_id = $1",
            "DELETE FROM provider_identities WHERE user_id = $1",
            "UPDATE api_keys SET name = '', digest = '', revoked_at = coalesce(revoked_at, now()) WHERE user_id = $1 AND name <> ''",
        ] {
            rows += unit.tx().execute(sqlx::query(sql).bind(subject))?;
        }
        Ok(Erased::rows(Done::Deleted, rows))
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        type Session = (String, i64, i64, Option<String>);
        let sessions: Vec<Session> = tx.all(
            sqlx::query_as(
                "SELECT client, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM seen_at) * 1000000)::bigint, ended_by
                 FROM sessions WHERE user_id = $1 ORDER BY id LIMIT $2",
            )
            .bind(subject)
            .bind(ROWS_MAX),
        )?;
        let named: Vec<(String, String, i64)> = tx.all(
            sqlx::query_as(
                "SELECT 'passkey', name, (extract(epoch FROM created_at) * 1000000)::bigint FROM passkeys WHERE user_id = $1
                 UNION ALL SELECT 'api_key', name, (extract(epoch FROM created_at) * 1000000)::bigint FROM api_keys WHERE user_id = $1
                 UNION ALL SELECT 'provider', provider, (extract(epoch FROM created_at) * 1000000)::bigint FROM provider_identities WHERE user_id = $1
                 UNION ALL SELECT 'confirmed', what, (extract(epoch FROM confirmed_at) * 1000000)::bigint FROM confirmed_contacts WHERE user_id = $1
                 UNION ALL SELECT 'authenticator', '', (extract(epoch FROM created_at) * 1000000)::bigint FROM totp_secrets WHERE user_id = $1
                 LIMIT $2",
            )
            .bind(subject)
            .bind(ROWS_MAX),
        )?;
        if sessions.is_empty() && named.is_empty() {
            return Ok(Value::Null);
        }
        let sessions = sessions.into_iter();
        let sessions: Vec<Value> = sessions
            .map(|(client, began, seen, ended)| json!({"client": client, "began_us": began, "seen_us": seen, "ended_by": ended}))
            .collect();
        let named = named.into_iter();
        let named: Vec<Value> = named
            .map(|(kind, name, at)| json!({"kind": kind, "name": name, "at_us": at}))
            .collect();
        Ok(json!({"sessions": sessions, "ways_in": named}))
    }
}

/// Ended sessions: who was signed in when is looked for within a quarter.
pub(super) struct Sessions;

impl Category for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn days(&self) -> u32 {
        90
    }

    fn asks_for_each(&self) -> bool {
        true
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let query = sqlx::query(
            "DELETE FROM sessions WHERE id IN (
                 SELECT id FROM sessions WHERE ended_at < $1 AND NOT app_held('sessions', user_id) ORDER BY ended_at LIMIT $2)",
        );
        Ok(unit
            .tx()
            .execute(query.bind(bound(before)).bind(i64::from(limit)))?)
    }
}

/// Ceremonies, codes and counts of failures: none is open after a day, the longest lock.
pub(super) struct Attempts;

impl Category for Attempts {
    fn name(&self) -> &'static str {
        "sign_in_attempts"
    }

    fn days(&self) -> u32 {
        // A lock of a day is told of for another one: the next would be as long.
        2
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let mut rows = 0;
        for sql in [
            "DELETE FROM sign_in_challenges WHERE digest IN (SELECT digest FROM sign_in_challenges WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            "DELETE FROM sent_codes WHERE (user_id, purpose) IN (SELECT user_id, purpose FROM sent_codes WHERE created_at < $1 LIMIT $2)",
            "DELETE FROM sign_in_counts WHERE id IN (SELECT id FROM sign_in_counts WHERE updated_at < $1 ORDER BY updated_at LIMIT $2)",
        ] {
            let left = i64::from(limit) - i64::try_from(rows).unwrap_or(i64::MAX);
            if left > 0 {
                rows += unit
                    .tx()
                    .execute(sqlx::query(sql).bind(bound(before)).bind(left))?;
            }
        }
        Ok(rows)
    }
}
