use siaga_risk::units::Ts;

use crate::db::{Actor, Db, DbError};
use crate::values::bound;

/// Months made ahead, this one included: a program that is left alone for a quarter finds its own.
const MONTHS: i32 = 4;

/// Makes the partitions of this month and the next ones.
///
/// # Errors
/// The database did not answer. Rows of a month without a partition are kept all the same.
pub async fn prepare(db: &Db, now: Ts) -> Result<i32, DbError> {
    let made = db.write(&Actor::SYSTEM, move |tx| {
        tx.scalar(
            sqlx::query_scalar("SELECT ensure_audit_partitions(($1 AT TIME ZONE 'UTC')::date, $2)")
                .bind(bound(now))
                .bind(MONTHS),
        )
    });
    made.await
}
