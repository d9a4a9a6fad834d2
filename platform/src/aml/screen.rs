//! Clients against the lists: at onboarding, when the client changes, and when a list changes (against what changed only).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::case::CaseKind;
use super::cases::{NewAlert, open_case};
use super::index::{Hit, Index, Listed, Query};
use super::lists::PartialDate;
use super::lists::country::{country, is_known};
use super::lists::entry::hex;
use super::names::graded::{POSSIBLE, STRONG};
use super::names::{Birth, Country, Kind};
use super::permissions::SANCTIONS_SCREEN;
use super::rules::{Rule, Severity};
use super::sanctions::{self, InForce, load};
use super::seal::{self, seal};
use crate::crypto::{Sealed, blind};
use crate::db::{DbError, Tx};
use crate::ids::new_id;
use crate::kyc;
use crate::outbox::{Effect, EffectError, Running, Stored};
use crate::people::{Principal, Target};
use crate::refusal::{ERASED, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit, subject_key};
use crate::values::bound;

/// Clients looked at by one read.
const SLICE: i64 = 100;

/// The consumer of changes of lists, in receipts.
const LISTS: &str = "aml.lists";

/// Changes that are older were looked through; receipts are kept longer than this.
const CHANGES_NS: u64 = 30 * 24 * 3_600 * SECOND_NS;

/// Why a client is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A new client.
    Onboarding,
    /// Their data changed.
    ClientChange,
    /// A list did.
    ListChange,
    /// A person asked.
    ByHand,
}

impl Cause {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Onboarding => "onboarding",
            Cause::ClientChange => "client_change",
            Cause::ListChange => "list_change",
            Cause::ByHand => "by_hand",
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screened {
    /// Its key.
    pub id: Uuid,
    /// Hits that nobody has decided on before.
    pub hits: u32,
    /// The case they are in.
    pub case: Option<Uuid>,
}

/// How sure a hit is.
pub fn strength(score: u32) -> &'static str {
    match score {
        950.. => "exact",
        STRONG.. => "strong",
        _ => "possible",
    }
}

/// The grade of a hit as it is stored and shown: whole percent.
pub fn grade_json(hit: &Hit) -> Value {
    let percent = |mille: u32| (mille + 5) / 10;
    json!({
        "score": percent(hit.grade.score),
        "list_score": hit.list_score,
        "name": percent(hit.grade.name),
        "query_coverage": percent(hit.grade.query_coverage),
        "entry_coverage": percent(hit.grade.entry_coverage),
        "rarity": percent(hit.grade.rarity),
        "birth": match hit.grade.birth {
            Birth::Same => "same",
            Birth::Near => "near",
            Birth::Different => "different",
            Birth::Unknown => "unknown",
        },
        "country": match hit.grade.country {
            Country::Same => "same",
            Country::Different => "different",
            Country::Unknown => "unknown",
        },
        "strength": strength(hit.grade.score),
    })
}

/// What is known of a client to look for: the names of account and documents, date of birth, nationalities.
pub async fn facts(platform: &Platform, user: Uuid) -> Result<(Uuid, Query), Refusal> {
    let system = Principal::system("aml.screen");
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(&system, move |tx| {
            let row: Option<(Uuid, Option<Vec<u8>>)> = tx.optional(
                sqlx::query_as("SELECT org_id, name_sealed FROM users WHERE id = $1").bind(user),
            )?;
            let (org, name) = row.ok_or_else(|| NOT_FOUND.because("there is no such client"))?;
            let key = subject_key(tx, &keyring, user)?;
            let name = match key.zip(name) {
                Some((key, bytes)) => key
                    .open("users.name", &Sealed::from_bytes(bytes))
                    .map_err(|error| DbError::Unexpected(error.to_string()))?,
                None => String::new(),
            };
            let shown = kyc::known(tx, &keyring, user)?;
            let mut names = vec![name];
            names.extend(shown.names);
            names.sort_unstable();
            names.dedup();
            let query = Query {
                names,
                kind: Some(Kind::Person),
                birth: shown
                    .birth
                    .and_then(|date| PartialDate::read(&date.to_string())),
                // A nationality without a code is not known to be another one.
                countries: shown
                    .nationalities
                    .iter()
                    .filter(|name| is_known(name))
                    .filter_map(|name| country(name))
                    .collect(),
            };
            Ok((org, query))
        })
        .await
}

/// Looks a client up on all lists and opens a case for new hits.
///
/// # Errors
/// No such client; no list in force.
pub async fn client(platform: &Platform, user: Uuid, cause: Cause) -> Result<Screened, Refusal> {
    let (org, query) = facts(platform, user).await?;
    screen(platform, org, user, query, cause).await
}

/// As [`client`], for a person of the house who asks.
///
/// # Errors
/// Not permitted; as [`client`].
pub async fn by_hand(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    user: Uuid,
) -> Result<Screened, Refusal> {
    by.scope(SANCTIONS_SCREEN)?;
    let (org, query) = facts(platform, user).await?;
    by.may(SANCTIONS_SCREEN, &Target::in_org(org))?;
    let lists = sanctions::index(platform).await?;
    let (hits, versions) = search(lists, query.clone()).await?;
    let system = Principal::system("aml.screen").within(org);
    platform
        .command_once_for(&system, by, once, move |unit| {
            record(unit, user, &query, hits, versions, Cause::ByHand)
        })
        .await
}

/// Hits of what is known of somebody, and the versions of the lists that were searched.
async fn search(lists: InForce, query: Query) -> Result<(Vec<Hit>, Vec<(String, i64)>), Refusal> {
    let InForce { index, versions } = lists;
    let hits = tokio::task::spawn_blocking(move || index.search(&query, POSSIBLE)).await;
    let hits = hits.map_err(|_| Refusal::from(DbError::Panicked))?;
    Ok((hits, versions))
}

/// Looks for what is known of a client.
///
/// # Errors
/// No list in force, or the database.
pub async fn screen(
    platform: &Platform,
    org: Uuid,
    user: Uuid,
    query: Query,
    cause: Cause,
) -> Result<Screened, Refusal> {
    let lists = sanctions::index(platform).await?;
    against(platform, lists, org, user, query, cause).await
}

async fn against(
    platform: &Platform,
    lists: InForce,
    org: Uuid,
    user: Uuid,
    query: Query,
    cause: Cause,
) -> Result<Screened, Refusal> {
    let (hits, versions) = search(lists, query.clone()).await?;
    if hits.is_empty() && cause == Cause::ListChange {
        // Who is nobody of what changed was found to be nobody before.
        return Ok(Screened {
            id: Uuid::nil(),
            hits: 0,
            case: None,
        });
    }
    let system = Principal::system("aml.screen").within(org);
    platform
        .command(&system, move |unit| {
            record(unit, user, &query, hits, versions, cause)
        })
        .await
}

/// Hits of a client that nobody decided on, or excepted, as the entries stand.
fn undecided(tx: &mut Tx<'_>, user: Uuid, hits: Vec<Hit>) -> Result<Vec<Hit>, Refusal> {
    let known: Vec<(String, String, String)> = tx.all(
        sqlx::query_as(
            "SELECT source, uid, entry_digest FROM sanctions_whitelist WHERE user_id = $1 AND ended_at IS NULL
             UNION SELECT source, uid, entry_digest FROM aml_hits WHERE user_id = $1 AND decision <> 'other' LIMIT 10000",
        )
        .bind(user),
    )?;
    let is_known = |hit: &Hit| {
        let listed = &hit.listed;
        known.iter().any(|(source, uid, digest)| {
            (source, uid, digest) == (&listed.source, &listed.entry.uid, &listed.digest)
        })
    };
    Ok(hits.into_iter().filter(|hit| !is_known(hit)).collect())
}

fn record(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    query: &Query,
    hits: Vec<Hit>,
    versions: Vec<(String, i64)>,
    cause: Cause,
) -> Result<Screened, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let looked_for = format!(
        "{}\n{:?}\n{}",
        query.names.join("\n"),
        query.birth.map(|date| date.to_string()),
        query.countries.join("\n")
    );
    let digest = blind(
        unit.keyring(),
        "aml_screenings.facts",
        &looked_for.to_lowercase(),
    );
    let versions: Map<String, Value> = versions
        .into_iter()
        .map(|(name, version)| (name, Value::from(version)))
        .collect();
    let fresh = undecided(unit.tx(), user, hits)?;
    let case = match fresh.iter().map(|hit| hit.grade.score).max() {
        None => None,
        Some(best) => {
            let id = open_case(unit, user, CaseKind::Sanctions, Severity::High)?;
            for hit in &fresh {
                add_hit(unit, id, user, hit)?;
            }
            let keys: Vec<String> = fresh
                .iter()
                .map(|hit| {
                    format!(
                        "{}:{}:{}",
                        hit.listed.source, hit.listed.entry.uid, hit.listed.digest
                    )
                })
                .collect();
            let revoked: i64 = unit.tx().scalar(
                sqlx::query_scalar("SELECT count(*) FROM sanctions_whitelist WHERE user_id = $1 AND ended_because = 'revoked'").bind(user),
            )?;
            // A digest: the keys of many hits are longer than an index takes.
            let keys = hex(&Sha256::digest(keys.join(" ")));
            let alert = NewAlert {
                rule: Rule::Sanctions,
                // What was told in a case before is told again in another one, and once more when an exception was revoked.
                key: format!("{id} {revoked} {keys}"),
                detail: format!(
                    "{} entries of the lists are near to the client; the nearest is {}",
                    fresh.len(),
                    strength(best)
                ),
                facts: json!({ "hits": fresh.len(), "strength": strength(best), "cause": cause.name() }),
            };
            super::cases::add_alert(unit, id, user, CaseKind::Sanctions, &alert)?;
            Some(id)
        }
    };
    let id = new_id(now);
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO aml_screenings (id, org_id, user_id, cause, facts_digest, versions, hits, case_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(org)
        .bind(user)
        .bind(cause.name())
        .bind(&digest[..])
        .bind(Value::Object(versions))
        .bind(i64::try_from(fresh.len()).unwrap_or(i64::MAX))
        .bind(case)
        .bind(bound(now)),
    )?;
    Ok(Screened {
        id,
        hits: u32::try_from(fresh.len()).unwrap_or(u32::MAX),
        case,
    })
}

fn add_hit(unit: &mut Unit<'_, '_>, case: Uuid, user: Uuid, hit: &Hit) -> Result<(), Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let name = seal(unit, user, seal::HIT_NAME, &hit.name)?;
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO aml_hits (id, org_id, case_id, user_id, source, uid, entry_digest, name_sealed, grade, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             -- Its exception was revoked: it has to be decided anew.
             ON CONFLICT (case_id, source, uid, entry_digest) DO UPDATE SET
                 decision = 'open', reason_sealed = NULL, decided_by = NULL, decided_at = NULL, grade = excluded.grade
             WHERE aml_hits.decision = 'other'",
        )
        .bind(new_id(now))
        .bind(org)
        .bind(case)
        .bind(user)
        .bind(&hit.listed.source)
        .bind(&hit.listed.entry.uid)
        .bind(&hit.listed.digest)
        .bind(name.as_bytes())
        .bind(grade_json(hit))
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Looks all clients up among the entries that are new in a version, or among all of it. A source that is off is looked at
/// when it is put on again.
///
/// # Errors
/// The database.
pub async fn list_changed(
    platform: &Platform,
    source: &str,
    version: i64,
    whole: bool,
) -> Result<u64, Refusal> {
    search_all(platform, source, version, whole, None).await
}

/// As [`list_changed`], and remembers for the event how far it is: a search that a stop cut goes on behind the clients it has done.
async fn search_all(
    platform: &Platform,
    source: &str,
    version: i64,
    whole: bool,
    event: Option<Uuid>,
) -> Result<u64, Refusal> {
    let background = platform.background();
    let system = Principal::system("aml.screen");
    let name = source.to_owned();
    let enabled = background.read(&system, move |tx| {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM sanctions_sources WHERE name = $1 AND enabled)",
        );
        Ok(tx.scalar::<bool>(query.bind(name))?)
    });
    if !enabled.await? {
        return Ok(0);
    }
    let mut listed: Vec<Listed> = Vec::new();
    load(
        &background,
        &system,
        source,
        version,
        (!whole).then_some(version),
        &mut listed,
    )
    .await?;
    if listed.is_empty() {
        return Ok(0);
    }
    let index = tokio::task::spawn_blocking(move || Arc::new(Index::of(listed))).await;
    let lists = InForce {
        index: index.map_err(|_| Refusal::from(DbError::Panicked))?,
        versions: vec![(source.to_owned(), version)],
    };
    let name = source.to_owned();
    let reached: Option<(Option<Uuid>,)> = background
        .read(&system, move |tx| {
            let query = sqlx::query_as(
                "SELECT searched_after FROM sanctions_sources WHERE name = $1 AND searched_event = $2",
            );
            Ok(tx.optional(query.bind(name).bind(event))?)
        })
        .await?;
    let mut after = reached.and_then(|(after,)| after).unwrap_or_else(Uuid::nil);
    let (mut screened, mut broken) = (0, None);
    loop {
        let users: Vec<(Uuid, bool)> = background
            .read(&system, move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT u.id, EXISTS (SELECT FROM aml_screenings AS s WHERE s.user_id = u.id) FROM users AS u
                         WHERE u.role = 'end_user' AND u.status <> 'deleted' AND u.id > $1 ORDER BY u.id LIMIT $2",
                    )
                    .bind(after)
                    .bind(SLICE),
                )?)
            })
            .await?;
        let Some(last) = users.last() else {
            return broken.map_or(Ok(screened), Err);
        };
        after = last.0;
        for (user, known) in users {
            let (org, query) = match facts(&background, user).await {
                Err(refusal) if refusal.fault() == Some(ERASED) => continue,
                // One client who cannot be looked up keeps nobody else from it; a person has to see to that one.
                Err(refusal) if refusal.fault().is_some() => {
                    tracing::error!(%user, "a client cannot be looked up on a list: {refusal}");
                    broken = Some(refusal);
                    continue;
                }
                other => other?,
            };
            match known {
                true => {
                    against(
                        &background,
                        lists.clone(),
                        org,
                        user,
                        query,
                        Cause::ListChange,
                    )
                    .await?
                }
                // There was no list when they came: all of them are looked through.
                false => screen(&background, org, user, query, Cause::Onboarding).await?,
            };
            screened += 1;
        }
        if let Some(event) = event {
            let name = source.to_owned();
            background
                .command(&system, move |unit| {
                    let query = sqlx::query(
                        "UPDATE sanctions_sources SET searched_event = $2, searched_after = $3 WHERE name = $1",
                    );
                    unit.tx().execute(query.bind(name).bind(event).bind(after))?;
                    Ok(())
                })
                .await?;
        }
    }
}

/// Looks all clients up for each change of a list that was not looked through yet. Returns how many were; called by a job of its
/// own, since it takes long where there are many clients and other events do not wait for it. What a stop cuts goes on where it was.
///
/// # Errors
/// The database; a client who cannot be looked up is said in the log and keeps nobody else from it.
pub async fn lists_changed(platform: &Platform) -> Result<u64, Refusal> {
    let background = platform.background();
    let system = Principal::system(LISTS);
    let since = Ts(platform.now().0.saturating_sub(CHANGES_NS));
    let mut screened = 0;
    loop {
        let next: Option<(Uuid, Value)> = background
            .read(&system, move |tx| {
                Ok(tx.optional(
                    sqlx::query_as(
                        "SELECT e.event_id, e.payload FROM events AS e
                         WHERE e.type = 'sanctions.list_changed' AND e.event_id IS NOT NULL AND e.time >= $1
                             AND NOT EXISTS (SELECT FROM event_receipts AS r WHERE r.consumer = $2 AND r.event_id = e.event_id)
                         ORDER BY e.id LIMIT 1",
                    )
                    .bind(bound(since))
                    .bind(LISTS),
                )?)
            })
            .await?;
        let Some((event, payload)) = next else {
            return Ok(screened);
        };
        let source = payload["source"].as_str().unwrap_or_default();
        let version = payload["version"].as_i64().unwrap_or_default();
        let whole = payload["whole"].as_bool().unwrap_or_default();
        match search_all(&background, source, version, whole, Some(event)).await {
            Ok(clients) => screened += clients,
            Err(refusal @ Refusal::Db(_)) => return Err(refusal),
            Err(refusal) => tracing::error!(
                source,
                version,
                "not everybody was looked up on a new list: {refusal}"
            ),
        }
        background
            .command(&system, move |unit| {
                let now = unit.now();
                let query = sqlx::query("INSERT INTO event_receipts (consumer, event_id, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
                unit.tx().execute(query.bind(LISTS).bind(event).bind(bound(now)))?;
                Ok(())
            })
            .await?;
    }
}

/// Whether a client was looked up on the lists since then. As the system.
///
/// # Errors
/// The database.
pub fn was_screened(tx: &mut Tx<'_>, user: Uuid, since: Ts) -> Result<bool, Refusal> {
    let screened = tx.scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM aml_screenings WHERE user_id = $1 AND created_at >= $2)",
        )
        .bind(user)
        .bind(bound(since)),
    )?;
    Ok(screened)
}

/// Screens after the commit of what calls for it. Doing it twice finds the same hits, which are then known.
pub struct Screener;

impl Effect for Screener {
    fn name(&self) -> &'static str {
        "aml.screener"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "user.registered"
                | "user.corrected"
                | "kyc.review_required"
                | "kyc.document_typed"
                | "sanctions.exception_revoked"
        )
    }

    fn run<'a>(&'a self, platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let Some(user) = event.subject else {
                return Ok(());
            };
            let cause = match event.kind.as_str() {
                "kyc.document_typed" | "user.corrected" => Cause::ClientChange,
                "sanctions.exception_revoked" => Cause::ByHand,
                _ => Cause::Onboarding,
            };
            match client(platform, user, cause).await.map(drop) {
                // Whoever was never looked up is when the first list comes; nobody is cleared until then.
                Err(refusal) if refusal.fault() == Some(super::faults::NO_LISTS) => Ok(()),
                other => other.map_err(EffectError::from),
            }
        })
    }
}
