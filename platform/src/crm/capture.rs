//! Leads come in: by hand, by the API, by signed hooks. A contact that is known is not a second lead: the newest word on each field
//! wins, what was there before stays in the history, and a record lets the merge be taken back.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::calendar::WorkingCalendar;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, KEY_REUSED, Refusal};
use crate::unit::{Platform, Unit};
use crate::values::bound;

use super::assignment;
use super::contact;
use super::faults::NO_CONTACT;
use super::lead::{FIELDS, INTERESTS, Known, Lead, lead_columns};
use super::permissions::LEAD_CAPTURE;
use super::score::FactKind;
use super::sla;
use super::stage::{Stage, Status};
use super::store;
use super::subject;

/// Longest source and channel, characters, as the table holds them.
const SOURCE_MAX: usize = 50;
const CHANNEL_MAX: usize = 30;

/// Longest parameter of a link, characters.
const UTM_MAX: usize = 100;

/// Parameters of a link that are kept; others may name the person.
const UTM: [&str; 5] = ["source", "medium", "campaign", "term", "content"];

/// What came in, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    /// `instagram`, `web`, the name of a hook.
    pub source: String,
    /// By which channel; `web` when empty.
    pub channel: String,
    /// Full name.
    pub name: Option<String>,
    /// A telephone number in any form.
    pub phone: Option<String>,
    /// An address in any form.
    pub email: Option<String>,
    /// The city, as told.
    pub city: Option<String>,
    /// Of [`INTERESTS`].
    pub interests: Vec<String>,
    /// Parameters of the link.
    pub utm: Value,
    /// The partner who brought them.
    pub referrer: Option<Uuid>,
    /// When it was said; now when absent, and never later.
    pub observed: Option<Ts>,
    /// The key of the request, and the hash of what it asks: sent again, it gets the first answer.
    pub receipt: Option<(String, [u8; 32])>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new lead.
    Created,
    /// The lead was there.
    Merged,
    /// Number and address belonged to two leads, which are one now.
    Joined,
}

impl Outcome {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Merged => "merged",
            Outcome::Joined => "joined",
        }
    }

    fn parse(name: &str) -> Option<Outcome> {
        [Outcome::Created, Outcome::Merged, Outcome::Joined]
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The lead it is part of.
    pub lead: Uuid,
    /// How.
    pub outcome: Outcome,
}

/// What came in, in canonical form.
#[derive(Clone, Debug)]
struct Clean {
    source: String,
    channel: String,
    known: Known,
    interests: Vec<String>,
    utm: Value,
    referrer: Option<Uuid>,
    observed: Option<Ts>,
    receipt: Option<(String, [u8; 32])>,
}

/// Takes a lead in for `by`.
///
/// # Errors
/// Forbidden, a field that is wrong, [`NO_CONTACT`], or [`KEY_REUSED`].
pub async fn capture(
    platform: &Platform,
    by: &Principal,
    capture: Capture,
) -> Result<Captured, Refusal> {
    by.may(LEAD_CAPTURE, &by.own())?;
    let clean = clean(capture)?;
    let recorded_by = by.audit_name();
    // A duplicate may belong to somebody whose leads `by` does not write, so the program merges on behalf of `by`.
    platform
        .command(&by.elevated(), move |unit| take(unit, &clean, &recorded_by))
        .await
}

/// Takes a lead in within an open unit of the program.
///
/// # Errors
/// As [`capture`], but for what only a caller can lack.
pub(super) fn in_unit(unit: &mut Unit<'_, '_>, capture: Capture) -> Result<Captured, Refusal> {
    let clean = clean(capture)?;
    let recorded_by = unit.by().audit_name();
    take(unit, &clean, &recorded_by)
}

fn clean(capture: Capture) -> Result<Clean, Refusal> {
    let word = |text: &str, field: &'static str, most: usize| {
        let fits = !text.is_empty()
            && text.chars().count() <= most
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if fits {
            Ok(text.to_lowercase())
        } else {
            Err(INVALID.field(
                field,
                format!("use 1 to {most} letters, digits, and - _ . :"),
            ))
        }
    };
    let channel: &str = if capture.channel.is_empty() {
        "web"
    } else {
        &capture.channel
    };
    let known = Known {
        name: capture.name.as_deref().and_then(contact::words),
        phone: capture.phone.as_deref().map(contact::phone).transpose()?,
        email: capture.email.as_deref().map(contact::email).transpose()?,
        city: capture.city.as_deref().and_then(contact::words),
    };
    if known.phone.is_none() && known.email.is_none() {
        return Err(NO_CONTACT.because("send phone or email"));
    }
    Ok(Clean {
        source: word(&capture.source, "source", SOURCE_MAX)?,
        channel: word(channel, "channel", CHANNEL_MAX)?,
        known,
        interests: interests(&capture.interests)?,
        utm: utm(&capture.utm)?,
        referrer: capture.referrer,
        observed: capture.observed,
        receipt: capture.receipt,
    })
}

/// Interests that exist.
///
/// # Errors
/// Names the one that does not.
pub(super) fn interests(named: &[String]) -> Result<Vec<String>, Refusal> {
    let unknown = named
        .iter()
        .find(|name| !INTERESTS.contains(&name.as_str()));
    if unknown.is_some() {
        return Err(INVALID.field("interests", format!("use {}", INTERESTS.join(", "))));
    }
    Ok(named.to_vec())
}

fn utm(given: &Value) -> Result<Value, Refusal> {
    let refused = || INVALID.field("utm", format!("send an object with {}", UTM.join(", ")));
    let mut kept = Map::new();
    match given {
        Value::Null => {}
        Value::Object(given) => {
            for name in UTM {
                match given.get(name) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => {
                        let text: String = text
                            .chars()
                            .filter(|c| !c.is_control())
                            .take(UTM_MAX)
                            .collect();
                        kept.insert(name.to_owned(), Value::String(text));
                    }
                    Some(_) => return Err(refused()),
                }
            }
        }
        _ => return Err(refused()),
    }
    Ok(Value::Object(kept))
}

fn take(unit: &mut Unit<'_, '_>, clean: &Clean, recorded_by: &str) -> Result<Captured, Refusal> {
    if let Some((receipt, request)) = &clean.receipt
        && let Some(answer) = first_answer(unit, receipt, request)?
    {
        return Ok(answer);
    }
    let phone = clean
        .known
        .phone
        .as_deref()
        .map(|phone| store::phone_index(unit, phone));
    let email = clean
        .known
        .email
        .as_deref()
        .map(|email| store::email_index(unit, email));
    store::lock_contacts(unit, &[phone.as_deref(), email.as_deref()])?;
    store::lock_assignment(unit)?;
    check_referrer(unit, clean.referrer)?;
    let found = with_contact(unit, phone.as_deref(), email.as_deref())?;
    let mut found = found.into_iter();
    let (lead, outcome) = match (found.next(), found.next()) {
        (None, _) => (
            create(unit, clean, phone, email, recorded_by)?,
            Outcome::Created,
        ),
        (Some(mut lead), None) => {
            merge(unit, &mut lead, clean, None, recorded_by)?;
            (lead, Outcome::Merged)
        }
        (Some(one), Some(other)) => {
            let rank = |lead: &Lead| {
                (
                    lead.status == Status::Open,
                    lead.stage,
                    Reverse(lead.created),
                )
            };
            let (mut kept, joined) = if rank(&one) >= rank(&other) {
                (one, other)
            } else {
                (other, one)
            };
            if kept.user.is_some() && joined.user.is_some() && kept.user != joined.user {
                // Two clients are two persons, whatever somebody typed into a form: neither is shown what is known of the other.
                let mut own = clean.clone();
                own.known.phone = own.known.phone.filter(|_| kept.phone_index == phone);
                own.known.email = own.known.email.filter(|_| kept.email_index == email);
                merge(unit, &mut kept, &own, None, recorded_by)?;
                (kept, Outcome::Merged)
            } else {
                merge(unit, &mut kept, clean, Some(joined), recorded_by)?;
                (kept, Outcome::Joined)
            }
        }
    };
    remember(unit, clean, &lead, outcome)?;
    assignment::drain(unit)?;
    Ok(Captured {
        lead: lead.id,
        outcome,
    })
}

fn first_answer(
    unit: &mut Unit<'_, '_>,
    receipt: &str,
    request: &[u8; 32],
) -> Result<Option<Captured>, Refusal> {
    let org = unit.by().org;
    let tx = unit.tx();
    tx.execute(
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 2))")
            .bind(format!("crm.receipt {org} {receipt}")),
    )?;
    let row: Option<(Uuid, String, Option<Vec<u8>>)> = tx.optional(
        sqlx::query_as("SELECT lead_id, outcome, request_hash FROM lead_captures WHERE org_id = $1 AND receipt = $2")
            .bind(org)
            .bind(receipt),
    )?;
    match row {
        None => Ok(None),
        Some((_, _, hash)) if hash.as_deref() != Some(&request[..]) => {
            Err(KEY_REUSED.field("Idempotency-Key", "use a new key for a new request"))
        }
        Some((lead, outcome, _)) => {
            Ok(Outcome::parse(&outcome).map(|outcome| Captured { lead, outcome }))
        }
    }
}

fn remember(
    unit: &mut Unit<'_, '_>,
    clean: &Clean,
    lead: &Lead,
    outcome: Outcome,
) -> Result<(), Refusal> {
    let now = unit.now();
    let (receipt, request) = match &clean.receipt {
        Some((receipt, request)) => (Some(receipt.as_str()), Some(request.to_vec())),
        None => (None, None),
    };
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_captures (id, org_id, lead_id, outcome, source, channel, utm, receipt, request_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new_id(now))
        .bind(lead.org)
        .bind(lead.id)
        .bind(outcome.name())
        .bind(&clean.source)
        .bind(&clean.channel)
        .bind(&clean.utm)
        .bind(receipt)
        .bind(request)
        .bind(bound(now)),
    )?;
    Ok(())
}

fn check_referrer(unit: &mut Unit<'_, '_>, referrer: Option<Uuid>) -> Result<(), Refusal> {
    let Some(referrer) = referrer else {
        return Ok(());
    };
    let org = unit.by().org;
    let partner: Option<(Uuid,)> = unit.tx().optional(
        sqlx::query_as("SELECT id FROM users WHERE id = $1 AND org_id = $2 AND role = 'ib_partner' AND status = 'active'")
            .bind(referrer)
            .bind(org),
    )?;
    match partner {
        Some(_) => Ok(()),
        None => Err(INVALID.field("referrer_id", "name an active partner of the house")),
    }
}

/// The leads that have one of these contacts, at most one each, locked in one order.
pub(super) fn with_contact(
    unit: &mut Unit<'_, '_>,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Vec<Lead>, Refusal> {
    let org = unit.by().org;
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.org_id = $1 AND (l.phone_index = $2 OR l.email_index = $3) ORDER BY l.id LIMIT 2 FOR UPDATE"
    ));
    Ok(unit.tx().all(query.bind(org).bind(phone).bind(email))?)
}

fn create(
    unit: &mut Unit<'_, '_>,
    clean: &Clean,
    phone: Option<Vec<u8>>,
    email: Option<Vec<u8>>,
    recorded_by: &str,
) -> Result<Lead, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let user = user_with(unit, phone.as_deref(), email.as_deref())?;
    let mut lead = Lead {
        id: new_id(now),
        org,
        subject: user.unwrap_or_else(|| new_id(now)),
        user,
        source: clean.source.clone(),
        channel: clean.channel.clone(),
        utm: clean.utm.clone(),
        stage: Stage::New,
        status: Status::Open,
        reason: None,
        score: 0,
        engaged_until: None,
        budget_confirmed: false,
        crossings: 0,
        data: Default::default(),
        data_at: Default::default(),
        phone_index: phone,
        email_index: email,
        territory: clean.known.city.as_deref().and_then(contact::territory),
        interests: clean.interests.clone(),
        assigned_to: None,
        team: None,
        referrer: clean.referrer,
        merged_into: None,
        kyc_passed: 0,
        kyc_failed: 0,
        since: now,
        due: sla::due(Stage::New, now, WorkingCalendar::indonesia()),
        breached: false,
        touched: false,
        converted: false,
        created: now,
        updated: now,
        revision: 1,
    };
    let key = unit.key(lead.subject)?;
    let said = clean.observed.unwrap_or(now).min(now);
    for field in FIELDS {
        if let Some(value) = clean.known.get(field) {
            lead.put(&key, field, value, said);
        }
    }
    store::insert(unit, &lead)?;
    known_facts(unit, &lead, &clean.source, recorded_by)?;
    // Parameters of the link stay in the lead and its capture, where an erasure finds them.
    let detail = json!({"source": lead.source, "channel": lead.channel, "by": recorded_by});
    store::history(unit, &lead, "captured", &detail, None)?;
    let change = Change::new(Action::Create, "lead", lead.id).about(lead.subject);
    unit.audit(
        change
            .field("source", Value::Null, lead.source.as_str())
            .field("recorded_by", Value::Null, recorded_by)
            .personal("name", None, clean.known.name.as_deref())
            .personal("phone", None, clean.known.phone.as_deref())
            .personal("email", None, clean.known.email.as_deref()),
    );
    let facts = json!({"lead_id": lead.id, "source": lead.source, "channel": lead.channel, "referrer_id": lead.referrer});
    unit.emit(Event::new("lead.created", "lead", lead.id, facts).about(lead.subject));
    store::rescore(unit, &mut lead)?;
    store::save(unit, &mut lead)?;
    store::index(unit, &lead, &key)?;
    Ok(lead)
}

/// A client of the house who has one of these contacts. One who is still pending has proved none of them.
fn user_with(
    unit: &mut Unit<'_, '_>,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Option<Uuid>, Refusal> {
    let org = unit.by().org;
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as(
            "SELECT u.id FROM users AS u WHERE u.org_id = $1 AND u.role = 'end_user' AND u.status IN ('active', 'suspended', 'under_review')
                 AND (u.email_index = $3 OR u.phone_index = $2) AND NOT EXISTS (SELECT FROM leads AS l WHERE l.user_id = u.id AND l.status <> 'merged')
             ORDER BY (u.email_index = $3) DESC NULLS LAST, u.id LIMIT 1",
        )
        .bind(org)
        .bind(phone)
        .bind(email),
    )?;
    Ok(rows.first().map(|(user,)| *user))
}

/// The facts that follow from what is known without a check.
fn known_facts(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    source: &str,
    recorded_by: &str,
) -> Result<(), Refusal> {
    let has = |field: &str| lead.data.contains_key(field);
    let facts = [
        (FactKind::Name, has("name")),
        (FactKind::City, has("city")),
        (FactKind::Interest, !lead.interests.is_empty()),
        (FactKind::Source, true),
    ];
    for (kind, known) in facts {
        if known {
            store::add_fact(unit, lead, kind, source, "captured", recorded_by)?;
        }
    }
    Ok(())
}

fn merge(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    clean: &Clean,
    joined: Option<Lead>,
    recorded_by: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    match lead.user.or(joined.as_ref().and_then(|other| other.user)) {
        Some(user) => subject::move_to(unit, lead, user)?,
        None => subject::keep_apart(unit, lead)?,
    }
    let key = unit.key(lead.subject)?;
    let before = lead.open(&key)?;
    let (data, data_at) = (lead.data.clone(), lead.data_at.clone());
    let merge = new_id(now);
    let mut moved = Vec::new();
    if let Some(other) = &joined {
        let other_key = unit.key(other.subject)?;
        let theirs = other.open(&other_key)?;
        for field in FIELDS {
            let at = other.data_at.get(field).copied().unwrap_or(0);
            newest(
                lead,
                &key,
                field,
                theirs.get(field),
                crate::values::from_micros(at),
            )?;
        }
        moved = absorb(unit, lead, other)?;
    }
    let said = clean.observed.unwrap_or(now).min(now);
    for field in FIELDS {
        newest(lead, &key, field, clean.known.get(field), said)?;
    }
    let after = lead.open(&key)?;
    let changed = changes(&before, &after, &data, &data_at, lead);
    lead.phone_index = after
        .phone
        .as_deref()
        .map(|phone| store::phone_index(unit, phone));
    lead.email_index = after
        .email
        .as_deref()
        .map(|email| store::email_index(unit, email));
    lead.territory = after.city.as_deref().and_then(contact::territory);
    lead.add_interests(&clean.interests);
    lead.referrer = lead.referrer.or(clean.referrer);
    if lead.status == Status::Lost {
        (lead.status, lead.reason) = (Status::Open, None);
        store::history(unit, lead, "reopened", &json!({"cause": "captured"}), None)?;
        let facts = json!({"lead_id": lead.id, "cause": "captured"});
        unit.emit(Event::new("lead.reopened", "lead", lead.id, facts).about(lead.subject));
        // Whoever worked it may be away or full by now.
        lead.assigned_to = None;
    }
    record(unit, merge, lead, joined.as_ref(), &moved, &changed)?;
    replaced(unit, lead, &before, &after)?;
    known_facts(unit, lead, &clean.source, recorded_by)?;
    let kind = if joined.is_some() { "joined" } else { "merged" };
    let fields: Vec<&str> = changed.keys().map(String::as_str).collect();
    let detail = json!({
        "merge_id": merge, "other_id": joined.as_ref().map(|other| other.id), "fields": fields, "source": clean.source, "by": recorded_by,
    });
    store::history(unit, lead, kind, &detail, None)?;
    tell(unit, lead, joined.as_ref(), merge)?;
    let mut change = Change::new(Action::Update, "lead", lead.id).about(lead.subject);
    change = change.field("merge", Value::Null, json!(merge)).field(
        "recorded_by",
        Value::Null,
        recorded_by,
    );
    for field in ["name", "phone", "email", "city"] {
        if before.get(field) != after.get(field) {
            change = change.personal(field, before.get(field), after.get(field));
        }
    }
    unit.audit(change);
    let facts = json!({"lead_id": lead.id, "merge_id": merge, "other_id": joined.as_ref().map(|other| other.id), "assigned_to": lead.assigned_to});
    let name = if joined.is_some() {
        "lead.joined"
    } else {
        "lead.merged"
    };
    unit.emit(Event::new(name, "lead", lead.id, facts).about(lead.subject));
    store::rescore(unit, lead)?;
    store::save(unit, lead)?;
    store::index(unit, lead, &key)
}

/// Puts a value that was said at `at` where nothing newer stands.
fn newest(
    lead: &mut Lead,
    key: &crate::crypto::SubjectKey,
    field: &str,
    value: Option<&str>,
    at: Ts,
) -> Result<(), Refusal> {
    let Some(value) = value else {
        return Ok(());
    };
    let standing = lead
        .data_at
        .get(field)
        .copied()
        .map(crate::values::from_micros);
    let newer = standing.is_none_or(|standing| standing <= at);
    if newer && lead.field(key, field)?.as_deref() != Some(value) {
        lead.put(key, field, value, at);
    }
    Ok(())
}

/// What a merge changed: for each field the sealed value before and after it.
fn changes(
    before: &Known,
    after: &Known,
    data: &std::collections::BTreeMap<String, String>,
    data_at: &std::collections::BTreeMap<String, i64>,
    lead: &Lead,
) -> Map<String, Value> {
    let mut changed = Map::new();
    for field in FIELDS {
        if before.get(field) != after.get(field) {
            let entry = json!({"before": data.get(field), "before_at": data_at.get(field), "after": lead.data.get(field)});
            changed.insert(field.to_owned(), entry);
        }
    }
    changed
}

/// Makes `other` part of `lead`: it keeps its own row, is sealed under the lead's key, and gives its contacts, its referrer and its user up.
fn absorb(unit: &mut Unit<'_, '_>, lead: &mut Lead, other: &Lead) -> Result<Vec<Uuid>, Refusal> {
    let mut gone = other.clone();
    subject::move_to(unit, &mut gone, lead.subject)?;
    gone.status = Status::Merged;
    gone.merged_into = Some(lead.id);
    (gone.phone_index, gone.email_index) = (None, None);
    store::save(unit, &mut gone)?;
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as("UPDATE leads SET merged_into = $1 WHERE merged_into = $2 RETURNING id")
            .bind(lead.id)
            .bind(other.id),
    )?;
    lead.user = lead.user.or(other.user);
    lead.referrer = lead.referrer.or(other.referrer);
    lead.kyc_passed += other.kyc_passed;
    lead.kyc_failed += other.kyc_failed;
    lead.converted |= other.converted;
    lead.add_interests(&other.interests);
    crate::search::remove(unit, "lead", other.id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

fn record(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    lead: &Lead,
    joined: Option<&Lead>,
    moved: &[Uuid],
    changed: &Map<String, Value>,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_merges (id, org_id, lead_id, other_id, other_subject_id, other_status, moved, changed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(lead.org)
        .bind(lead.id)
        .bind(joined.map(|other| other.id))
        .bind(joined.map(|other| other.subject))
        .bind(joined.map(|other| other.status.name()))
        .bind(moved)
        .bind(Value::Object(changed.clone()))
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Keeps contacts that were replaced in the history, and withdraws what proved them.
pub(super) fn replaced(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    before: &Known,
    after: &Known,
) -> Result<(), Refusal> {
    let contacts = [
        (
            "phone",
            FactKind::PhoneVerified,
            lead.phone_index.as_deref(),
        ),
        (
            "email",
            FactKind::EmailDeliverable,
            lead.email_index.as_deref(),
        ),
    ];
    let (now, by) = (unit.now(), unit.by().audit_name());
    for (field, proof, index) in contacts {
        let Some(old) = before
            .get(field)
            .filter(|old| after.get(field) != Some(*old))
        else {
            continue;
        };
        let withdrawn = unit.tx().execute(
            sqlx::query(
                "UPDATE lead_facts SET withdrawn_at = $3, withdrawn_by = $4
                 WHERE lead_id = $1 AND kind = $2 AND withdrawn_at IS NULL AND contact_index IS DISTINCT FROM $5",
            )
            .bind(lead.id)
            .bind(proof.name())
            .bind(bound(now))
            .bind(&by)
            .bind(index),
        )?;
        let detail = json!({"field": field, "proof_withdrawn": withdrawn > 0});
        store::history(unit, lead, "contact", &detail, Some(old))?;
    }
    Ok(())
}

fn tell(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    joined: Option<&Lead>,
    merge: Uuid,
) -> Result<(), Refusal> {
    let mut people: Vec<Uuid> = [lead.assigned_to, joined.and_then(|other| other.assigned_to)]
        .into_iter()
        .flatten()
        .collect();
    people.dedup();
    for person in people {
        let detail = json!({"merge_id": merge, "other_id": joined.map(|other| other.id)});
        super::notice::tell(
            unit,
            person,
            "merged",
            Some(lead.id),
            &detail,
            &format!("merge {merge}"),
        )?;
    }
    Ok(())
}
