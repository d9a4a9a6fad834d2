//! Leads in the database: reading, locking, saving, and the records that go with every change.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::calendar::WorkingCalendar;
use crate::crypto::{SubjectKey, blind};
use crate::db::{DbError, Tx};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Area;
use crate::refusal::{NOT_FOUND, Refusal, STALE};
use crate::search::{self, Entry};
use crate::unit::Unit;
use crate::values::bound;

use super::faults::{DUPLICATE, LEAD_CAP, NOT_AVAILABLE};
use super::lead::{Known, Lead, lead_columns};
use super::score::{self, Fact, FactKind};
use super::sla;
use super::stage::{Moved, Stage, Status};

/// What a row is refused with by the trigger that counts an agent's leads.
const CAP_STATE: &str = "SG050";
const ABSENT_STATE: &str = "SG051";

/// Facts of one lead that are looked at: more than a person gives in a year of messages.
const FACTS_MAX: i64 = 1_000;

/// The index of a telephone number; users have the same.
pub fn phone_index(unit: &Unit<'_, '_>, phone: &str) -> Vec<u8> {
    blind(unit.keyring(), "users.phone", phone).to_vec()
}

/// The index of an address; users have the same.
pub fn email_index(unit: &Unit<'_, '_>, email: &str) -> Vec<u8> {
    blind(unit.keyring(), "users.email", email).to_vec()
}

/// The indexes of what is known of a person: number and address.
pub fn indexes(unit: &Unit<'_, '_>, known: &Known) -> [Option<Vec<u8>>; 2] {
    [
        known.phone.as_deref().map(|phone| phone_index(unit, phone)),
        known.email.as_deref().map(|email| email_index(unit, email)),
    ]
}

/// What the database refused, in the words of the CRM.
pub fn refused(error: DbError) -> Refusal {
    match error.sqlstate().as_deref() {
        Some(CAP_STATE) => LEAD_CAP.because(
            "they have as many active leads as they may; choose another, or give it to the pool",
        ),
        Some(ABSENT_STATE) => NOT_AVAILABLE.because(
            "they are away, left, or take no leads; choose another, or give it to the pool",
        ),
        _ => {
            let duplicate =
                || DUPLICATE.because("another lead has this number or address; find it by search");
            Refusal::from(error)
                .on_duplicate("idx_leads_phone_index", duplicate)
                .on_duplicate("idx_leads_email_index", duplicate)
        }
    }
}

/// Those of these leads that the transaction's user sees, in no order.
///
/// # Errors
/// The database.
pub fn find_all(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<Vec<Lead>, Refusal> {
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.id = ANY ($1)"
    ));
    Ok(tx.all(query.bind(ids.to_vec()))?)
}

/// A lead that the transaction's user sees.
///
/// # Errors
/// [`NOT_FOUND`].
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Lead, Refusal> {
    let lead = tx.optional(
        sqlx::query_as(concat!(
            "SELECT ",
            lead_columns!(),
            " FROM leads AS l WHERE l.id = $1"
        ))
        .bind(id),
    )?;
    lead.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))
}

/// A lead that the transaction's user may change, locked.
///
/// # Errors
/// [`NOT_FOUND`].
pub fn for_update(tx: &mut Tx<'_>, id: Uuid) -> Result<Lead, Refusal> {
    let lead = tx.optional(
        sqlx::query_as(concat!(
            "SELECT ",
            lead_columns!(),
            " FROM leads AS l WHERE l.id = $1 FOR UPDATE"
        ))
        .bind(id),
    )?;
    lead.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))
}

/// The lead of a user, locked.
///
/// # Errors
/// The database.
pub fn of_user(tx: &mut Tx<'_>, user: Uuid) -> Result<Option<Lead>, Refusal> {
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.user_id = $1 AND l.status <> 'merged' FOR UPDATE"
    ));
    Ok(tx.optional(query.bind(user))?)
}

/// Waits until nobody else gives leads in this organisation. Taken before rows are locked.
///
/// # Errors
/// The database.
pub fn lock_assignment(unit: &mut Unit<'_, '_>) -> Result<(), Refusal> {
    let org = unit.by().org;
    lock_assignment_of(unit, org)
}

/// The same of an organisation that the unit does not act within.
///
/// # Errors
/// The database.
pub fn lock_assignment_of(unit: &mut Unit<'_, '_>, org: Uuid) -> Result<(), Refusal> {
    let name = format!("crm.assign {org}");
    unit.tx()
        .execute(sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name))?;
    Ok(())
}

/// Waits until nobody else works with these contacts. Taken before the lock of the assignment.
///
/// # Errors
/// The database.
pub fn lock_contacts(unit: &mut Unit<'_, '_>, indexes: &[Option<&[u8]>]) -> Result<(), Refusal> {
    let org = unit.by().org;
    let mut names: Vec<String> = indexes
        .iter()
        .flatten()
        .map(|index| {
            format!(
                "crm.contact {org} {}",
                index
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        })
        .collect();
    // One order for everybody, so that no two wait for each other.
    names.sort();
    for name in names {
        unit.tx().execute(
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))").bind(name),
        )?;
    }
    Ok(())
}

/// Refuses when the lead is not the revision that was seen.
///
/// # Errors
/// [`STALE`].
pub fn check_revision(lead: &Lead, seen: Option<i64>) -> Result<(), Refusal> {
    match seen {
        Some(seen) if seen != lead.revision => {
            Err(STALE.because("read the lead again; somebody changed it"))
        }
        _ => Ok(()),
    }
}

/// Puts a new lead into the pool.
///
/// # Errors
/// [`DUPLICATE`], or the database.
pub fn insert(unit: &mut Unit<'_, '_>, lead: &Lead) -> Result<(), Refusal> {
    let row = sqlx::query(
        "INSERT INTO leads (id, org_id, subject_id, user_id, source, channel, utm, stage, status, score, data, data_at, phone_index, email_index,
             interests, referrer_id, stage_since, due_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(lead.id)
    .bind(lead.org)
    .bind(lead.subject)
    .bind(lead.user)
    .bind(&lead.source)
    .bind(&lead.channel)
    .bind(&lead.utm)
    .bind(lead.stage.name())
    .bind(lead.status.name())
    .bind(json!(lead.data))
    .bind(json!(lead.data_at))
    .bind(&lead.phone_index)
    .bind(&lead.email_index)
    .bind(&lead.interests)
    .bind(lead.referrer)
    .bind(bound(lead.since))
    .bind(lead.due.map(bound))
    .bind(bound(lead.created));
    unit.tx().execute(row).map_err(refused)?;
    let (id, org, stage, now) = (lead.id, lead.org, lead.stage, unit.now());
    open_span(unit, id, org, stage, now)
}

/// Writes everything of a lead that may change, and makes `lead` the row as it stands then.
///
/// # Errors
/// [`STALE`], [`DUPLICATE`], [`LEAD_CAP`], [`NOT_AVAILABLE`], or the database.
pub fn save(unit: &mut Unit<'_, '_>, lead: &mut Lead) -> Result<(), Refusal> {
    // What the program does on behalf of somebody (a capture) is no action on the lead.
    lead.touched |= !unit.by().is_system();
    save_untouched(unit, lead)
}

/// As [`save`], where nothing was done about the lead's person: who was only given a lead has not written to it.
///
/// # Errors
/// As [`save`].
pub fn save_untouched(unit: &mut Unit<'_, '_>, lead: &mut Lead) -> Result<(), Refusal> {
    let now = unit.now();
    let row = sqlx::query(
        "UPDATE leads SET user_id = $3, stage = $4, status = $5, reason_sealed = $6, score = $7, engaged_until = $8, budget_confirmed = $9,
             crossings = $10, data = $11, data_at = $12, phone_index = $13, email_index = $14, interests = $15, assigned_to = $16,
             team_id = $17, referrer_id = $18, merged_into = $19, kyc_passed = $20, kyc_failed = $21, stage_since = $22, due_at = $23,
             breached_at = CASE WHEN $24 THEN coalesce(breached_at, $27) END, touched_at = CASE WHEN $25 THEN coalesce(touched_at, $27) END,
             converted_at = CASE WHEN $26 THEN coalesce(converted_at, $27) END, past_contacts = $28, referred_at = $29, revision = revision + 1
         WHERE id = $1 AND revision = $2",
    )
    .bind(lead.id)
    .bind(lead.revision)
    .bind(lead.user)
    .bind(lead.stage.name())
    .bind(lead.status.name())
    .bind(lead.reason.as_ref().map(|sealed| sealed.as_bytes().to_vec()))
    .bind(i32::from(lead.score))
    .bind(lead.engaged_until.map(bound))
    .bind(lead.budget_confirmed)
    .bind(lead.crossings)
    .bind(json!(lead.data))
    .bind(json!(lead.data_at))
    .bind(&lead.phone_index)
    .bind(&lead.email_index)
    .bind(&lead.interests)
    .bind(lead.assigned_to)
    .bind(lead.team)
    .bind(lead.referrer)
    .bind(lead.merged_into)
    .bind(lead.kyc_passed)
    .bind(lead.kyc_failed)
    .bind(bound(lead.since))
    .bind(lead.due.map(bound))
    .bind(lead.breached)
    .bind(lead.touched)
    .bind(lead.converted)
    .bind(bound(now))
    .bind(&lead.past)
    .bind(lead.referred.map(bound));
    let changed = unit.tx().execute(row).map_err(refused)?;
    if changed == 0 {
        return Err(
            STALE.because("read the lead again; somebody changed it, or it is not yours any more")
        );
    }
    lead.revision += 1;
    Ok(())
}

/// Puts a move into `lead`, its spans and its history; [`save`] follows.
///
/// # Errors
/// The database.
pub fn enter(unit: &mut Unit<'_, '_>, lead: &mut Lead, moved: &Moved) -> Result<(), Refusal> {
    let now = unit.now();
    lead.stage = moved.to;
    lead.since = now;
    lead.due = sla::due(moved.to, now, WorkingCalendar::indonesia());
    lead.breached = false;
    lead.converted |= moved.to == Stage::Active;
    close_span(unit, lead.id)?;
    open_span(unit, lead.id, lead.org, moved.to, now)?;
    let detail =
        json!({"from": moved.from.name(), "to": moved.to.name(), "cause": moved.cause.name()});
    history(unit, lead, "stage", &detail, moved.reason.as_deref())?;
    let facts = json!({"lead_id": lead.id, "from": moved.from.name(), "to": moved.to.name(), "cause": moved.cause.name(), "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.stage_moved", "lead", lead.id, facts).about(lead.subject));
    Ok(())
}

/// Ends the time of a lead in its stage: it moves on, or is given up. What lies until it is opened again is no time in a stage.
///
/// # Errors
/// The database.
pub fn close_span(unit: &mut Unit<'_, '_>, lead: Uuid) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query("UPDATE lead_stage_spans SET left_at = greatest($2, entered_at) WHERE lead_id = $1 AND left_at IS NULL")
            .bind(lead)
            .bind(bound(now)),
    )?;
    Ok(())
}

/// Opens a lost lead again; its stage and the term of it begin anew. [`save`] follows.
///
/// # Errors
/// The database, or the key.
pub fn reopen(
    unit: &mut Unit<'_, '_>,
    lead: &mut Lead,
    cause: &str,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let now = unit.now();
    (lead.status, lead.reason) = (Status::Open, None);
    (lead.since, lead.breached) = (now, false);
    lead.due = sla::due(lead.stage, now, WorkingCalendar::indonesia());
    close_span(unit, lead.id)?;
    open_span(unit, lead.id, lead.org, lead.stage, now)?;
    history(unit, lead, "reopened", &json!({"cause": cause}), reason)?;
    let facts = json!({"lead_id": lead.id, "cause": cause, "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.reopened", "lead", lead.id, facts).about(lead.subject));
    Ok(())
}

fn open_span(
    unit: &mut Unit<'_, '_>,
    lead: Uuid,
    org: Uuid,
    stage: Stage,
    now: Ts,
) -> Result<(), Refusal> {
    unit.tx().execute(
        sqlx::query("INSERT INTO lead_stage_spans (id, org_id, lead_id, stage, entered_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(new_id(now))
            .bind(org)
            .bind(lead)
            .bind(stage.name())
            .bind(bound(now)),
    )?;
    Ok(())
}

/// Appends to a lead's history; `text` is what a person wrote, and is sealed.
///
/// # Errors
/// The database, or the key.
pub fn history(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    kind: &'static str,
    detail: &Value,
    text: Option<&str>,
) -> Result<Uuid, Refusal> {
    let sealed = match text {
        Some(text) => Some(unit.key(lead.subject)?.seal("lead_history.text", text)),
        None => None,
    };
    let (id, now, actor) = (new_id(unit.now()), unit.now(), unit.by().audit_name());
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_history (id, org_id, lead_id, kind, actor, detail, text_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(lead.org)
        .bind(lead.id)
        .bind(kind)
        .bind(actor)
        .bind(detail)
        .bind(sealed.map(|sealed| sealed.as_bytes().to_vec()))
        .bind(bound(now)),
    )?;
    Ok(id)
}

/// A fact as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// Its key.
    pub id: Uuid,
    /// What.
    pub kind: FactKind,
    /// Who or what says so.
    pub source: String,
    /// By what.
    pub proof: String,
    /// The contact that it proves.
    pub contact: Option<Vec<u8>>,
    /// Since when.
    pub at: Ts,
    /// When it was withdrawn.
    pub withdrawn: Option<Ts>,
}

type FactTuple = (
    Uuid,
    String,
    String,
    String,
    Option<Vec<u8>>,
    i64,
    Option<i64>,
);

/// The facts of a lead and of those that are part of it, oldest first.
///
/// # Errors
/// The database.
pub fn facts(tx: &mut Tx<'_>, lead: Uuid) -> Result<Vec<FactRow>, Refusal> {
    let rows: Vec<FactTuple> = tx.all(
        sqlx::query_as(
            "SELECT id, kind, source, proof, contact_index, (extract(epoch FROM created_at) * 1000000)::bigint,
                 (extract(epoch FROM withdrawn_at) * 1000000)::bigint
             FROM lead_facts WHERE lead_id = ANY (ARRAY[$1]::uuid[] || ARRAY(SELECT m.id FROM leads AS m WHERE m.merged_into = $1))
             ORDER BY created_at, id LIMIT $2",
        )
        .bind(lead)
        .bind(FACTS_MAX),
    )?;
    let facts = rows
        .into_iter()
        .filter_map(|(id, kind, source, proof, contact, at, withdrawn)| {
            Some(FactRow {
                id,
                kind: FactKind::parse(&kind)?,
                source,
                proof,
                contact,
                at: crate::values::from_micros(at),
                withdrawn: withdrawn.map(crate::values::from_micros),
            })
        });
    Ok(facts.collect())
}

/// The facts that count for `lead`: a proof of a contact it has no more does not.
pub fn counting(lead: &Lead, facts: &[FactRow]) -> Vec<Fact> {
    let holds = |fact: &&FactRow| match fact.kind {
        FactKind::PhoneVerified => fact.contact.is_some() && fact.contact == lead.phone_index,
        FactKind::EmailDeliverable => fact.contact.is_some() && fact.contact == lead.email_index,
        _ => true,
    };
    let plain = |fact: &FactRow| Fact {
        kind: fact.kind,
        at: fact.at,
        withdrawn: fact.withdrawn,
    };
    facts.iter().filter(holds).map(plain).collect()
}

/// Records a fact, unless one of its kind stands already; signs of interest are recorded each time. True when it is new.
///
/// # Errors
/// The database.
pub fn add_fact(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    kind: FactKind,
    source: &str,
    proof: &str,
    recorded_by: &str,
) -> Result<bool, Refusal> {
    let contact = match kind {
        FactKind::PhoneVerified => lead.phone_index.clone(),
        FactKind::EmailDeliverable => lead.email_index.clone(),
        _ => None,
    };
    if kind.is_checked() && contact.is_none() {
        return Ok(false);
    }
    let standing = facts(unit.tx(), lead.id)?;
    let same =
        |fact: &FactRow| fact.kind == kind && fact.withdrawn.is_none() && fact.contact == contact;
    if kind != FactKind::Engaged && standing.iter().any(same) {
        return Ok(false);
    }
    let (id, now) = (new_id(unit.now()), unit.now());
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_facts (id, org_id, lead_id, kind, source, proof, contact_index, recorded_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(lead.org)
        .bind(lead.id)
        .bind(kind.name())
        .bind(source)
        .bind(proof)
        .bind(contact)
        .bind(recorded_by)
        .bind(bound(now)),
    )?;
    Ok(true)
}

/// Withdraws what is recorded of a kind: what it said of the lead is not there any more.
///
/// # Errors
/// The database.
pub fn withdraw_kind(unit: &mut Unit<'_, '_>, lead: &Lead, kind: FactKind) -> Result<(), Refusal> {
    let (now, by) = (unit.now(), unit.by().audit_name());
    unit.tx().execute(
        sqlx::query(
            "UPDATE lead_facts SET withdrawn_at = $3, withdrawn_by = $4 WHERE kind = $2 AND withdrawn_at IS NULL
                 AND lead_id = ANY (ARRAY[$1]::uuid[] || ARRAY(SELECT m.id FROM leads AS m WHERE m.merged_into = $1))",
        )
        .bind(lead.id)
        .bind(kind.name())
        .bind(bound(now))
        .bind(by),
    )?;
    Ok(())
}

/// Counts the score anew from the facts that stand, and tells who has to know. [`save`] follows.
///
/// # Errors
/// The database.
pub fn rescore(unit: &mut Unit<'_, '_>, lead: &mut Lead) -> Result<(), Refusal> {
    let now = unit.now();
    let facts = facts(unit.tx(), lead.id)?;
    let score = score::score(&counting(lead, &facts), now);
    let (before, was_hot, was_band) = (lead.score, lead.is_hot(now), lead.band());
    lead.score = score.total;
    lead.engaged_until = score.engaged_until;
    lead.budget_confirmed = score.budget_confirmed;
    if before != score.total {
        let facts = json!({"lead_id": lead.id, "score": score.total, "band": score.band.name(), "assigned_to": lead.assigned_to});
        unit.emit(Event::new("lead.scored", "lead", lead.id, facts).about(lead.subject));
    }
    if was_band != score.band {
        let detail = json!({"from": before, "to": score.total, "band": score.band.name()});
        history(unit, lead, "score", &detail, None)?;
    }
    if score::crossed(before, score.total) {
        lead.crossings += 1;
        let detail = json!({"score": score.total});
        let told = format!("score {} {}", lead.id, lead.crossings);
        for manager in super::notice::managers(unit, lead)? {
            super::notice::tell(unit, manager, "score", Some(lead.id), &detail, &told)?;
        }
        let facts = json!({"lead_id": lead.id, "score": score.total, "crossing": lead.crossings});
        unit.emit(Event::new("lead.score_crossed", "lead", lead.id, facts).about(lead.subject));
    }
    if !was_hot && lead.is_hot(now) {
        history(
            unit,
            lead,
            "hot",
            &json!({"score": score.total, "budget_confirmed": score.budget_confirmed}),
            None,
        )?;
        if let Some(agent) = lead.assigned_to {
            let told = format!("hot {} {}", lead.id, now.0);
            super::notice::tell(
                unit,
                agent,
                "hot",
                Some(lead.id),
                &json!({"score": score.total}),
                &told,
            )?;
        }
        let facts =
            json!({"lead_id": lead.id, "score": score.total, "assigned_to": lead.assigned_to});
        unit.emit(Event::new("lead.hot", "lead", lead.id, facts).about(lead.subject));
    }
    Ok(())
}

/// Puts what a lead is found by into the search.
///
/// # Errors
/// The database, or a field that does not open.
pub fn index(unit: &mut Unit<'_, '_>, lead: &Lead, key: &SubjectKey) -> Result<(), Refusal> {
    let known = lead.open(key)?;
    let personal = [known.name, known.phone, known.email, known.city];
    let mut words = vec![lead.source.clone(), lead.channel.clone()];
    words.extend(lead.interests.iter().cloned());
    let entry = Entry {
        entity: "lead",
        id: lead.id,
        area: Area::Crm,
        owner: lead.assigned_to,
        team: lead.team,
        subject: Some(lead.subject),
        words: words.join(" "),
        personal: personal.into_iter().flatten().collect(),
    };
    search::index(unit, &entry)
}
