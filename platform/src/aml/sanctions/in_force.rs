//! What is in force: versions, entries, and the index that names are looked up in.

use super::*;

/// A version of a list, or a try that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its key.
    pub id: Uuid,
    /// `None` for a refused one.
    pub version: Option<i64>,
    /// Entries, added, changed, removed.
    pub counts: [i64; 4],
    /// The publisher's date.
    pub published: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// When.
    pub at: Ts,
}

/// Versions of a source, newest first.
///
/// # Errors
/// Not permitted; no such source.
pub async fn versions(
    platform: &Platform,
    by: &Principal,
    name: String,
    paging: Paging,
) -> Result<Page<Version>, Refusal> {
    by.scope(SANCTIONS_READ)?;
    type VersionTuple = (
        Uuid,
        Option<i64>,
        i64,
        i64,
        i64,
        i64,
        Option<String>,
        Option<String>,
        i64,
    );
    platform
        .read(by, move |tx| {
            one_source(tx, &name)?;
            let after = paging.after.map(|cursor| cursor.key);
            let rows: Vec<VersionTuple> = tx.all(
                sqlx::query_as(
                    "SELECT id, version, entries, added, changed, removed, published, reason, (extract(epoch FROM created_at) * 1000000)::bigint
                     FROM sanctions_versions
                     WHERE source = $1 AND ($2::bigint IS NULL OR ((extract(epoch FROM created_at) * 1000000)::bigint, id) < ($2, $3))
                     ORDER BY created_at DESC, id DESC LIMIT $4",
                )
                .bind(&name)
                .bind(after)
                .bind(paging.after.map(|cursor| cursor.id))
                .bind(paging.fetch()),
            )?;
            let items = rows.into_iter().map(|(id, version, entries, added, changed, removed, published, reason, at)| Version {
                id,
                version,
                counts: [entries, added, changed, removed],
                published,
                reason,
                at: from_micros(at),
            });
            Ok(paging.cut(items.collect(), |row| Cursor {
                key: Cursor::micros(row.at),
                id: row.id,
            }))
        })
        .await
}

/// An entry as it is in force, or as it was last.
///
/// # Errors
/// Not permitted; nobody of that key.
pub async fn entry(
    platform: &Platform,
    by: &Principal,
    source: String,
    uid: String,
) -> Result<Entry, Refusal> {
    by.scope(SANCTIONS_READ)?;
    platform
        .read(by, move |tx| {
            let row: Option<(Value,)> = tx.optional(
                sqlx::query_as(
                    "SELECT e.entry FROM sanctions_entries e JOIN sanctions_sources s ON s.name = e.source
                     WHERE e.source = $1 AND e.uid = $2 AND e.from_version <= s.version ORDER BY e.from_version DESC LIMIT 1",
                )
                .bind(&source)
                .bind(&uid),
            )?;
            let (body,) = row.ok_or_else(|| NOT_FOUND.because("no entry of that key is or was on the list"))?;
            decode(body)
        })
        .await
}

/// A stored entry.
pub(in crate::aml) fn decode(body: Value) -> Result<Entry, Refusal> {
    let entry = serde_json::from_value(body);
    entry
        .map_err(|error| Refusal::from(DbError::Unexpected(format!("an entry of a list: {error}"))))
}

/// Indexes by the versions they are made of. The keys of versions are random, so two databases never share one.
static BUILT: Mutex<Vec<(Vec<Uuid>, Arc<Index>)>> = Mutex::new(Vec::new());

/// The lists in force, indexed, and the version of each that is in the index.
#[derive(Clone)]
pub struct InForce {
    /// The index.
    pub index: Arc<Index>,
    /// Sources by name, with their versions.
    pub versions: Vec<(String, i64)>,
}

/// The lists in force, indexed.
///
/// # Errors
/// [`NO_LISTS`] when there is none: nobody is found then, and nobody can be cleared.
pub async fn index(platform: &Platform) -> Result<InForce, Refusal> {
    let system = Principal::system("aml.index");
    let in_force: Vec<(Uuid, String, i64)> = platform
        .read(&system, |tx| {
            Ok(tx.all(sqlx::query_as(
                "SELECT v.id, s.name, s.version FROM sanctions_sources s JOIN sanctions_versions v ON v.source = s.name AND v.version = s.version
                 WHERE s.enabled ORDER BY s.name",
            ))?)
        })
        .await?;
    if in_force.is_empty() {
        return Err(NO_LISTS.because("take a list first: siaga sanctions refresh"));
    }
    let key: Vec<Uuid> = in_force.iter().map(|(id, ..)| *id).collect();
    let versions: Vec<(String, i64)> = in_force
        .iter()
        .map(|(_, name, version)| (name.clone(), *version))
        .collect();
    {
        let built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, index)) = built.iter().find(|(known, _)| *known == key) {
            let index = Arc::clone(index);
            return Ok(InForce { index, versions });
        }
    }
    let mut listed = Vec::new();
    for (_, name, version) in &in_force {
        load(platform, &system, name, *version, None, &mut listed).await?;
    }
    let index = tokio::task::spawn_blocking(move || Arc::new(Index::of(listed))).await;
    let index = index.map_err(|_| Refusal::from(DbError::Panicked))?;
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.len() >= KEPT {
        built.remove(0);
    }
    built.push((key, Arc::clone(&index)));
    Ok(InForce { index, versions })
}

/// Reads the entries of a version, or only those that are new in it.
pub(in crate::aml) async fn load(
    platform: &Platform,
    system: &Principal,
    name: &str,
    version: i64,
    new_in: Option<i64>,
    listed: &mut Vec<Listed>,
) -> Result<(), Refusal> {
    let mut after = 0i64;
    loop {
        let name = name.to_owned();
        let rows: Vec<(i64, String, String, Value)> = platform
            .read(system, move |tx| {
                Ok(tx.all(
                    sqlx::query_as(
                        "SELECT id, source, digest, entry FROM sanctions_entries
                         WHERE source = $1 AND from_version <= $2 AND (until_version IS NULL OR until_version > $2)
                             AND ($3::bigint IS NULL OR from_version = $3) AND id > $4
                         ORDER BY id LIMIT $5",
                    )
                    .bind(&name)
                    .bind(version)
                    .bind(new_in)
                    .bind(after)
                    .bind(SLICE),
                )?)
            })
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.0;
        for (_, source, digest, body) in rows {
            listed.push(Listed {
                source,
                entry: Arc::new(decode(body)?),
                digest,
            });
        }
    }
}

/// Looks a name up. Nothing of it is stored but that somebody looked.
///
/// # Errors
/// Not permitted; no name; no list.
pub async fn check(
    platform: &Platform,
    by: &Principal,
    query: Query,
) -> Result<(Vec<Hit>, usize), Refusal> {
    by.scope(SANCTIONS_READ)?;
    if query.names.iter().all(|name| name.trim().is_empty()) {
        return Err(INVALID.field("name", "give a name"));
    }
    if query
        .names
        .iter()
        .any(|name| name.chars().count() > NAME_MAX)
    {
        return Err(INVALID.field("name", format!("use at most {NAME_MAX} characters")));
    }
    let index = index(platform).await?.index;
    let size = index.len();
    let hits = tokio::task::spawn_blocking(move || index.search(&query, POSSIBLE)).await;
    let hits = hits.map_err(|_| Refusal::from(DbError::Panicked))?;
    let found = hits.len();
    platform
        .command(by, move |unit| {
            let now = unit.now();
            unit.audit(
                Change::new(Action::Access, "sanctions_check", new_id(now)).field(
                    "hits",
                    Value::Null,
                    found,
                ),
            );
            Ok(())
        })
        .await?;
    Ok((hits, size))
}
