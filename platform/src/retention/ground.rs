//! The ground's own categories.

use std::sync::Arc;

use siaga_risk::units::Ts;

use super::Category;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

/// The categories every installation has; engines add theirs.
pub fn ground() -> Vec<Arc<dyn Category>> {
    vec![
        Arc::new(Remembered),
        Arc::new(Receipts),
        Arc::new(Operations),
        Arc::new(Audit),
    ]
}

/// Answers kept for repeated requests.
struct Remembered;

impl Category for Remembered {
    fn name(&self) -> &'static str {
        "idempotency"
    }

    fn days(&self) -> u32 {
        1
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let query = sqlx::query(
            "DELETE FROM idempotency_keys WHERE (user_id, route, key) IN (
                 SELECT user_id, route, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        );
        Ok(unit
            .tx()
            .execute(query.bind(bound(before)).bind(i64::from(limit)))?)
    }
}

/// Receipts of events: long after the last repetition.
struct Receipts;

impl Category for Receipts {
    fn name(&self) -> &'static str {
        "receipts"
    }

    fn days(&self) -> u32 {
        90
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let query = sqlx::query(
            "DELETE FROM event_receipts WHERE (consumer, event_id) IN (
                 SELECT r.consumer, r.event_id FROM event_receipts AS r JOIN events AS e ON e.event_id = r.event_id
                 WHERE r.applied_at < $1 AND e.status = 'published' ORDER BY r.applied_at LIMIT $2)",
        );
        Ok(unit
            .tx()
            .execute(query.bind(bound(before)).bind(i64::from(limit)))?)
    }
}

/// Events of the platform: after two years they say what happened and no longer to whom.
struct Operations;

impl Category for Operations {
    fn name(&self) -> &'static str {
        "operations"
    }

    fn days(&self) -> u32 {
        730
    }

    fn asks_for_each(&self) -> bool {
        true
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal> {
        let query = sqlx::query(
            "UPDATE events SET subject_id = NULL, aggregate_id = NULL, account = NULL, payload = '{}' WHERE id IN (
                 SELECT id FROM events
                 WHERE subject_id IS NOT NULL AND time < $1 AND status = 'published' AND NOT app_held('operations', subject_id)
                 ORDER BY time, id LIMIT $2)",
        );
        Ok(unit
            .tx()
            .execute(query.bind(bound(before)).bind(i64::from(limit)))?)
    }
}

/// The audit log: whole months, seven years after their end.
struct Audit;

impl Category for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn days(&self) -> u32 {
        // The database counts the seven years itself, from today.
        0
    }

    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, _limit: u32) -> Result<u64, Refusal> {
        // A month goes as a whole, so one person's hold keeps it.
        let held: bool = unit.tx().scalar(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM legal_holds WHERE lifted_at IS NULL AND category IN ('audit', 'all'))",
        ))?;
        if held {
            return Ok(0);
        }
        let months: i32 = unit.tx().scalar(
            sqlx::query_scalar("SELECT drop_audit_months(($1 AT TIME ZONE 'UTC')::date)")
                .bind(bound(before)),
        )?;
        Ok(u64::try_from(months).unwrap_or(0))
    }
}
