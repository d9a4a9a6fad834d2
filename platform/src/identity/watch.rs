//! Streams stay open long after the request that opened them. Whether their sessions and keys still stand is
//! looked up again and again: another process may have ended them, a key ends by time alone, and a person who
//! only looks is idle.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use siaga_risk::units::Ts;
use uuid::Uuid;

use super::person::Standing;
use super::service::Identity;
use super::session::{End, SEEN_EVERY_NS, is_idle};
use super::store;
use crate::db::Tx;
use crate::people::Principal;
use crate::refusal::Refusal;

/// Sessions and keys of one look into the database: one short statement.
const AT_ONCE: usize = 200;

/// What holds a stream open, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// A session: its last request, whether it ended, whether its person may still sign in.
    Session {
        seen: Ts,
        ended: bool,
        welcome: bool,
    },
    /// An API key: when it ends, whether it was revoked, whether its owner may still sign in.
    Key {
        ends: Ts,
        revoked: bool,
        welcome: bool,
    },
    /// Swept, or of a database that was restored.
    Gone,
}

/// What becomes of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It goes on.
    Stays,
    /// It goes on, and what its person asked for by it counts as a request of the session.
    Seen,
    /// It ends, and the session with it.
    Idle,
    /// It ends: what held it had ended.
    Ends,
}

/// Judges a holder whose streams last asked for something at `asked`.
fn judge(holder: Holder, asked: Ts, now: Ts) -> Fate {
    match holder {
        Holder::Gone => Fate::Ends,
        Holder::Key {
            ends,
            revoked,
            welcome,
        } => match revoked || !welcome || ends <= now {
            true => Fate::Ends,
            false => Fate::Stays,
        },
        Holder::Session {
            seen,
            ended,
            welcome,
        } => {
            if ended || !welcome {
                return Fate::Ends;
            }
            let last = match is_idle(seen, asked) {
                // It was over before that was asked.
                true => seen,
                false => seen.max(asked),
            };
            if is_idle(last, now) {
                return Fate::Idle;
            }
            match last.since(seen) >= SEEN_EVERY_NS {
                true => Fate::Seen,
                false => Fate::Stays,
            }
        }
    }
}

/// What was read of the holders of one look.
type Row = (Uuid, Option<i64>, bool, Option<i64>, bool, Option<String>);

fn holder((_, seen, ended, ends, revoked, status): &Row) -> Holder {
    let welcome = status
        .as_deref()
        .and_then(Standing::parse)
        .is_some_and(|standing| standing.may_sign_in().is_ok());
    match (seen, ends) {
        (Some(seen), _) => Holder::Session {
            seen: store::ts(*seen),
            ended: *ended,
            welcome,
        },
        (None, Some(ends)) => Holder::Key {
            ends: store::ts(*ends),
            revoked: *revoked,
            welcome,
        },
        (None, None) => Holder::Gone,
    }
}

fn rows(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<Row>, Refusal> {
    Ok(tx.all(
        sqlx::query_as(
            "SELECT held.id, (extract(epoch FROM s.seen_at) * 1000000)::bigint, s.ended_at IS NOT NULL,
                 (extract(epoch FROM k.expires_at) * 1000000)::bigint, k.revoked_at IS NOT NULL, u.status
             FROM unnest($1::uuid[]) AS held (id) LEFT JOIN sessions AS s ON s.id = held.id LEFT JOIN api_keys AS k ON k.id = held.id
                 LEFT JOIN users AS u ON u.id = coalesce(s.user_id, k.user_id)",
        )
        .bind(ids.to_vec()),
    )?)
}

impl Identity {
    /// Looks after sessions and API keys that hold streams open: each with when one of its streams last asked for
    /// something that a person asks for. The ends of those that are over are told; how many they are.
    ///
    /// # Errors
    /// The database's: then the streams stay until it answers, as requests do for a while.
    pub async fn look_after(&self, held: &BTreeMap<Uuid, Ts>) -> Result<usize, Refusal> {
        let mut over = 0;
        let held: Vec<(Uuid, Ts)> = held.iter().map(|(id, asked)| (*id, *asked)).collect();
        for some in held.chunks(AT_ONCE) {
            over += self.look_after_some(some).await?;
        }
        Ok(over)
    }

    async fn look_after_some(&self, held: &[(Uuid, Ts)]) -> Result<usize, Refusal> {
        let mut asked: BTreeMap<Uuid, Ts> = held.iter().copied().collect();
        for (id, at) in &mut asked {
            // Requests of the last seconds are not in the database yet.
            if let Some(known) = self.known.get(id).await {
                *at = (*at).max(Ts(known.seen.load(Ordering::Relaxed)));
            }
        }
        let platform = self.platform.background();
        let (system, ids) = (
            Principal::system("identity.watch"),
            asked.keys().copied().collect::<Vec<_>>(),
        );
        let found = platform.read(&system, move |tx| rows(tx, &ids)).await?;
        let now = self.platform.now();
        let (mut ends, mut idle, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for row in &found {
            let at = asked.get(&row.0).copied().unwrap_or(Ts(0));
            match judge(holder(row), at, now) {
                Fate::Stays => {}
                Fate::Seen => seen.push((row.0, at)),
                Fate::Idle => idle.push(row.0),
                Fate::Ends => ends.push(row.0),
            }
        }
        if !idle.is_empty() || !seen.is_empty() {
            let gone = idle.clone();
            let noted = platform.command(&system, move |unit| {
                for id in gone {
                    store::end_session(unit.tx(), id, End::Idle, now)?;
                }
                for (id, at) in seen {
                    store::see_session(unit.tx(), id, at)?;
                }
                Ok(())
            });
            noted.await?;
        }
        ends.append(&mut idle);
        self.tell_ends(&ends).await;
        Ok(ends.len())
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::units::MINUTE_NS;

    use super::*;

    fn at(minutes: u64) -> Ts {
        Ts(1_000 * MINUTE_NS + minutes * MINUTE_NS)
    }

    #[test]
    fn a_stream_ends_with_what_opened_it() {
        let session = |ended, welcome| Holder::Session {
            seen: at(0),
            ended,
            welcome,
        };
        let key = |minutes, revoked, welcome| Holder::Key {
            ends: at(minutes),
            revoked,
            welcome,
        };
        for (what, holder, fate) in [
            ("an open session", session(false, true), Fate::Stays),
            ("ended elsewhere", session(true, true), Fate::Ends),
            ("suspended", session(false, false), Fate::Ends),
            ("a key", key(6, false, true), Fate::Stays),
            ("over by time", key(5, false, true), Fate::Ends),
            ("revoked", key(6, true, true), Fate::Ends),
            ("of who is suspended", key(6, false, false), Fate::Ends),
            ("of no row", Holder::Gone, Fate::Ends),
        ] {
            assert_eq!(judge(holder, Ts(0), at(5)), fate, "{what}");
        }
    }

    #[test]
    fn who_only_looks_is_idle_and_who_asks_is_not() {
        let session = Holder::Session {
            seen: at(0),
            ended: false,
            welcome: true,
        };
        assert_eq!(judge(session, Ts(0), at(29)), Fate::Stays);
        assert_eq!(judge(session, Ts(0), at(30)), Fate::Idle);
        assert_eq!(judge(session, at(20), at(21)), Fate::Seen);
        assert_eq!(judge(session, at(20), at(49)), Fate::Seen);
        assert_eq!(judge(session, at(20), at(50)), Fate::Idle);
        assert_eq!(
            judge(session, at(31), at(32)),
            Fate::Idle,
            "what is asked for behind its end does not bring it back"
        );
    }
}
