use crate::crypto::{BlindIndex, Keyring, blind};
use crate::db::Tx;
use crate::identity::lockout::Count;
use crate::refusal::Refusal;
use crate::values::bound;
use siaga_risk::units::Ts;

use super::{micros, ts};

/// The name of an account's count.
pub(in crate::identity) fn account_count(keyring: &Keyring, email: &str) -> BlindIndex {
    blind(keyring, "sign_in_counts.account", email)
}

/// The name of a network address's count.
pub(in crate::identity) fn network_count(keyring: &Keyring, address: &str) -> BlindIndex {
    blind(keyring, "sign_in_counts.network", address)
}

/// The count, locked to the end of the transaction: whoever tries at the same moment waits here. Attempts that are under way stand among
/// the others below zero.
pub(in crate::identity) fn count_for_update(
    tx: &mut Tx<'_>,
    id: &BlindIndex,
    now: Ts,
) -> Result<Count, Refusal> {
    let row: (Vec<i64>, Option<i64>, i32) = tx.one(
        sqlx::query_as(
            "INSERT INTO sign_in_counts (id, updated_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at
             RETURNING attempts, (extract(epoch FROM locked_until) * 1000000)::bigint, locks",
        )
        .bind(&id[..])
        .bind(bound(now)),
    )?;
    let (attempts, locked_until, locks) = row;
    let (under_way, attempts): (Vec<i64>, Vec<i64>) = attempts.into_iter().partition(|at| *at < 0);
    Ok(Count {
        attempts: attempts.into_iter().map(ts).collect(),
        under_way: under_way.into_iter().map(|at| ts(-at)).collect(),
        locked_until: locked_until.map(ts),
        locks: u32::try_from(locks).unwrap_or_default(),
    })
}

/// Writes it back.
pub(in crate::identity) fn save_count(
    tx: &mut Tx<'_>,
    id: &BlindIndex,
    count: &Count,
) -> Result<(), Refusal> {
    let failed = count.attempts.iter().map(|at| micros(*at));
    let under_way = count.under_way.iter().map(|at| -micros(*at));
    tx.execute(
        sqlx::query(
            "UPDATE sign_in_counts SET attempts = $2, locked_until = $3, locks = $4 WHERE id = $1",
        )
        .bind(&id[..])
        .bind(failed.chain(under_way).collect::<Vec<i64>>())
        .bind(count.locked_until.map(bound))
        .bind(i32::try_from(count.locks).unwrap_or(i32::MAX)),
    )?;
    Ok(())
}
