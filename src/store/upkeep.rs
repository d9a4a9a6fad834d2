//! Upkeep of a database that is left running. Bars of one second are many and soon of no use: the
//! older ones are deleted. The embedded database has neither autovacuum nor checkpointer, so it is
//! told, one statement at a time, to give back the room of what was deleted and of its write-ahead log.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use siaga_platform::db::{Actor, Db, DbError, Tx};
use siaga_risk::event::BarSpan;
use tokio::sync::watch;

use super::dump::stopped;

/// How often old bars are looked for.
pub const DELETE_EVERY: Duration = Duration::from_secs(60);

/// Bars deleted by one statement: the embedded database cannot interrupt one, so each stays short.
pub const SLICE_BARS: u32 = 2_000;

/// What tidies the embedded database, which answers nobody while one of them runs. Each look for old bars runs the next
/// one, so that nobody waits for all of them; between the tables the write-ahead log is given back, before much of it is
/// to be written. What is written most comes twice in a round.
pub const TIDYING: &[&str] = &[
    "VACUUM bars",
    "CHECKPOINT",
    "VACUUM consumers, alert_engine, open_positions, holder_tellings",
    "VACUUM alerts",
    "CHECKPOINT",
    "VACUUM alert_events",
    "VACUUM alert_evidence",
    "CHECKPOINT",
    "VACUUM orders",
    "VACUUM deals",
    "CHECKPOINT",
    "VACUUM bars",
    "CHECKPOINT",
    "VACUUM consumers, alert_engine, open_positions, holder_tellings",
    "VACUUM positions_closed, cash_movements",
    "CHECKPOINT",
    "VACUUM events",
    "VACUUM audit_log, audit_heads",
    "CHECKPOINT",
    "VACUUM instruments, names, accounts_directory, notes, schema_versions",
    "VACUUM event_receipts, idempotency_keys, cash_requests",
    "VACUUM users, org_members, organizations, teams, roles, role_grants, subject_keys",
    "CHECKPOINT",
    "VACUUM search_entries, search_grams",
    "VACUUM consents, subject_requests, erasure_ledger, legal_holds, retention_runs",
    "CHECKPOINT",
    "VACUUM sessions, refresh_tokens, sign_in_counts, sign_in_challenges, sent_codes",
    "VACUUM credentials, totp_secrets, recovery_codes, passkeys, confirmed_contacts, provider_identities, signing_keys, api_keys, user_preferences",
    "CHECKPOINT",
    "VACUUM leads",
    "VACUUM sales_agents, crm_settings, crm_notices, lead_outreaches, lead_sources, lead_subjects",
    "VACUUM lead_history",
    "CHECKPOINT",
    "VACUUM lead_facts, lead_stage_spans, lead_captures, lead_merges",
    "VACUUM tasks, lead_deals, conversation_access",
    "CHECKPOINT",
    "VACUUM projects, documents",
    "VACUUM ai_embeddings",
    "CHECKPOINT",
    "VACUUM kyc_cases, kyc_documents, kyc_reviews, kyc_disputes, kyc_accounts, kyc_pending_files",
    "VACUUM sanctions_entries",
    "VACUUM sanctions_sources, sanctions_versions, sanctions_whitelist",
    "CHECKPOINT",
    "VACUUM aml_cases, aml_alerts, aml_hits, aml_notes, aml_steps, aml_reports, aml_screenings",
    "VACUUM cash_checks, cash_bookings",
];

/// Longest that one of them should take: a table has grown too large to be tidied beside people then.
const STATEMENT_MAX: SignedDuration = SignedDuration::from_millis(50);

/// Below every instrument's number.
const NO_INSTRUMENT: i64 = -1;

/// What became of one slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The instrument looked at.
    pub instrument: i64,
    /// Its bars that were deleted; when [`SLICE_BARS`], there may be more.
    pub bars: u64,
}

/// Every [`DELETE_EVERY`] deletes the bars of one second that are older than `keep_hours` and does the
/// next part of the [tidying](TIDYING), until `stop` turns true. What fails is a warning, said once
/// until it succeeds, and tried again.
pub async fn keep(
    db: &Db,
    keep_hours: u32,
    now: impl Fn() -> Timestamp + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    let mut parts = TIDYING.iter().copied().cycle();
    let mut well = true;
    loop {
        let (part, at, clock) = (parts.next(), now(), now.clone());
        let turn = async {
            delete_second_bars(db, keep_hours, at).await?;
            match part {
                Some(part) => tidy_part(db, part, clock).await,
                None => Ok(()),
            }
        };
        let done = tokio::select! {
            () = stopped(&mut stop) => return,
            done = turn => done,
        };
        match done {
            Ok(()) => well = true,
            Err(error) => {
                if std::mem::replace(&mut well, false) {
                    tracing::warn!("the upkeep of the database failed and is tried again: {error}");
                }
            }
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(DELETE_EVERY) => {}
        }
    }
}

/// Deletes the bars of one second that are older than `keep_hours`, slice by slice: each is a
/// transaction of its own, and whoever waits comes in between. Returns how many went.
///
/// # Errors
/// The database did not answer; what is left goes the next time.
pub async fn delete_second_bars(db: &Db, keep_hours: u32, now: Timestamp) -> Result<u64, DbError> {
    let age_max = SignedDuration::from_hours(i64::from(keep_hours));
    let Ok(before) = now.checked_sub(age_max) else {
        // Nothing can be that old.
        return Ok(0);
    };
    let db = db.background();
    let (mut behind, mut deleted) = (NO_INSTRUMENT, 0);
    loop {
        let work = move |tx: &mut Tx<'_>| delete_slice(tx, behind, before);
        let Some(slice) = db.write(&Actor::SYSTEM, work).await? else {
            return Ok(deleted);
        };
        deleted += slice.bars;
        if slice.bars < u64::from(SLICE_BARS) {
            behind = slice.instrument;
        }
    }
}

/// Deletes the oldest bars of one second, [`SLICE_BARS`] at the most, of the first instrument
/// numbered above `behind` that has bars; `None` when there is none. The table's key gives both.
///
/// # Errors
/// The database did not answer.
pub fn delete_slice(
    tx: &mut Tx<'_>,
    behind: i64,
    before: Timestamp,
) -> Result<Option<Slice>, DbError> {
    let next: Option<i64> = tx.scalar(
        sqlx::query_scalar("SELECT min(instrument) FROM bars WHERE instrument > $1").bind(behind),
    )?;
    let Some(instrument) = next else {
        return Ok(None);
    };
    let delete = sqlx::query(
        "DELETE FROM bars WHERE instrument = $1 AND span = $2 AND start < coalesce(
             (SELECT start FROM bars WHERE instrument = $1 AND span = $2 AND start < $3
              ORDER BY start OFFSET $4 LIMIT 1), $3)",
    );
    let bars = tx.execute(
        delete
            .bind(instrument)
            .bind(i16::from(BarSpan::S1.tag()))
            .bind(jiff_sqlx::Timestamp::from(before))
            .bind(i64::from(SLICE_BARS)),
    )?;
    Ok(Some(Slice { instrument, bars }))
}

/// Gives the room of deleted rows and of the write-ahead log back, all of it at once: for a program that nobody asks
/// meanwhile. A server does so by itself.
///
/// # Errors
/// The database did not answer.
pub async fn tidy(db: &Db) -> Result<(), DbError> {
    if db.is_server() {
        return Ok(());
    }
    let db = db.background();
    for &part in TIDYING {
        db.outside(part, || ()).await?;
    }
    Ok(())
}

/// One statement of it. A server is asked for none.
async fn tidy_part(
    db: &Db,
    part: &'static str,
    now: impl Fn() -> Timestamp + Send + 'static,
) -> Result<(), DbError> {
    if db.is_server() {
        return Ok(());
    }
    let (before, behind) = db.background().outside(part, now).await?;
    let took = behind.duration_since(before);
    if took > STATEMENT_MAX {
        tracing::warn!(
            statement = part,
            took_ms = took.as_millis() as i64,
            "the embedded database answered nobody while it was tidied: production takes a PostgreSQL server"
        );
    }
    Ok(())
}
