//! Landing pages and partners that send leads in, each with a secret of its own.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::{Sealed, random};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{CONFLICT, INVALID, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::from_micros;

use super::capture::{Capture, Captured, capture};
use super::permissions::CRM_CONFIGURE;
use super::signature;
use super::view::key_of;

/// Under which name the secrets are sealed.
const SECRET: &str = "lead_sources.secret";

/// Sources of a house that are shown.
const SOURCES_MAX: i64 = 100;

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its key, which stands in the address of its hook.
    pub id: Uuid,
    /// The source of its leads.
    pub name: String,
    /// The channel of its leads.
    pub channel: String,
    /// Takes leads.
    pub active: bool,
    /// Since when.
    pub created: Ts,
}

/// A source whose hook was called with a good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    source: Source,
    org: Uuid,
    receipt: String,
    request: [u8; 32],
}

impl Verified {
    /// Takes in what the hook brought; its source and channel are those of the hook, and the same delivery has one answer.
    ///
    /// # Errors
    /// As [`capture`].
    pub async fn take(self, platform: &Platform, told: Capture) -> Result<Captured, Refusal> {
        let channel = if told.channel.is_empty() {
            self.source.channel
        } else {
            told.channel
        };
        let told = Capture {
            source: self.source.name,
            channel,
            // What it says of a referrer is a form's word: it brings nobody who was a client before.
            receipt: Some((self.receipt, self.request)),
            ..told
        };
        capture(
            platform,
            &Principal::system("crm.hook").within(self.org),
            told,
        )
        .await
    }
}

type Row = (Uuid, Uuid, String, String, Vec<u8>, String, i64);

const COLUMNS: &str = "SELECT id, org_id, name, channel, secret_sealed, status, (extract(epoch FROM created_at) * 1000000)::bigint FROM lead_sources WHERE id = $1";

/// Checks the signature of a delivery against the raw body, before anything of it is looked at.
///
/// # Errors
/// [`super::faults::BAD_SIGNATURE`], also for a source that does not exist, in the same words.
pub async fn verify(
    platform: &Platform,
    source: Uuid,
    header: &str,
    body: &[u8],
) -> Result<Verified, Refusal> {
    let program = Principal::system("crm.hook");
    let keyring = Arc::clone(platform.keyring());
    let found = platform.read(&program, move |tx| {
        let row: Option<Row> = tx.optional(sqlx::query_as(COLUMNS).bind(source))?;
        let Some((id, org, name, channel, sealed, status, created)) = row else {
            return Ok(None);
        };
        let key = key_of(tx, &keyring, id)?;
        let secret = key.and_then(|key| key.open(SECRET, &Sealed::from_bytes(sealed)).ok());
        let source = Source {
            id,
            name,
            channel,
            active: status == "active",
            created: from_micros(created),
        };
        Ok(secret.map(|secret| (source, org, secret)))
    });
    let (source, org, secret) = found
        .await?
        .filter(|(source, _, _)| source.active)
        .ok_or_else(signature::wrong)?;
    signature::check(
        secret.as_bytes(),
        header,
        body,
        platform.now().0 / SECOND_NS,
    )?;
    let request: [u8; 32] = Sha256::digest(body).into();
    let hex: String = request.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Verified {
        receipt: format!("hook {} {hex}", source.id),
        source,
        org,
        request,
    })
}

/// The sources of the house.
///
/// # Errors
/// Forbidden.
pub async fn list(platform: &Platform, by: &Principal) -> Result<Vec<Source>, Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    let org = by.org;
    let rows: Vec<(Uuid, String, String, String, i64)> = platform
        .read(by, move |tx| {
            let query = sqlx::query_as(
                "SELECT id, name, channel, status, (extract(epoch FROM created_at) * 1000000)::bigint FROM lead_sources WHERE org_id = $1 ORDER BY id LIMIT $2",
            );
            Ok(tx.all(query.bind(org).bind(SOURCES_MAX))?)
        })
        .await?;
    let source =
        |(id, name, channel, status, created): (Uuid, String, String, String, i64)| Source {
            id,
            name,
            channel,
            active: status == "active",
            created: from_micros(created),
        };
    Ok(rows.into_iter().map(source).collect())
}

/// Makes a source; its secret is shown this once.
///
/// # Errors
/// Forbidden, a field that is wrong, or a name that is there already; [`CONFLICT`] when its secret was renewed since.
pub async fn add(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    name: String,
    channel: String,
) -> Result<(Source, String), Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    let word = |text: &str, most: usize| {
        !text.is_empty()
            && text.len() <= most
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
    };
    if !word(&name, 50) {
        return Err(INVALID.field("name", "use 1 to 50 small letters, digits, and - _ ."));
    }
    if !word(&channel, 30) {
        return Err(INVALID.field("channel", "use 1 to 30 small letters, digits, and - _ ."));
    }
    let (named, by_channel) = (name.clone(), channel.clone());
    let (id, created, made) = platform
        .command_once(by, once, move |unit| {
            let (id, org, now) = (new_id(unit.now()), unit.by().org, unit.now());
            let (sealed, made) = secret(unit, id)?;
            let put = unit.tx().execute(
                sqlx::query("INSERT INTO lead_sources (id, org_id, name, channel, secret_sealed) VALUES ($1, $2, $3, $4, $5)")
                    .bind(id)
                    .bind(org)
                    .bind(&named)
                    .bind(&by_channel)
                    .bind(sealed.as_bytes()),
            );
            let taken = || INVALID.field("name", "there is a source of this name");
            put.map_err(|error| Refusal::from(error).on_duplicate("lead_sources_org_id_name_key", taken))?;
            unit.audit(Change::new(Action::Create, "lead_source", id).field("name", Value::Null, named.as_str()));
            unit.emit(Event::new("crm.source_changed", "lead_source", id, json!({"source_id": id, "what": "added"})));
            Ok((id, now.0, made))
        })
        .await?;
    let secret = secret_of(platform, by, id, made).await?;
    let source = Source {
        id,
        name,
        channel,
        active: true,
        created: Ts(created),
    };
    Ok((source, secret))
}

/// Gives a source a new secret; the old one ends at once.
///
/// # Errors
/// Forbidden or not found; [`CONFLICT`] when somebody renewed it once more since.
pub async fn renew(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
) -> Result<String, Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    let made = platform
        .command_once(by, once, move |unit| {
            // Before its key is asked for: a source of another house has one that this one may not make.
            let known: bool = unit.tx().scalar(
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM lead_sources WHERE id = $1)")
                    .bind(id),
            )?;
            if !known {
                return Err(NOT_FOUND.because("there is no such source"));
            }
            let (sealed, made) = secret(unit, id)?;
            let changed = unit.tx().execute(
                sqlx::query("UPDATE lead_sources SET secret_sealed = $2 WHERE id = $1")
                    .bind(id)
                    .bind(sealed.as_bytes()),
            )?;
            if changed == 0 {
                return Err(NOT_FOUND.because("there is no such source"));
            }
            unit.audit(Change::new(Action::Update, "lead_source", id).field(
                "secret",
                Value::Null,
                "renewed",
            ));
            let facts = json!({"source_id": id, "what": "secret_renewed"});
            unit.emit(Event::new("crm.source_changed", "lead_source", id, facts));
            Ok(made)
        })
        .await?;
    secret_of(platform, by, id, made).await
}

/// Switches a source off, so that its hook takes nothing, or on again with the secret that it has.
///
/// # Errors
/// Forbidden or not found.
pub async fn switch(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    id: Uuid,
    active: bool,
) -> Result<Source, Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    let standing = platform
        .command_once(by, once, move |unit| {
            let row: Option<(String, String, String, i64)> = unit.tx().optional(
                sqlx::query_as(
                    "SELECT name, channel, status, (extract(epoch FROM created_at) * 1000000)::bigint FROM lead_sources WHERE id = $1 FOR UPDATE",
                )
                .bind(id),
            )?;
            let (name, channel, before, created) =
                row.ok_or_else(|| NOT_FOUND.because("there is no such source"))?;
            let after = if active { "active" } else { "ended" };
            if before != after {
                unit.tx().execute(
                    sqlx::query("UPDATE lead_sources SET status = $2 WHERE id = $1")
                        .bind(id)
                        .bind(after),
                )?;
                unit.audit(
                    Change::new(Action::Update, "lead_source", id).field("status", before, after),
                );
                let facts = json!({"source_id": id, "active": active});
                unit.emit(Event::new("crm.source_changed", "lead_source", id, facts));
            }
            Ok((name, channel, created))
        })
        .await?;
    let (name, channel, created) = standing;
    Ok(Source {
        id,
        name,
        channel,
        active,
        created: from_micros(created),
    })
}

/// The secret of a source that a command made. It is read where it is kept, so that no remembered answer has it; one that
/// somebody made since is theirs alone.
async fn secret_of(
    platform: &Platform,
    by: &Principal,
    source: Uuid,
    made: u64,
) -> Result<String, Refusal> {
    let keyring = Arc::clone(platform.keyring());
    let found = platform.read(by, move |tx| {
        let row: Option<(Vec<u8>,)> = tx.optional(
            sqlx::query_as("SELECT secret_sealed FROM lead_sources WHERE id = $1").bind(source),
        )?;
        let Some((sealed,)) = row else {
            return Ok(None);
        };
        let key = key_of(tx, &keyring, source)?;
        Ok(key.and_then(|key| key.open(SECRET, &Sealed::from_bytes(sealed)).ok()))
    });
    let secret = found
        .await?
        .ok_or_else(|| NOT_FOUND.because("there is no such source"))?;
    if mark(&secret) != made {
        return Err(CONFLICT.because(
            "the secret was renewed since and is shown to whoever did that; renew it again to have one shown",
        ));
    }
    Ok(secret)
}

/// By what a secret is told from the one that took its place; nothing of it can be had from so little.
fn mark(secret: &str) -> u64 {
    let digest = Sha256::digest(secret.as_bytes());
    let bytes = digest.iter().take(8);
    bytes.fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// A new secret of a source, sealed, and its mark.
fn secret(unit: &mut Unit<'_, '_>, source: Uuid) -> Result<(Sealed, u64), Refusal> {
    let hex: String = random::<32>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let secret = format!("whsec_{hex}");
    Ok((unit.key(source)?.seal(SECRET, &secret), mark(&secret)))
}
