//! What a person agreed to, purpose by purpose. Every yes and no is a row that stays; the newest counts.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Permission, Verb};
use crate::refusal::{INVALID, Refusal};
use crate::unit::Unit;
use crate::values::{bound, from_micros, micros};

/// See somebody else's consents.
pub const CONSENT_READ: Permission = Permission::new("consent.read", Area::Crm, Verb::Read);
/// Write down a consent for somebody else: by telephone, on paper.
pub const CONSENT_WRITE: Permission = Permission::new("consent.write", Area::Crm, Verb::Write);

/// What may be done with consents of others.
pub const PERMISSIONS: &[Permission] = &[CONSENT_READ, CONSENT_WRITE];

/// What can be agreed to. Nothing is agreed to before it was said.
pub const PURPOSES: &[&str] = &[
    "marketing_email",
    "marketing_sms",
    "marketing_whatsapp",
    "marketing_call",
    "profiling",
    "assistant",
    "third_parties",
    "cross_border",
];

/// Longest name of a source or a version of the text, characters.
const NAME_MAX: usize = 64;

/// A yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Its row.
    pub id: Uuid,
    /// One of [`PURPOSES`].
    pub purpose: String,
    /// Yes or no.
    pub granted: bool,
    /// Where it was said: `web`, `whatsapp`, `paper`.
    pub source: String,
    /// Which text was shown.
    pub text_version: String,
    /// Who entered it: the person's own key, or that of whoever wrote it down.
    pub recorded_by: String,
    /// When.
    pub at: Ts,
}

type Row = (Uuid, String, bool, String, String, String, i64);

fn consent(row: Row) -> Consent {
    let (id, purpose, granted, source, text_version, recorded_by, micros) = row;
    Consent {
        id,
        purpose,
        granted,
        source,
        text_version,
        recorded_by,
        at: from_micros(micros),
    }
}

/// Records a yes or no of `subject`. Who may is the caller's question.
///
/// # Errors
/// An unknown purpose, an empty source or version, or the database.
pub fn record(
    unit: &mut Unit<'_, '_>,
    subject: Uuid,
    purpose: &str,
    granted: bool,
    source: &str,
    text_version: &str,
) -> Result<(), Refusal> {
    if !PURPOSES.contains(&purpose) {
        return Err(INVALID.field("purpose", format!("use one of {}", PURPOSES.join(", "))));
    }
    for (field, text) in [("source", source), ("text_version", text_version)] {
        if text.is_empty() || text.chars().count() > NAME_MAX {
            return Err(INVALID.field(field, format!("use 1 to {NAME_MAX} characters")));
        }
    }
    let before = given(unit.tx(), subject, purpose)?;
    let (id, org, by, now) = (
        new_id(unit.now()),
        unit.by().org,
        unit.by().audit_name(),
        unit.now(),
    );
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO consents (id, org_id, subject_id, purpose, granted, source, text_version, recorded_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(org)
        .bind(subject)
        .bind(purpose)
        .bind(granted)
        .bind(source)
        .bind(text_version)
        .bind(by)
        .bind(bound(now)),
    )?;
    let change = Change::new(Action::Create, "consent", id).about(subject);
    unit.audit(
        change
            .field("purpose", Value::Null, purpose)
            .field("granted", before, granted),
    );
    let payload = json!({"subject_id": subject, "purpose": purpose, "granted": granted});
    unit.emit(Event::new("consent.changed", "subject", subject, payload).about(subject));
    Ok(())
}

/// Whether `subject` agrees to `purpose` now. Who said nothing does not.
///
/// # Errors
/// The database.
pub fn given(tx: &mut Tx<'_>, subject: Uuid, purpose: &str) -> Result<bool, Refusal> {
    let newest: Option<(bool,)> = tx.optional(
        sqlx::query_as("SELECT granted FROM consents WHERE subject_id = $1 AND purpose = $2 ORDER BY created_at DESC, id DESC LIMIT 1")
            .bind(subject)
            .bind(purpose),
    )?;
    Ok(newest.is_some_and(|(granted,)| granted))
}

/// The newest word of `subject` on each purpose it spoke of.
///
/// # Errors
/// The database.
pub fn standing(tx: &mut Tx<'_>, subject: Uuid) -> Result<Vec<Consent>, Refusal> {
    let rows: Vec<Row> = tx.all(
        sqlx::query_as(
            "SELECT DISTINCT ON (purpose) id, purpose, granted, source, text_version, recorded_by, (extract(epoch FROM created_at) * 1000000)::bigint
             FROM consents WHERE subject_id = $1 ORDER BY purpose, created_at DESC, id DESC",
        )
        .bind(subject),
    )?;
    Ok(rows.into_iter().map(consent).collect())
}

/// Everything `subject` ever said, newest first.
///
/// # Errors
/// The database.
pub fn history(tx: &mut Tx<'_>, subject: Uuid, paging: Paging) -> Result<Page<Consent>, Refusal> {
    let (at, id) = paging
        .after
        .map_or((i64::MAX, Uuid::max()), |cursor| (cursor.key, cursor.id));
    let rows: Vec<Row> = tx.all(
        sqlx::query_as(
            "SELECT id, purpose, granted, source, text_version, recorded_by, (extract(epoch FROM created_at) * 1000000)::bigint
             FROM consents WHERE subject_id = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(subject)
        .bind(micros(at))
        .bind(id)
        .bind(paging.fetch()),
    )?;
    let page = paging.cut(rows, |row| Cursor {
        key: row.6,
        id: row.0,
    });
    Ok(page.map(consent))
}
