//! Sources of lists, and how a new version takes the place of the last good one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::faults::{LIST_REFUSED, NO_LISTS};
use super::index::{Hit, Index, Listed, Query};
use super::lists::entry::hex;
use super::lists::{Delta, Entry, Files, Format, Shape, delta, read, sane, sides_sane};
use super::names::graded::POSSIBLE;
use super::permissions::{SANCTIONS_CONFIGURE, SANCTIONS_READ};
use crate::audit::{Action, Change};
use crate::db::{DbError, Tx};
use crate::ids::{HOUSE, new_id};
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::Principal;
use crate::refusal::{FORBIDDEN, INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros};

mod in_force;

pub use in_force::{InForce, Version, check, entry, index, versions};
pub(super) use in_force::{decode, load};

/// Rows read or written by one statement: a slice of the embedded database.
const SLICE: i64 = 500;

/// Indexes that are kept: the one in force, and the one before while it is still used.
const KEPT: usize = 4;

/// Longest name that is looked up, characters: twice the longest on any list.
const NAME_MAX: usize = 500;

/// Most addresses of a source.
const URLS_MAX: usize = 4;

/// A source of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The form of its files.
    pub format: String,
    /// Where its files are.
    pub urls: Vec<String>,
    /// It is looked at.
    pub enabled: bool,
    /// The version in force; 0 before the first.
    pub version: i64,
    /// Entries of it.
    pub entries: i64,
    /// The publisher's date.
    pub published: Option<String>,
    /// When it was last found to be the publisher's newest, microseconds.
    pub good_at: Option<i64>,
    /// When it was last tried.
    pub tried_at: Option<i64>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Changes of its settings.
    pub revision: i64,
}

type Row = (
    String,
    String,
    String,
    Vec<String>,
    bool,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    i64,
);

fn source(row: Row) -> Source {
    let (
        name,
        title,
        format,
        urls,
        enabled,
        version,
        entries,
        published,
        good_at,
        tried_at,
        error,
        revision,
    ) = row;
    Source {
        name,
        title,
        format,
        urls,
        enabled,
        version,
        entries,
        published,
        good_at,
        tried_at,
        error,
        revision,
    }
}

const SOURCE: &str = "SELECT name, title, format, urls, enabled, version, entries, published, (extract(epoch FROM good_at) * 1000000)::bigint,
    (extract(epoch FROM tried_at) * 1000000)::bigint, error, revision FROM sanctions_sources WHERE $1::text IS NULL OR name = $1 ORDER BY name";

fn read_sources(tx: &mut Tx<'_>, name: Option<&str>) -> Result<Vec<Source>, Refusal> {
    let rows: Vec<Row> = tx.all(sqlx::query_as(SOURCE).bind(name))?;
    Ok(rows.into_iter().map(source).collect())
}

fn one_source(tx: &mut Tx<'_>, name: &str) -> Result<Source, Refusal> {
    read_sources(tx, Some(name))?
        .pop()
        .ok_or_else(|| NOT_FOUND.because("there is no such source"))
}

/// All sources.
///
/// # Errors
/// Not permitted, or the database.
pub async fn sources(platform: &Platform, by: &Principal) -> Result<Vec<Source>, Refusal> {
    by.scope(SANCTIONS_READ)?;
    platform.read(by, |tx| read_sources(tx, None)).await
}

/// Says where a source's files are, and whether it is looked at.
///
/// # Errors
/// Not permitted; no such source; it was changed since; addresses that are none.
pub async fn configure(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    name: String,
    urls: Vec<String>,
    enabled: bool,
    revision: i64,
) -> Result<Source, Refusal> {
    by.scope(SANCTIONS_CONFIGURE)?;
    // One set of lists serves every organisation; the house keeps it.
    if by.org != HOUSE {
        return Err(FORBIDDEN.because("the lists are kept by the house"));
    }
    let https = |url: &String| {
        url.starts_with("https://") && url.len() <= 2_000 && !url.contains(char::is_whitespace)
    };
    if urls.len() > URLS_MAX || !urls.iter().all(https) {
        return Err(INVALID.field(
            "urls",
            format!("give at most {URLS_MAX} addresses that begin with https://"),
        ));
    }
    platform
        .command_once(by, once, move |unit| {
            let before = one_source(unit.tx(), &name)?;
            let (_, most) = Format::parse(&before.format).map_or((0, 0), Format::files);
            if urls.len() > most {
                return Err(INVALID.field("urls", format!("this source has {most} files at most")));
            }
            let changed = unit.tx().execute(
                sqlx::query("UPDATE sanctions_sources SET urls = $2, enabled = $3, revision = revision + 1 WHERE name = $1 AND revision = $4")
                    .bind(&name)
                    .bind(&urls)
                    .bind(enabled)
                    .bind(revision),
            )?;
            if changed == 0 {
                return Err(STALE.because("somebody else changed the source; look again"));
            }
            if urls != before.urls {
                unit.tx().execute(sqlx::query("UPDATE sanctions_sources SET etags = '{}' WHERE name = $1").bind(&name))?;
            }
            // Nobody was looked for on it while it was off.
            if enabled && !before.enabled && before.version > 0 {
                let id = new_id(unit.now());
                unit.emit(Event::new(
                    "sanctions.list_changed",
                    "sanctions_source",
                    id,
                    json!({ "source": before.name, "version": before.version, "whole": true }),
                ));
            }
            unit.audit(
                Change::new(Action::Update, "sanctions_source", &name)
                    .field("urls", before.urls.join(" "), urls.join(" "))
                    .field("enabled", before.enabled, enabled),
            );
            one_source(unit.tx(), &name)
        })
        .await
}

/// What became of a new file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Of which source.
    pub source: String,
    /// The version in force now.
    pub version: i64,
    /// False: it is the list that is in force.
    pub adopted: bool,
    /// Entries in force.
    pub entries: i64,
    /// New ones.
    pub added: i64,
    /// Those that say something else.
    pub changed: i64,
    /// Those that are gone.
    pub removed: i64,
}

/// Takes the files of a source as its new version. What is no list, or looks cut, is refused and noted; the last good
/// list stays in force.
///
/// # Errors
/// Not permitted; no such source; [`LIST_REFUSED`]; another one is taken at the same moment.
pub async fn take(
    platform: &Platform,
    by: &Principal,
    name: String,
    files: Files,
) -> Result<Taken, Refusal> {
    by.scope(SANCTIONS_CONFIGURE)?;
    let system = Principal::system("aml.lists").within(by.org);
    let asked = name.clone();
    let (before, known, sides_before): (Source, String, Vec<i64>) = platform
        .read(&system, move |tx| {
            let source = one_source(tx, &asked)?;
            let digest = tx.scalar(
                sqlx::query_scalar("SELECT digest FROM sanctions_sources WHERE name = $1")
                    .bind(&asked),
            )?;
            let sides: Option<(Vec<i64>,)> = tx.optional(
                sqlx::query_as(
                    "SELECT side_rows FROM sanctions_versions WHERE source = $1 AND version = $2",
                )
                .bind(&asked)
                .bind(source.version),
            )?;
            Ok((
                source,
                digest,
                sides.map_or_else(Vec::new, |(sides,)| sides),
            ))
        })
        .await?;
    let format = Format::parse(&before.format)
        .ok_or_else(|| NOT_FOUND.because("the source has a form this program does not know"))?;
    let digest = digest_of(&files);
    if digest == known && before.version > 0 {
        note_try(platform, &system, name.clone(), None).await?;
        return Ok(unchanged(&before));
    }
    let parsed = tokio::task::spawn_blocking(move || read(format, &files)).await;
    let list = match parsed {
        Ok(Ok(list)) => list,
        Ok(Err(error)) => {
            return refuse(platform, &system, before, digest, 0, error.to_string()).await;
        }
        Err(_) => {
            return refuse(
                platform,
                &system,
                before,
                digest,
                0,
                "it broke its reader".into(),
            )
            .await;
        }
    };
    let shape = Shape {
        entries: list.entries.len(),
        broken: list.broken,
    };
    let in_force = digests(platform, &system, &before).await?;
    let sides_before: Vec<usize> = sides_before
        .into_iter()
        .map(|rows| usize::try_from(rows).unwrap_or(0))
        .collect();
    let verdict = sane(shape, (before.version > 0).then_some(in_force.len()));
    if let Err(reason) = verdict.and_then(|()| sides_sane(&list.sides, &sides_before)) {
        return refuse(platform, &system, before, digest, shape.entries, reason).await;
    }
    let sides: Vec<i64> = list
        .sides
        .iter()
        .map(|side| i64::try_from(side.entries).unwrap_or(i64::MAX))
        .collect();
    let change = delta(&in_force, list.entries);
    if change.is_empty() && before.version > 0 {
        note_try(platform, &system, name.clone(), Some((digest, sides))).await?;
        return Ok(unchanged(&before));
    }
    stage(platform, &system, &before, &change).await?;
    adopt(
        platform,
        &system,
        by.audit_name(),
        before,
        New {
            digest,
            published: list.published,
            sides,
            change,
        },
    )
    .await
}

/// A version that is about to be in force.
struct New {
    digest: String,
    published: Option<String>,
    /// Records of the files beside the main one.
    sides: Vec<i64>,
    change: Delta,
}

fn unchanged(before: &Source) -> Taken {
    Taken {
        source: before.name.clone(),
        version: before.version,
        adopted: false,
        entries: before.entries,
        added: 0,
        changed: 0,
        removed: 0,
    }
}

/// A digest of the files in their order.
fn digest_of(files: &Files) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(Sha256::digest(file));
    }
    hex(&hash.finalize())
}

/// Notes that the list in force is the newest one; of files that were read, their digest and the records of those beside the main one.
async fn note_try(
    platform: &Platform,
    system: &Principal,
    name: String,
    files: Option<(String, Vec<i64>)>,
) -> Result<(), Refusal> {
    platform
        .command(system, move |unit| {
            let now = bound(unit.now());
            let (digest, sides) = files.unzip();
            if let Some(sides) = sides {
                unit.tx().execute(
                    sqlx::query(
                        "UPDATE sanctions_versions AS v SET side_rows = $2 FROM sanctions_sources AS s
                         WHERE s.name = $1 AND v.source = s.name AND v.version = s.version",
                    )
                    .bind(&name)
                    .bind(sides),
                )?;
            }
            unit.tx().execute(
                sqlx::query("UPDATE sanctions_sources SET tried_at = $2, good_at = $2, error = NULL, digest = coalesce($3, digest) WHERE name = $1")
                    .bind(&name)
                    .bind(now)
                    .bind(digest),
            )?;
            Ok(())
        })
        .await
}

/// Notes that a try failed before there were files to look at: an address that does not answer.
///
/// # Errors
/// Always, with the reason.
pub async fn failed(
    platform: &Platform,
    by: &Principal,
    name: String,
    reason: String,
) -> Result<Taken, Refusal> {
    by.scope(SANCTIONS_CONFIGURE)?;
    let system = Principal::system("aml.lists").within(by.org);
    let asked = name.clone();
    let before = platform
        .read(&system, move |tx| one_source(tx, &asked))
        .await?;
    refuse(platform, &system, before, String::new(), 0, reason).await
}

/// Notes that the publisher has nothing newer than the list in force.
///
/// # Errors
/// Not permitted; no such source; the database.
pub async fn unchanged_since(
    platform: &Platform,
    by: &Principal,
    name: String,
) -> Result<Taken, Refusal> {
    by.scope(SANCTIONS_CONFIGURE)?;
    let system = Principal::system("aml.lists").within(by.org);
    let asked = name.clone();
    let before = platform
        .read(&system, move |tx| one_source(tx, &asked))
        .await?;
    note_try(platform, &system, name, None).await?;
    Ok(unchanged(&before))
}

async fn refuse(
    platform: &Platform,
    system: &Principal,
    before: Source,
    digest: String,
    entries: usize,
    reason: String,
) -> Result<Taken, Refusal> {
    let said = reason.clone();
    let (name, in_force) = (before.name.clone(), before.version);
    platform
        .command(system, move |unit| {
            let now = unit.now();
            unit.tx().execute(
                sqlx::query(
                    "UPDATE sanctions_sources SET tried_at = $2, error = $3 WHERE name = $1",
                )
                .bind(&name)
                .bind(bound(now))
                .bind(&said),
            )?;
            let row = VersionRow {
                source: &name,
                version: None,
                digest: &digest,
                counts: [i64::try_from(entries).unwrap_or(i64::MAX), 0, 0, 0],
                sides: &[],
                published: None,
                reason: Some(&said),
            };
            let id = insert_version(unit, &row, "system")?;
            unit.emit(Event::new(
                "sanctions.list_refused",
                "sanctions_source",
                id,
                json!({ "source": name, "reason": said }),
            ));
            Ok(())
        })
        .await?;
    let kept = if in_force > 0 {
        format!("version {in_force} stays in force")
    } else {
        "no version is in force yet".to_owned()
    };
    Err(LIST_REFUSED.because(format!("{}: {reason}; {kept}", before.title)))
}

struct VersionRow<'a> {
    source: &'a str,
    version: Option<i64>,
    digest: &'a str,
    /// Entries, added, changed, removed.
    counts: [i64; 4],
    /// Records of the files beside the main one.
    sides: &'a [i64],
    published: Option<&'a str>,
    reason: Option<&'a str>,
}

fn insert_version(
    unit: &mut Unit<'_, '_>,
    row: &VersionRow<'_>,
    taken_by: &str,
) -> Result<Uuid, Refusal> {
    let now = unit.now();
    let id = new_id(now);
    let [entries, added, changed, removed] = row.counts;
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO sanctions_versions (id, source, version, status, digest, entries, added, changed, removed, published, reason, taken_by, created_at, side_rows)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(id)
        .bind(row.source)
        .bind(row.version)
        .bind(if row.version.is_some() { "adopted" } else { "refused" })
        .bind(row.digest)
        .bind(entries)
        .bind(added)
        .bind(changed)
        .bind(removed)
        .bind(row.published)
        .bind(row.reason)
        .bind(taken_by)
        .bind(bound(now))
        .bind(row.sides.to_vec()),
    )?;
    Ok(id)
}

/// Digests of the entries in force, by key.
async fn digests(
    platform: &Platform,
    system: &Principal,
    source: &Source,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut all = BTreeMap::new();
    let mut after = 0i64;
    loop {
        let (name, version) = (source.name.clone(), source.version);
        let rows: Vec<(i64, String, String)> = platform
            .read(system, move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, uid, digest FROM sanctions_entries WHERE source = $1 AND from_version <= $2 AND until_version IS NULL AND id > $3
                         ORDER BY id LIMIT $4",
                    )
                    .bind(&name)
                    .bind(version)
                    .bind(after)
                    .bind(SLICE),
                )?)
            })
            .await?;
        let Some(last) = rows.last() else {
            return Ok(all);
        };
        after = last.0;
        all.extend(rows.into_iter().map(|(_, uid, digest)| (uid, digest)));
    }
}

/// Keeps the source as it is for the rest of the unit: rows of a coming version are not written over one that came in between.
fn hold(unit: &mut Unit<'_, '_>, name: &str, version: i64) -> Result<(), Refusal> {
    let found: Option<(i64,)> = unit.tx().optional(
        sqlx::query_as("SELECT version FROM sanctions_sources WHERE name = $1 FOR UPDATE")
            .bind(name),
    )?;
    if found == Some((version,)) {
        Ok(())
    } else {
        Err(STALE.because("the list is being taken by somebody else; look again"))
    }
}

/// Writes the rows of the coming version in slices; they hold from a version that is not in force yet.
async fn stage(
    platform: &Platform,
    system: &Principal,
    before: &Source,
    change: &Delta,
) -> Result<(), Refusal> {
    let (name, version) = (before.name.clone(), before.version);
    platform
        .command(system, move |unit| {
            hold(unit, &name, version)?;
            unit.tx().execute(
                sqlx::query(
                    "DELETE FROM sanctions_entries WHERE source = $1 AND from_version > $2",
                )
                .bind(&name)
                .bind(version),
            )?;
            Ok(())
        })
        .await?;
    let entries: Vec<&Entry> = change.to_screen().collect();
    let slice = usize::try_from(SLICE).unwrap_or(1);
    for part in entries.chunks(slice) {
        let rows: Vec<(String, String, Value)> = part
            .iter()
            .map(|entry| {
                (
                    entry.uid.clone(),
                    entry.digest(),
                    serde_json::to_value(entry).unwrap_or(Value::Null),
                )
            })
            .collect();
        let (name, version) = (before.name.clone(), before.version + 1);
        platform
            .command(system, move |unit| {
                hold(unit, &name, version - 1)?;
                let (mut uids, mut digests, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
                for (uid, digest, body) in rows {
                    uids.push(uid);
                    digests.push(digest);
                    bodies.push(body);
                }
                let written = unit.tx().execute(
                    sqlx::query(
                        "INSERT INTO sanctions_entries (source, uid, digest, entry, from_version)
                         SELECT $1, r.uid, r.digest, r.entry, $2 FROM unnest($3::text[], $4::text[], $5::jsonb[]) AS r (uid, digest, entry)",
                    )
                    .bind(&name)
                    .bind(version)
                    .bind(uids)
                    .bind(digests)
                    .bind(bodies),
                );
                written.map_err(Refusal::from).map_err(|error| {
                    error.on_duplicate("sanctions_entries_source_uid_from_version_key", || {
                        STALE.because("the list is being taken by somebody else; look again")
                    })
                })?;
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// Puts the staged version in force in one step.
async fn adopt(
    platform: &Platform,
    system: &Principal,
    taken_by: String,
    before: Source,
    new: New,
) -> Result<Taken, Refusal> {
    let New {
        digest,
        published,
        sides,
        change,
    } = new;
    platform
        .command(system, move |unit| {
            let now = unit.now();
            let version = before.version + 1;
            let staged: Vec<String> = change.to_screen().map(Entry::digest).collect();
            let ended: Vec<String> = change.changed.iter().map(|entry| entry.uid.clone()).chain(change.removed.iter().cloned()).collect();
            let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let taken = Taken {
                source: before.name.clone(),
                version,
                adopted: true,
                entries: count(change.same + change.added.len() + change.changed.len()),
                added: count(change.added.len()),
                changed: count(change.changed.len()),
                removed: count(change.removed.len()),
            };
            let moved = unit.tx().execute(
                sqlx::query(
                    "UPDATE sanctions_sources SET version = $3, digest = $4, entries = $5, published = $6, good_at = $7, tried_at = $7, error = NULL
                     WHERE name = $1 AND version = $2",
                )
                .bind(&before.name)
                .bind(before.version)
                .bind(version)
                .bind(&digest)
                .bind(taken.entries)
                .bind(&published)
                .bind(bound(now)),
            )?;
            // Neither a row of this version may be missing, nor one of another attempt be among them.
            let (own, all): (i64, i64) = unit.tx().one(
                sqlx::query_as(
                    "SELECT count(*) FILTER (WHERE digest = ANY ($3)), count(*) FROM sanctions_entries WHERE source = $1 AND from_version = $2",
                )
                .bind(&before.name)
                .bind(version)
                .bind(&staged),
            )?;
            if moved == 0 || own != count(staged.len()) || all != own {
                return Err(STALE.because("another version was taken at the same moment; try again"));
            }
            unit.tx().execute(
                sqlx::query(
                    "UPDATE sanctions_entries SET until_version = $2 WHERE source = $1 AND uid = ANY ($3) AND from_version < $2 AND until_version IS NULL",
                )
                .bind(&before.name)
                .bind(version)
                .bind(&ended),
            )?;
            let ended_exceptions = unit.tx().execute(
                sqlx::query(
                    "UPDATE sanctions_whitelist SET ended_at = $3, ended_because = 'entry_changed'
                     WHERE source = $1 AND uid = ANY ($2) AND ended_at IS NULL",
                )
                .bind(&before.name)
                .bind(&ended)
                .bind(bound(now)),
            )?;
            let row = VersionRow {
                source: &before.name,
                version: Some(version),
                digest: &digest,
                counts: [taken.entries, taken.added, taken.changed, taken.removed],
                sides: &sides,
                published: published.as_deref(),
                reason: None,
            };
            let id = insert_version(unit, &row, &taken_by)?;
            unit.audit(
                Change::new(Action::Update, "sanctions_source", &before.name)
                    .field("version", before.version, version)
                    .field("entries", before.entries, taken.entries)
                    .field("ended_exceptions", Value::Null, ended_exceptions)
                    .field("taken_by", Value::Null, taken_by.clone()),
            );
            unit.emit(Event::new(
                "sanctions.list_changed",
                "sanctions_source",
                id,
                json!({ "source": before.name, "version": version, "added": taken.added, "changed": taken.changed, "removed": taken.removed }),
            ));
            Ok(taken)
        })
        .await
}
