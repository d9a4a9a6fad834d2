//! From what a request carries to whom it acts for.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use siaga_risk::ids::ActorId;
use siaga_risk::units::{MINUTE_NS, SECOND_NS, Ts};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::api_key::name_of;
use super::codes::digest;
use super::faults::{SESSION_ENDED, TOKEN_EXPIRED, TOKEN_INVALID, TOO_OFTEN};
use super::limit::{WINDOW_NS, household};
use super::person::Standing;
use super::service::Identity;
use super::session::{End, SEEN_EVERY_NS, is_idle};
use super::sign_in::Client;
use super::token::{ClaimFault, Claims};
use super::{jws, store};
use crate::crypto::blind;
use crate::db::Tx;
use crate::people::{Principal, Role, Who};
use crate::refusal::Refusal;

/// What was read of a session is believed for so long: a suspension by another process is late by it.
const FRESH_NS: u64 = SEEN_EVERY_NS;
/// While the database is away, for so long: the life of an access token.
const STALE_NS: u64 = 15 * MINUTE_NS;
/// Of the limits.
const WINDOW: Duration = Duration::from_nanos(WINDOW_NS);
/// The last use of an API key is written no more often.
const KEY_USED_EVERY_NS: u64 = 60 * SECOND_NS;

/// What is known of a session between two looks.
pub(super) struct Known {
    principal: Principal,
    client: Client,
    tier: String,
    read_at: Ts,
    pub(super) seen: AtomicU64,
}

impl Known {
    /// Notes a request.
    fn see(&self, unattended: bool, now: Ts) {
        if !unattended {
            self.seen.fetch_max(now.0, Ordering::Relaxed);
        }
    }
}

/// Who a request acts for.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whom.
    pub principal: Principal,
    /// The session; none for an API key.
    pub session: Option<Uuid>,
    /// The API key; none for a session.
    pub key: Option<Uuid>,
    /// How its tokens travel.
    pub client: Client,
    /// Of the limits.
    pub tier: String,
    /// The role needs a second factor that was not given.
    pub enrol: bool,
}

impl Identity {
    /// Who an access token or an API key belongs to.
    ///
    /// # Errors
    /// What is wrong with it; the session ended; too often; the database's.
    pub async fn who(
        &self,
        credential: &str,
        ip: Option<IpAddr>,
        request: Option<String>,
    ) -> Result<Seen, Refusal> {
        self.who_at(credential, ip, request, None, false).await
    }

    /// The same of a request to `route`, the method and the path with names in place of keys: it counts there too. One that is
    /// `unattended` comes from a page at which nobody has done anything for a while: it does not keep its session from being idle.
    ///
    /// # Errors
    /// As [`Identity::who`].
    pub async fn who_at(
        &self,
        credential: &str,
        ip: Option<IpAddr>,
        request: Option<String>,
        route: Option<&str>,
        unattended: bool,
    ) -> Result<Seen, Refusal> {
        let mut seen = match name_of(credential) {
            Some(name) => self.by_key(name, credential).await?,
            None => self.by_token(credential, unattended).await?,
        };
        if let Some(user) = seen.principal.user() {
            self.count_caller(user, &seen.tier, route).await?;
        }
        seen.principal.ip = ip;
        seen.principal.request = request;
        Ok(seen)
    }

    /// Counts a request of a person at its route, and then among all of theirs: what a route refuses takes nothing of the rest.
    async fn count_caller(
        &self,
        user: Uuid,
        tier: &str,
        route: Option<&str>,
    ) -> Result<(), Refusal> {
        let (now, cache) = (self.platform.now(), self.platform.cache());
        let (of_all, shared) = (self.settings.limits.of_tier(tier), cache.is_shared());
        if let Some(route) = route {
            let limit = self.settings.limits.of_route(tier);
            let counted = match shared {
                true => {
                    let window = format!("{user}:{route}");
                    cache.admit(&window, limit, WINDOW, now).await
                }
                false => {
                    let window = (user, route.to_owned());
                    self.meters().route.count(window, limit, now)
                }
            };
            counted.map_err(|seconds| {
                TOO_OFTEN.for_seconds(seconds, "ask this less often; a higher tier may do more")
            })?;
        }
        let counted = match shared {
            true => {
                let window = format!("{user}:api");
                cache.admit(&window, of_all, WINDOW, now).await
            }
            false => self.meters().caller.count(user, of_all, now),
        };
        counted.map_err(|seconds| {
            TOO_OFTEN.for_seconds(seconds, "slow down; a higher tier may do more")
        })
    }

    async fn by_token(&self, token: &str, unattended: bool) -> Result<Seen, Refusal> {
        let now = self.platform.now();
        // The header is read twice: for the key's name, and where the signature is verified.
        let mut kid = None;
        let looked = jws::verify(token, |name| {
            kid = name.map(str::to_owned);
            None
        });
        let (Err(jws::JwsFault::Key), Some(kid)) = (looked, kid) else {
            return Err(invalid());
        };
        let key = self.public_key(&kid).await?;
        let payload = jws::verify(token, |_| Some(key)).map_err(|_| invalid())?;
        let claims = Claims::read(&payload, now).map_err(|fault| match fault {
            ClaimFault::Expired => TOKEN_EXPIRED.because("refresh it and send the request again"),
            ClaimFault::NotYetValid | ClaimFault::Issued | ClaimFault::Foreign => invalid(),
        })?;
        let known = self.session(claims.session, unattended, now).await?;
        if known.principal.user() != Some(claims.user) {
            return Err(invalid());
        }
        let enrol = known.principal.role.is_staff() && !known.principal.mfa;
        Ok(Seen {
            principal: known.principal.clone(),
            session: Some(claims.session),
            key: None,
            client: known.client,
            tier: known.tier.clone(),
            enrol,
        })
    }

    async fn session(&self, id: Uuid, unattended: bool, now: Ts) -> Result<Arc<Known>, Refusal> {
        let mut held = self.known.get(&id).await;
        // What was read is believed for some seconds, but not beyond an end that another program noted.
        if held.is_some() && self.platform.cache().has_ended(id).await {
            self.known.invalidate(&id).await;
            held = None;
        }
        if let Some(known) = &held
            && now.since(known.read_at) < FRESH_NS
        {
            known.see(unattended, now);
            return Ok(Arc::clone(known));
        }
        // Of the last seconds the database may not know yet.
        let last = held
            .as_ref()
            .map_or(Ts(0), |known| Ts(known.seen.load(Ordering::Relaxed)));
        let read = self
            .platform
            .command(&Principal::system("identity.who"), move |unit| {
                read_session(unit.tx(), id, last, unattended, now)
            })
            .await;
        match read {
            Ok(Ok(known)) => {
                let known = Arc::new(known);
                self.known.insert(id, Arc::clone(&known)).await;
                Ok(known)
            }
            Ok(Err(end)) => {
                // Whoever ended it told the other programs; of one that was idle they find out themselves.
                self.hear_end(id).await;
                Err(end.told())
            }
            // A database that is away does not sign people out: what was known counts for a while.
            Err(Refusal::Db(error)) if error.may_retry() => match held {
                Some(known)
                    if now.since(known.read_at) < STALE_NS
                        && !is_idle(Ts(known.seen.load(Ordering::Relaxed)), now) =>
                {
                    known.see(unattended, now);
                    Ok(known)
                }
                _ => Err(Refusal::Db(error)),
            },
            Err(refusal) => Err(refusal),
        }
    }

    async fn by_key(&self, name: &str, text: &str) -> Result<Seen, Refusal> {
        let now = self.platform.now();
        let (name, given) = (name.to_owned(), digest("api_key", text));
        self.platform
            .command(&Principal::system("identity.who"), move |unit| {
                read_key(unit.tx(), &name, &given, now)
            })
            .await
    }

    /// Counts what failed and was no guess at a password, so that it takes from the same room; in all programs that
    /// share a cache.
    pub async fn count_failure(&self, ip: IpAddr) {
        let (now, limit) = (self.platform.now(), self.settings.limits.sign_in);
        // Over the limit already: the next attempt to sign in is refused anyway.
        let _ = self.meters().sign_in.count(household(ip), limit, now);
        let cache = self.platform.cache();
        if cache.is_shared() {
            let window = self.window_of(ip, "sign_in");
            let _ = cache.admit(&window, limit, WINDOW, now).await;
        }
    }

    /// Counts a request over all programs that share a cache: behind [`Identity::count_address`], which counts for this one, so that
    /// what this one refuses costs no question, and a cache that is away leaves each program its own count.
    ///
    /// # Errors
    /// [`TOO_OFTEN`].
    pub async fn count_address_of_all(
        &self,
        ip: IpAddr,
        sign_in: bool,
        upload: bool,
    ) -> Result<(), Refusal> {
        let (cache, limits) = (self.platform.cache(), self.settings.limits);
        if !cache.is_shared() {
            return Ok(());
        }
        let now = self.platform.now();
        for (what, counts, limit) in [
            ("general", self.is_known_claimed(), limits.address),
            ("sign_in", sign_in, limits.sign_in),
            ("upload", upload, limits.upload),
        ] {
            if counts {
                let window = self.window_of(ip, what);
                let counted = cache.admit(&window, limit, WINDOW, now).await;
                counted.map_err(|seconds| {
                    TOO_OFTEN.for_seconds(seconds, "too many requests from your address; wait")
                })?;
            }
        }
        Ok(())
    }

    /// The shared window of an address (N4.48), which leaves the process as a keyed hash.
    fn window_of(&self, ip: IpAddr, what: &str) -> String {
        let caller = household(ip).to_string();
        let hash = blind(self.platform.keyring(), "ratelimit.address", &caller);
        let name: String = hash
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{name}:{what}")
    }

    /// Counts a request of an address before anything else is done.
    ///
    /// # Errors
    /// [`TOO_OFTEN`].
    pub fn count_address(&self, ip: IpAddr, sign_in: bool, upload: bool) -> Result<(), Refusal> {
        let (now, limits, caller) = (self.platform.now(), self.settings.limits, household(ip));
        let mut meters = self.meters();
        // A desk that its secret still opens has one user, who is not slowed at their own machine.
        let mut counted = match self.is_known_claimed() {
            true => meters.address.count(caller, limits.address, now),
            false => Ok(()),
        };
        if counted.is_ok() && sign_in {
            counted = meters.sign_in.count(caller, limits.sign_in, now);
        }
        if counted.is_ok() && upload {
            counted = meters.upload.count(caller, limits.upload, now);
        }
        counted.map_err(|seconds| {
            TOO_OFTEN.for_seconds(seconds, "too many requests from your address; wait")
        })
    }
}

fn invalid() -> Refusal {
    TOKEN_INVALID.because("sign in again")
}

/// The parts of a principal that stand in the database.
struct Parts {
    user: Uuid,
    org: Uuid,
    actor: i64,
    role: String,
    status: String,
}

fn principal(
    tx: &mut Tx<'_>,
    parts: &Parts,
    mfa: bool,
    narrowed: Option<Vec<String>>,
) -> Result<Principal, Refusal> {
    let role = Role::parse(&parts.role)
        .ok_or_else(|| store::unexpected(format!("a user has the role {}", parts.role)))?;
    let standing = Standing::parse(&parts.status)
        .ok_or_else(|| store::unexpected(format!("a user has the state {}", parts.status)))?;
    standing.may_sign_in()?;
    let teams: Vec<(Uuid,)> = tx.all(
        sqlx::query_as(
            "SELECT t.id FROM teams AS t JOIN users AS u ON u.id = $1 WHERE t.org_id = u.org_id AND (t.id = u.team_id OR t.manager_id = u.id) LIMIT 100",
        )
        .bind(parts.user),
    )?;
    let actor = u32::try_from(parts.actor)
        .map_err(|_| store::unexpected("a user's number does not fit the core"))?;
    Ok(Principal {
        who: Who::User(parts.user),
        org: parts.org,
        role,
        teams: teams.into_iter().map(|(id,)| id).collect(),
        actor: ActorId(actor),
        mfa,
        narrowed,
        ip: None,
        request: None,
    })
}

/// Reads a session and notes that it was seen, now or at `last`; the inner error is how it ended.
fn read_session(
    tx: &mut Tx<'_>,
    id: Uuid,
    last: Ts,
    unattended: bool,
    now: Ts,
) -> Result<Result<Known, End>, Refusal> {
    type Row = (
        Uuid,
        Uuid,
        i64,
        String,
        String,
        String,
        String,
        i64,
        bool,
        Option<String>,
    );
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT u.id, u.org_id, u.actor, u.role, u.status, u.tier, s.client, (extract(epoch FROM s.seen_at) * 1000000)::bigint,
                 s.confirmed_at IS NOT NULL, s.ended_by
             FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.id = $1 FOR UPDATE OF s",
        )
        .bind(id),
    )?;
    let (user, org, actor, role, status, tier, client, seen, confirmed, ended) =
        row.ok_or_else(|| SESSION_ENDED.because("sign in again"))?;
    if let Some(end) = ended {
        return Ok(Err(End::parse(&end)));
    }
    let (noted, last) = (store::ts(seen), store::ts(seen).max(last));
    if is_idle(last, now) {
        store::end_session(tx, id, End::Idle, now)?;
        return Ok(Err(End::Idle));
    }
    let seen = if unattended { last } else { now };
    if !unattended || seen.since(noted) >= SEEN_EVERY_NS {
        store::see_session(tx, id, seen)?;
    }
    let principal = principal(
        tx,
        &Parts {
            user,
            org,
            actor,
            role,
            status,
        },
        confirmed,
        None,
    )?;
    Ok(Ok(Known {
        principal,
        client: Client::parse(&client),
        tier,
        read_at: now,
        seen: AtomicU64::new(seen.0),
    }))
}

fn read_key(tx: &mut Tx<'_>, name: &str, given: &[u8; 32], now: Ts) -> Result<Seen, Refusal> {
    type Row = (
        Uuid,
        Uuid,
        i64,
        String,
        String,
        String,
        Vec<u8>,
        Vec<String>,
        i64,
        bool,
        Option<i64>,
        Uuid,
    );
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT u.id, u.org_id, u.actor, u.role, u.status, k.tier, k.digest, k.scopes, (extract(epoch FROM k.expires_at) * 1000000)::bigint,
                 k.revoked_at IS NOT NULL, (extract(epoch FROM k.used_at) * 1000000)::bigint, k.id
             FROM api_keys AS k JOIN users AS u ON u.id = k.user_id WHERE k.prefix = $1",
        )
        .bind(name),
    )?;
    let (user, org, actor, role, status, tier, stored, scopes, expires, revoked, used, id) =
        row.ok_or_else(invalid)?;
    if !bool::from(stored.as_slice().ct_eq(given)) || revoked {
        return Err(invalid());
    }
    if store::ts(expires) <= now {
        return Err(TOKEN_EXPIRED.because("the key is over; make a new one"));
    }
    if used.is_none_or(|used| now.since(store::ts(used)) >= KEY_USED_EVERY_NS) {
        tx.execute(
            sqlx::query("UPDATE api_keys SET used_at = $2 WHERE prefix = $1")
                .bind(name)
                .bind(crate::values::bound(now)),
        )?;
    }
    let principal = principal(
        tx,
        &Parts {
            user,
            org,
            actor,
            role,
            status,
        },
        false,
        Some(scopes),
    )?;
    Ok(Seen {
        principal,
        session: None,
        key: Some(id),
        client: Client::Api,
        tier,
        enrol: false,
    })
}
