//! What sales writes down about a lead: talks and facts.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

use super::faults::{NOT_BY_HAND, NOT_OPEN};
use super::lead::Lead;
use super::permissions::{LEAD_EDIT, LEAD_NOTE};
use super::score::FactKind;
use super::stage::{Stage, Status};
use super::store;

/// Longest note, characters.
pub const NOTE_MAX: usize = 4_000;

/// Longest title of a deal or a task, characters.
pub const TITLE_MAX: usize = 200;

/// Longest proof of a fact and name of who says it, characters.
const PROOF_MAX: usize = 200;

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
pub(super) fn writable(
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
    tell(unit, lead, kind.name());
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
            tell(unit, &lead, &kind);
            unit.audit(Change::new(Action::Delete, "lead_fact", fact).about(lead.subject).field("kind", kind, Value::Null));
            Ok(())
        })
        .await
}

/// Whoever looks at the lead reads its facts again.
fn tell(unit: &mut Unit<'_, '_>, lead: &Lead, fact: &str) {
    let facts = json!({"lead_id": lead.id, "fact": fact, "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.changed", "lead", lead.id, facts).about(lead.subject));
}
