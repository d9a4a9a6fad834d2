//! What sales writes down about a lead: talks, facts, deals.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::Sealed;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros};

use super::faults::{NOT_BY_HAND, NOT_OPEN};
use super::lead::Lead;
use super::permissions::{LEAD_EDIT, LEAD_NOTE, LEAD_READ};
use super::score::FactKind;
use super::stage::{Stage, Status};
use super::store;
use super::view::key_of;

/// Longest note, characters.
pub const NOTE_MAX: usize = 4_000;

/// Longest title of a deal or a task, characters.
pub const TITLE_MAX: usize = 200;

/// Longest proof of a fact and name of who says it, characters.
const PROOF_MAX: usize = 200;

/// Deals of one lead that are shown.
const DEALS_MAX: i64 = 100;

/// What kind of talk a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// None: something to remember.
    Note,
    /// On the telephone.
    Call,
    /// Face to face, or by video.
    Meeting,
}

impl NoteKind {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            NoteKind::Note => "note",
            NoteKind::Call => "call",
            NoteKind::Meeting => "meeting",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<NoteKind> {
        [NoteKind::Note, NoteKind::Call, NoteKind::Meeting]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Text that somebody typed, trimmed.
///
/// # Errors
/// Empty, or too long.
pub(super) fn typed(text: &str, field: &'static str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(INVALID.field(field, format!("use 1 to {most} characters")));
    }
    Ok(text.to_owned())
}

/// A lead that `unit`'s principal may write, locked and not part of another.
fn writable(
    unit: &mut Unit<'_, '_>,
    lead: Uuid,
    permission: crate::people::Permission,
) -> Result<Lead, Refusal> {
    let lead = store::for_update(unit.tx(), lead)?;
    unit.by().may(permission, &lead.target())?;
    if lead.status == Status::Merged {
        return Err(NOT_OPEN.because("it is part of another lead; use that one"));
    }
    Ok(lead)
}

/// Writes a note. A call or a meeting is a word with the person: a new lead is contacted by it, and it is a sign of interest.
///
/// # Errors
/// Forbidden, not found, or a text that is none.
pub async fn note(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    kind: NoteKind,
    text: String,
) -> Result<Uuid, Refusal> {
    let text = typed(&text, "text", NOTE_MAX)?;
    platform
        .command_once(by, once, move |unit| {
            let mut lead = writable(unit, lead, LEAD_NOTE)?;
            let id = store::history(
                unit,
                &lead,
                kind.name(),
                &json!({"stage": lead.stage.name()}),
                Some(&text),
            )?;
            if kind != NoteKind::Note {
                let by = unit.by().audit_name();
                store::add_fact(unit, &lead, FactKind::Engaged, "staff", kind.name(), &by)?;
                store::rescore(unit, &mut lead)?;
                if lead.stage == Stage::New && lead.status == Status::Open {
                    let facts = json!({"lead_id": lead.id, "by": by, "channel": kind.name()});
                    unit.emit(
                        Event::new("lead.outreach_sent", "lead", lead.id, facts)
                            .about(lead.subject),
                    );
                }
            }
            store::save(unit, &mut lead)?;
            let change = Change::new(Action::Create, "lead_note", id).about(lead.subject);
            unit.audit(
                change
                    .field("lead_id", Value::Null, json!(lead.id))
                    .personal("text", None, Some(&text)),
            );
            unit.emit(
                Event::new(
                    "lead.changed",
                    "lead",
                    lead.id,
                    json!({"lead_id": lead.id, "note_id": id}),
                )
                .about(lead.subject),
            );
            Ok(id)
        })
        .await
}

/// Records a fact that a person saw. What a check has to prove is refused.
///
/// # Errors
/// Forbidden, not found, [`NOT_BY_HAND`], or a field that is wrong.
pub async fn add_fact(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    kind: FactKind,
    source: String,
    proof: String,
) -> Result<(), Refusal> {
    if kind.is_checked() && by.user().is_some() {
        return Err(NOT_BY_HAND.because(format!(
            "{} is given by the check of the code or the domain",
            kind.name()
        )));
    }
    let source = typed(&source, "source", 50)?;
    if proof.chars().count() > PROOF_MAX {
        return Err(INVALID.field("proof", format!("use at most {PROOF_MAX} characters")));
    }
    platform
        .command_once(by, once, move |unit| {
            let mut lead = writable(unit, lead, LEAD_EDIT)?;
            fact_in(unit, &mut lead, kind, &source, &proof)
        })
        .await
}

/// Records a fact in an open unit, with the score that follows.
///
/// # Errors
/// The database.
pub fn fact_in(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    kind: FactKind,
    source: &str,
    proof: &str,
) -> Result<(), Refusal> {
    let by = unit.by().audit_name();
    if !store::add_fact(unit, lead, kind, source, proof, &by)? {
        return Ok(());
    }
    store::history(
        unit,
        lead,
        "fact",
        &json!({"kind": kind.name(), "source": source}),
        None,
    )?;
    store::rescore(unit, lead)?;
    store::save(unit, lead)?;
    let change = Change::new(Action::Create, "lead_fact", lead.id).about(lead.subject);
    unit.audit(
        change
            .field("kind", Value::Null, kind.name())
            .field("source", Value::Null, source),
    );
    Ok(())
}

/// Withdraws a fact; the score is counted anew.
///
/// # Errors
/// Forbidden or not found.
pub async fn withdraw(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    fact: Uuid,
) -> Result<(), Refusal> {
    platform
        .command_once(by, once, move |unit| {
            let mut lead = writable(unit, lead, LEAD_EDIT)?;
            let (now, by) = (unit.now(), unit.by().audit_name());
            let rows: Vec<(String,)> = unit.tx().all(
                sqlx::query_as(
                    "UPDATE lead_facts SET withdrawn_at = $3, withdrawn_by = $4 WHERE id = $1 AND withdrawn_at IS NULL
                         AND (lead_id = $2 OR lead_id IN (SELECT m.id FROM leads AS m WHERE m.merged_into = $2))
                     RETURNING kind",
                )
                .bind(fact)
                .bind(lead.id)
                .bind(bound(now))
                .bind(by),
            )?;
            let (kind,) = rows.into_iter().next().ok_or_else(|| NOT_FOUND.because("there is no such fact, or it was withdrawn"))?;
            store::history(unit, &lead, "fact", &json!({"kind": kind, "withdrawn": true}), None)?;
            store::rescore(unit, &mut lead)?;
            store::save(unit, &mut lead)?;
            unit.audit(Change::new(Action::Delete, "lead_fact", fact).about(lead.subject).field("kind", kind, Value::Null));
            Ok(())
        })
        .await
}

/// What a lead may bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its key.
    pub id: Uuid,
    /// Of which lead.
    pub lead: Uuid,
    /// What it is; `None` when it was erased.
    pub title: Option<String>,
    /// US cents.
    pub expected_usd_cents: i64,
    /// `open`, `won`, `lost`.
    pub status: String,
    /// Whose it is.
    pub owner: Option<Uuid>,
    /// When it was made.
    pub created: Ts,
    /// When it changed.
    pub updated: Ts,
    /// Counts changes.
    pub revision: i64,
}

type DealRow = (
    Uuid,
    Uuid,
    Option<Vec<u8>>,
    i64,
    String,
    Option<Uuid>,
    i64,
    i64,
    i64,
    Uuid,
);

macro_rules! deal_columns {
    () => {
        "d.id, d.lead_id, d.title_sealed, d.expected_usd_cents, d.status, d.owner_id, (extract(epoch FROM d.created_at) * 1000000)::bigint, \
         (extract(epoch FROM d.updated_at) * 1000000)::bigint, d.revision, l.subject_id"
    };
}

/// The deals of a lead and of those that are part of it, newest first.
///
/// # Errors
/// Forbidden or not found.
pub async fn deals(platform: &Platform, by: &Principal, lead: Uuid) -> Result<Vec<Deal>, Refusal> {
    let (owned, keyring) = (by.clone(), std::sync::Arc::clone(platform.keyring()));
    platform
        .read(by, move |tx| {
            owned.may(LEAD_READ, &store::find(tx, lead)?.target())?;
            let rows: Vec<DealRow> = tx.all(
                sqlx::query_as(concat!(
                    "SELECT ",
                    deal_columns!(),
                    " FROM lead_deals AS d JOIN leads AS l ON l.id = d.lead_id WHERE d.lead_id = $1 OR l.merged_into = $1 ORDER BY d.id DESC LIMIT $2"
                ))
                .bind(lead)
                .bind(DEALS_MAX),
            )?;
            let mut deals = Vec::with_capacity(rows.len());
            for row in rows {
                let key = key_of(tx, &keyring, row.9)?;
                deals.push(deal(row, key.as_ref()));
            }
            Ok(deals)
        })
        .await
}

fn deal(row: DealRow, key: Option<&crate::crypto::SubjectKey>) -> Deal {
    let (id, lead, title, expected_usd_cents, status, owner, created, updated, revision, _) = row;
    let title = key.zip(title).and_then(|(key, title)| {
        key.open("lead_deals.title", &Sealed::from_bytes(title))
            .ok()
    });
    Deal {
        id,
        lead,
        title,
        expected_usd_cents,
        status,
        owner,
        created: from_micros(created),
        updated: from_micros(updated),
        revision,
    }
}

/// One deal as its reader sees it.
///
/// # Errors
/// Not found.
pub async fn one_deal(platform: &Platform, by: &Principal, id: Uuid) -> Result<Deal, Refusal> {
    let keyring = std::sync::Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let query = sqlx::query_as(concat!(
                "SELECT ",
                deal_columns!(),
                " FROM lead_deals AS d JOIN leads AS l ON l.id = d.lead_id WHERE d.id = $1"
            ));
            let row: Option<DealRow> = tx.optional(query.bind(id))?;
            let row = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
            let key = key_of(tx, &keyring, row.9)?;
            Ok(deal(row, key.as_ref()))
        })
        .await
}

/// Makes a deal of a lead; it is its agent's.
///
/// # Errors
/// Forbidden, not found, or a field that is wrong.
pub async fn add_deal(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    title: String,
    expected_usd_cents: i64,
) -> Result<Uuid, Refusal> {
    let title = typed(&title, "title", TITLE_MAX)?;
    if expected_usd_cents < 0 {
        return Err(INVALID.field("expected_usd", "use zero or more"));
    }
    platform
        .command_once(by, once, move |unit| {
            let lead = writable(unit, lead, LEAD_EDIT)?;
            let sealed = unit.key(lead.subject)?.seal("lead_deals.title", &title);
            let (id, owner) = (new_id(unit.now()), lead.assigned_to.or(unit.by().user()));
            unit.tx().execute(
                sqlx::query("INSERT INTO lead_deals (id, org_id, lead_id, owner_id, title_sealed, expected_usd_cents) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(id)
                    .bind(lead.org)
                    .bind(lead.id)
                    .bind(owner)
                    .bind(sealed.as_bytes())
                    .bind(expected_usd_cents),
            )?;
            store::history(unit, &lead, "deal", &json!({"deal_id": id, "status": "open", "expected_usd_cents": expected_usd_cents}), None)?;
            let change = Change::new(Action::Create, "deal", id).about(lead.subject);
            unit.audit(change.field("expected_usd_cents", Value::Null, expected_usd_cents).personal("title", None, Some(&title)));
            Ok(id)
        })
        .await
}

/// What became of a deal.
///
/// # Errors
/// Forbidden, not found, stale, or an unknown status.
pub async fn set_deal(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    deal: Uuid,
    status: String,
    revision: i64,
) -> Result<(), Refusal> {
    if !["open", "won", "lost"].contains(&status.as_str()) {
        return Err(INVALID.field("status", "use open, won or lost"));
    }
    platform
        .command_once(by, once, move |unit| {
            let row: Option<(Uuid, String, i64)> = unit.tx().optional(
                sqlx::query_as(
                    "SELECT lead_id, status, revision FROM lead_deals WHERE id = $1 FOR UPDATE",
                )
                .bind(deal),
            )?;
            let (lead, before, standing) =
                row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
            let lead = store::find(unit.tx(), lead)?;
            unit.by().may(LEAD_EDIT, &lead.target())?;
            if standing != revision {
                return Err(STALE.because("read the deal again; somebody changed it"));
            }
            unit.tx().execute(
                sqlx::query(
                    "UPDATE lead_deals SET status = $2, revision = revision + 1 WHERE id = $1",
                )
                .bind(deal)
                .bind(&status),
            )?;
            store::history(
                unit,
                &lead,
                "deal",
                &json!({"deal_id": deal, "status": status, "from": before}),
                None,
            )?;
            let change = Change::new(Action::Update, "deal", deal).about(lead.subject);
            unit.audit(change.field("status", before.as_str(), status.as_str()));
            Ok(())
        })
        .await
}
