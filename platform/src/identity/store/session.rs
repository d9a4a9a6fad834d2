use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::crypto::Keyring;
use crate::db::Tx;
use crate::identity::codes::{digest, successor, token};
use crate::identity::faults::{SESSION_ENDED, TOKEN_INVALID, TOO_OFTEN};
use crate::identity::session::{End, Refreshing, SESSIONS_MAX, make_place};
use crate::identity::sign_in::Client;
use crate::ids::new_id;
use crate::refusal::Refusal;
use crate::unit::Unit;
use crate::values::bound;

use super::{signed_in, ts, unexpected};

/// Refresh tokens are kept as digests of this context.
const REFRESH: &str = "refresh_token";
/// Tokens of one session that follow each other within the grace of the first: no browser asks so often.
const LINE_MAX: usize = 64;

/// A session that was just opened.
pub(in crate::identity) struct NewSession {
    pub id: Uuid,
    pub refresh: String,
    /// Sessions that ended for it.
    pub ended: Vec<Uuid>,
}

/// Holds off whoever else opens or ends sessions of a person, or changes how they sign in, to the end of the transaction. It is taken before
/// any row, so that no two who hold one wait for each other here.
pub(in crate::identity) fn hold_sessions(tx: &mut Tx<'_>, user: Uuid) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("identity.sessions {user}")),
    )?;
    Ok(())
}

/// As [`hold_sessions`], for what a session of the person asks: one that ended meanwhile asks for nothing.
pub(in crate::identity) fn hold_open_session(
    tx: &mut Tx<'_>,
    user: Uuid,
    session: Uuid,
) -> Result<(), Refusal> {
    hold_sessions(tx, user)?;
    client_of(tx, user, session).map(drop)
}

/// Opens a session. Three is what the table has places for; who comes at the same moment waits.
pub(in crate::identity) fn open_session(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    org: Uuid,
    client: Client,
    confirmed: bool,
) -> Result<NewSession, Refusal> {
    let now = unit.now();
    let tx = unit.tx();
    hold_sessions(tx, user)?;
    let rows: Vec<(Uuid, i16, i64, i64)> = tx.all(
        sqlx::query_as(
            "SELECT id, place, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM seen_at) * 1000000)::bigint
             FROM sessions WHERE user_id = $1 AND ended_at IS NULL",
        )
        .bind(user),
    )?;
    let open: Vec<(Uuid, Ts, Ts)> = rows
        .iter()
        .map(|(id, _, began, seen)| (*id, ts(*began), ts(*seen)))
        .collect();
    let ends = make_place(&open, now);
    for (id, end) in &ends {
        end_session(tx, *id, *end, now)?;
    }
    let ended: Vec<Uuid> = ends.iter().map(|(id, _)| *id).collect();
    let taken: Vec<i16> = rows
        .iter()
        .filter(|(id, ..)| !ended.contains(id))
        .map(|(_, place, ..)| *place)
        .collect();
    let places = i16::try_from(SESSIONS_MAX).unwrap_or(i16::MAX);
    let place = (1..=places)
        .find(|place| !taken.contains(place))
        .ok_or_else(|| unexpected("no place for a session was made"))?;
    let id = new_id(now);
    tx.execute(
        sqlx::query(
            "INSERT INTO sessions (id, user_id, org_id, place, client, created_at, seen_at, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        )
        .bind(id)
        .bind(user)
        .bind(org)
        .bind(place)
        .bind(client.name())
        .bind(bound(now))
        .bind(confirmed.then(|| bound(now))),
    )?;
    let refresh = add_refresh_token(tx, id, now)?;
    signed_in(tx, user, now)?;
    Ok(NewSession { id, refresh, ended })
}

/// How the tokens of an open session travel.
pub(in crate::identity) fn client_of(
    tx: &mut Tx<'_>,
    user: Uuid,
    session: Uuid,
) -> Result<Client, Refusal> {
    let row: Option<(String,)> = tx.optional(
        sqlx::query_as(
            "SELECT client FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
        )
        .bind(session)
        .bind(user),
    )?;
    row.map(|(client,)| Client::parse(&client))
        .ok_or_else(|| SESSION_ENDED.because("sign in again"))
}

/// The first refresh token of a session.
fn add_refresh_token(tx: &mut Tx<'_>, session: Uuid, now: Ts) -> Result<String, Refusal> {
    let text = token();
    keep_refresh_token(tx, session, &text, now)?;
    Ok(text)
}

fn keep_refresh_token(tx: &mut Tx<'_>, session: Uuid, text: &str, now: Ts) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query(
            "INSERT INTO refresh_tokens (digest, session_id, created_at) VALUES ($1, $2, $3)",
        )
        .bind(&digest(REFRESH, text)[..])
        .bind(session)
        .bind(bound(now)),
    )?;
    Ok(())
}

/// The unused token at the end of the line that begins behind `text`; made where the line ends. A session has one line
/// and no branches: of two who hold the same token one comes second, also when both came within the grace.
pub(in crate::identity) fn next_refresh_token(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    session: Uuid,
    text: &str,
    now: Ts,
) -> Result<String, Refusal> {
    let mut next = successor(keyring, text);
    for _ in 0..LINE_MAX {
        let used: Option<(bool,)> = tx.optional(
            sqlx::query_as("SELECT used_at IS NOT NULL FROM refresh_tokens WHERE digest = $1")
                .bind(&digest(REFRESH, &next)[..]),
        )?;
        match used {
            Some((false,)) => return Ok(next),
            Some((true,)) => next = successor(keyring, &next),
            None => {
                keep_refresh_token(tx, session, &next, now)?;
                return Ok(next);
            }
        }
    }
    Err(TOO_OFTEN.for_seconds(10, "wait, and use the newest token"))
}

/// A refresh token and its session, both locked.
pub(in crate::identity) struct RefreshRow {
    pub session: Uuid,
    pub user: Uuid,
    pub client: Client,
    pub facts: Refreshing,
}

/// The token of that text.
pub(in crate::identity) fn refresh_for_update(
    tx: &mut Tx<'_>,
    text: &str,
) -> Result<RefreshRow, Refusal> {
    type Row = (
        Uuid,
        Uuid,
        String,
        i64,
        Option<i64>,
        i16,
        i64,
        Option<String>,
    );
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT s.id, s.user_id, s.client, (extract(epoch FROM t.created_at) * 1000000)::bigint, (extract(epoch FROM t.used_at) * 1000000)::bigint,
                 t.again, (extract(epoch FROM s.seen_at) * 1000000)::bigint, s.ended_by
             FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session_id WHERE t.digest = $1 FOR UPDATE",
        )
        .bind(&digest(REFRESH, text)[..]),
    )?;
    let (session, user, client, made, used, again, seen, ended) =
        row.ok_or_else(|| TOKEN_INVALID.because("sign in again"))?;
    Ok(RefreshRow {
        session,
        user,
        client: Client::parse(&client),
        facts: Refreshing {
            made: ts(made),
            used: used.map(ts),
            again,
            seen: ts(seen),
            ended: ended.as_deref().map(End::parse),
        },
    })
}

/// Notes that a refresh token was used, for the first time or again.
pub(in crate::identity) fn use_refresh_token(
    tx: &mut Tx<'_>,
    text: &str,
    now: Ts,
) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query(
            "UPDATE refresh_tokens SET again = again + CASE WHEN used_at IS NULL THEN 0 ELSE 1 END, used_at = coalesce(used_at, $2) WHERE digest = $1",
        )
        .bind(&digest(REFRESH, text)[..])
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Ends a session; `false` when it had ended.
pub(in crate::identity) fn end_session(
    tx: &mut Tx<'_>,
    id: Uuid,
    end: End,
    now: Ts,
) -> Result<bool, Refusal> {
    let ended = tx.execute(
        sqlx::query(
            "UPDATE sessions SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL",
        )
        .bind(id)
        .bind(bound(now))
        .bind(end.name()),
    )?;
    Ok(ended == 1)
}

/// Ends all sessions of a person but one; those that ended. A sign-in that waits for its second factor was begun with what counts no more:
/// it ends too, and one that is under way is waited for. Whoever locks a row before calls [`hold_sessions`] first.
pub(in crate::identity) fn end_sessions(
    tx: &mut Tx<'_>,
    user: Uuid,
    but: Option<Uuid>,
    end: End,
    now: Ts,
) -> Result<Vec<Uuid>, Refusal> {
    hold_sessions(tx, user)?;
    tx.execute(
        sqlx::query("UPDATE sign_in_challenges SET used_at = $2 WHERE user_id = $1 AND kind = 'mfa' AND session_id IS NULL AND used_at IS NULL")
            .bind(user)
            .bind(bound(now)),
    )?;
    let rows: Vec<(Uuid,)> = tx.all(
        sqlx::query_as(
            "UPDATE sessions SET ended_at = $3, ended_by = $4 WHERE user_id = $1 AND ended_at IS NULL AND ($2::uuid IS NULL OR id <> $2) RETURNING id",
        )
        .bind(user)
        .bind(but)
        .bind(bound(now))
        .bind(end.name()),
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes that a session was confirmed with a second factor.
pub(in crate::identity) fn confirm_session(
    tx: &mut Tx<'_>,
    id: Uuid,
    now: Ts,
) -> Result<(), Refusal> {
    tx.execute(sqlx::query("UPDATE sessions SET confirmed_at = $2, seen_at = $2 WHERE id = $1 AND ended_at IS NULL").bind(id).bind(bound(now)))?;
    Ok(())
}

/// Notes a request of a session.
pub(in crate::identity) fn see_session(tx: &mut Tx<'_>, id: Uuid, now: Ts) -> Result<(), Refusal> {
    tx.execute(sqlx::query("UPDATE sessions SET seen_at = greatest(seen_at, $2) WHERE id = $1 AND ended_at IS NULL").bind(id).bind(bound(now)))?;
    Ok(())
}
